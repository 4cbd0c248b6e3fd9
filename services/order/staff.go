package order

import (
	"embed"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

//go:embed staff/*.html
var staffTemplates embed.FS

// staff is what order shows in the back office: one line for each route, with the right that it asks for.
func (s *server) staff() adminui.Pages {
	return adminui.Pages{Templates: staffTemplates, Routes: []adminui.Route{
		{Method: "GET", Path: "/orders", Action: adminui.OrdersView, Handle: s.staffOrders},
		{Method: "POST", Path: "/orders/views", Action: adminui.OrdersView, Handle: s.staffKeepView},
		{Method: "POST", Path: "/orders/views/{id}/drop", Action: adminui.OrdersView, Handle: s.staffDropView},
	}}
}
