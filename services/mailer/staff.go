package mailer

import (
	"embed"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

//go:embed staff/*.html
var staffTemplates embed.FS

// staff are the pages of mailer in the back office.
func (s *server) staff() adminui.Pages {
	return adminui.Pages{Templates: staffTemplates, Routes: []adminui.Route{
		adminui.HomeRoute(nil, s.guideSteps),
		{Method: "GET", Path: "/mails", Action: adminui.MailsView, Handle: s.staffMails},
		{Method: "GET", Path: "/mails/panel/order/{identifier}", Action: adminui.MailsView, Handle: s.staffOrderMails},
		{Method: "GET", Path: "/mails/panel/customer/{customer}", Action: adminui.MailsView,
			Handle: s.staffCustomerMails},
		{Method: "GET", Path: "/mails/templates", Action: adminui.MailsView, Handle: s.staffTemplates},
		{Method: "GET", Path: "/mails/templates/{kind}", Action: adminui.MailsView, Handle: s.staffTemplate},
		{Method: "POST", Path: "/mails/templates/{kind}", Action: adminui.TemplatesEdit, Handle: s.staffUpdateTemplate},
		{Method: "POST", Path: "/mails/templates/{kind}/frame", Action: adminui.MailsView,
			Handle: s.staffTemplateFrame},
		{Method: "POST", Path: "/mails/templates/{kind}/built-in", Action: adminui.TemplatesEdit,
			Handle: s.staffBuiltIn},
		{Method: "GET", Path: "/mails/{id}", Action: adminui.MailsView, Handle: s.staffMail},
		{Method: "GET", Path: "/mails/{id}/frame", Action: adminui.MailsView, Handle: s.staffMailFrame},
		{Method: "GET", Path: "/campaigns", Action: adminui.CampaignsView, Handle: s.staffCampaigns},
		{Method: "POST", Path: "/campaigns", Action: adminui.CampaignsEdit, Handle: s.staffCreateCampaign},
		{Method: "GET", Path: "/campaigns/{id}", Action: adminui.CampaignsView, Handle: s.staffCampaign},
		{Method: "POST", Path: "/campaigns/{id}", Action: adminui.CampaignsEdit, Handle: s.staffUpdateCampaign},
		{Method: "GET", Path: "/campaigns/{id}/progress", Action: adminui.CampaignsView,
			Handle: s.staffCampaignProgress},
		{Method: "GET", Path: "/campaigns/{id}/receivers", Action: adminui.CampaignsView,
			Handle: s.staffCampaignReceivers},
		{Method: "GET", Path: "/campaigns/{id}/frame", Action: adminui.CampaignsView, Handle: s.staffCampaignFrame},
		{Method: "POST", Path: "/campaigns/{id}/frame", Action: adminui.CampaignsEdit, Handle: s.staffCampaignFrame},
		{Method: "POST", Path: "/campaigns/{id}/test", Action: adminui.CampaignsEdit, Handle: s.staffTestCampaign},
		{Method: "POST", Path: "/campaigns/{id}/start", Action: adminui.CampaignsEdit, Handle: s.staffStartCampaign},
		{Method: "POST", Path: "/campaigns/{id}/copy", Action: adminui.CampaignsEdit, Handle: s.staffCopyCampaign},
		{Method: "POST", Path: "/campaigns/{id}/{move}", Action: adminui.CampaignsEdit, Handle: s.staffMoveCampaign},
		{Method: "POST", Path: "/mails/send", Action: adminui.MailsAct, Handle: s.staffSendMany},
		{Method: "POST", Path: "/mails/{id}/send", Action: adminui.MailsAct, Handle: s.staffSend},
		{Method: "POST", Path: "/mails/{id}/lift", Action: adminui.MailsAct, Handle: s.staffLift},
		{Method: "POST", Path: "/mails/{id}/drop", Action: adminui.MailsAct, Handle: s.staffDrop},
	}}
}
