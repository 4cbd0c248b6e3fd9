package mailer

import (
	"embed"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

//go:embed staff/*.html
var staffTemplates embed.FS

// staffPages are what mailer shows in the back office.
func (s *server) staffPages() adminui.Pages {
	return adminui.Pages{Templates: staffTemplates, Routes: []adminui.Route{
		{Method: "GET", Path: "/mails", Action: adminui.MailsView, Handle: s.staffMails},
		{Method: "GET", Path: "/mails/{id}", Action: adminui.MailsView, Handle: s.staffMail},
		{Method: "POST", Path: "/mails/send", Action: adminui.MailsAct, Handle: s.staffSendMany},
		{Method: "POST", Path: "/mails/{id}/send", Action: adminui.MailsAct, Handle: s.staffSend},
		{Method: "POST", Path: "/mails/{id}/drop", Action: adminui.MailsAct, Handle: s.staffDrop},
	}}
}
