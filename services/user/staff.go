package user

import (
	"embed"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

//go:embed staff/*.html
var staffTemplates embed.FS

// staff is user's part of the back office: one line for each route, with the right that it
// requires.
func (s *server) staff() adminui.Pages {
	view, edit, export := adminui.CustomersView, adminui.CustomersEdit, adminui.CustomersExport
	return adminui.Pages{Templates: staffTemplates, Routes: []adminui.Route{
		adminui.HomeRoute(s.homeTiles, s.guideSteps),
		{Method: "GET", Path: "/customers", Action: view, File: export, Handle: s.staffCustomers},
		{Method: "GET", Path: "/customers/reasons", Action: view, File: export, Handle: s.staffReasons},
		{Method: "GET", Path: "/customers/panel", Action: view, Handle: s.staffCustomerPanel},
		{Method: "GET", Path: "/customers/{customer}", Action: view, Handle: s.staffCustomer},
		{Method: "GET", Path: "/customers/{customer}/edit", Action: edit, Handle: s.staffEditCustomer},
		{Method: "POST", Path: "/customers/{customer}/edit", Action: edit, Handle: s.staffUpdateCustomer},
		{Method: "POST", Path: "/customers/{customer}/notes", Action: edit, Handle: s.staffCreateNote},
		{Method: "POST", Path: "/customers/{customer}/merge", Action: edit, Handle: s.staffMerge},
		{Method: "GET", Path: "/customers/{customer}/records/{record}", Action: edit,
			Handle: s.staffRecordMergePreview},
		{Method: "POST", Path: "/customers/{customer}/records/{record}", Action: edit, Handle: s.staffMergeRecord},
		{Method: "GET", Path: "/customers/{customer}/accounts/{other}", Action: adminui.CustomersErase,
			Handle: s.staffAccountMergePreview},
		{Method: "POST", Path: "/customers/{customer}/accounts/{other}", Action: adminui.CustomersErase,
			Handle: s.staffMergeAccounts},
		{Method: "POST", Path: "/customers/{customer}/verify", Action: edit, Handle: s.staffVerify},
		{Method: "POST", Path: "/customers/{customer}/sessions", Action: edit, Handle: s.staffEndSessions},
		{Method: "POST", Path: "/customers/{customer}/unsubscribe", Action: edit, Handle: s.staffUnsubscribe},
		{Method: "GET", Path: "/customers/{customer}/known", Action: export, Handle: s.staffKnown},
		{Method: "POST", Path: "/customers/{customer}/erase", Action: adminui.CustomersErase, Handle: s.staffErase},

		{Method: "GET", Path: "/prospects", Action: view, File: export, Handle: s.staffProspects},
		{Method: "GET", Path: "/prospects/new", Action: edit, Handle: s.staffNewProspect},
		{Method: "POST", Path: "/prospects/new", Action: edit, Handle: s.staffCreateProspect},
		{Method: "GET", Path: "/prospects/import", Action: adminui.CustomersImport, Handle: s.staffImport},
		{Method: "POST", Path: "/prospects/import", Action: adminui.CustomersImport, Handle: s.staffImportList},

		{Method: "GET", Path: "/chat", Action: adminui.ChatView, File: export, Handle: s.staffThreads},
		{Method: "GET", Path: "/chat/answers", Action: adminui.ChatView, Handle: s.staffCannedAnswers},
		{Method: "POST", Path: "/chat/answers", Action: adminui.ChatAnswer, Handle: s.staffCreateCannedAnswer},
		{Method: "GET", Path: "/chat/answers/{id}", Action: adminui.ChatAnswer, Handle: s.staffCannedAnswer},
		{Method: "POST", Path: "/chat/answers/{id}", Action: adminui.ChatAnswer, Handle: s.staffUpdateCannedAnswer},
		{Method: "POST", Path: "/chat/answers/{id}/delete", Action: adminui.ChatAnswer,
			Handle: s.staffDeleteCannedAnswer},
		{Method: "GET", Path: "/chat/{thread}", Action: adminui.ChatView, Handle: s.staffThread},
		{Method: "POST", Path: "/chat/{thread}/answer", Action: adminui.ChatAnswer, Handle: s.staffAnswer},
		{Method: "POST", Path: "/chat/{thread}/state", Action: adminui.ChatAnswer, Handle: s.staffUpdateThreadState},

		{Method: "GET", Path: "/terms", Action: view, Handle: s.staffTerms},
		{Method: "POST", Path: "/terms", Action: adminui.TermsPublish, Handle: s.staffPublishTerms},
		{Method: "GET", Path: "/terms/{version}", Action: view, File: export, Handle: s.staffTermsAgreed},
	}}
}
