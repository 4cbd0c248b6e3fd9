package user

import (
	"embed"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

//go:embed staff/*.html
var staffTemplates embed.FS

// staff is what user shows in the back office: one line for each route, with the right that it asks for.
func (s *server) staff() adminui.Pages {
	return adminui.Pages{Templates: staffTemplates, Routes: []adminui.Route{
		adminui.HomeRoute(nil, s.guideSteps),
		{Method: "GET", Path: "/customers", Action: adminui.CustomersView, File: adminui.CustomersExport,
			Handle: s.staffCustomers},
		{Method: "GET", Path: "/customers/panel", Action: adminui.CustomersView, Handle: s.staffCustomerPanel},
		{Method: "GET", Path: "/customers/{customer}", Action: adminui.CustomersView, Handle: s.staffCustomer},
		{Method: "GET", Path: "/customers/{customer}/known", Action: adminui.CustomersExport, Handle: s.staffKnown},
		{Method: "POST", Path: "/customers/{customer}/erase", Action: adminui.CustomersErase, Handle: s.staffErase},
	}}
}
