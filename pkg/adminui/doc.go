// Package adminui is the kit of the back office. The service that owns a domain renders its pages:
// a handler, a store function, a template beside them. services/admin knows who is asking and
// forwards /orders/… to order's /staff/orders/… with a signed Identity; it holds no domain logic.
//
// A service lists its pages once, and hands the list to the skeleton of services
// (service.Parts.Staff):
//
//	//go:embed staff/*.html
//	var staffTemplates embed.FS
//
//	func (s *server) staff() adminui.Pages {
//		return adminui.Pages{Templates: staffTemplates, Routes: []adminui.Route{
//			{Method: "GET", Path: "/orders", Action: adminui.OrdersView, Handle: s.staffOrders},
//			{Method: "POST", Path: "/orders/{identifier}/note", Action: adminui.OrdersEdit, Handle: s.staffCreateNote},
//		}}
//	}
//
// A handler reads, asks the store, and returns an answer:
//
//	func (s *server) staffOrders(r *http.Request) (adminui.Answer, error) {
//		l, err := adminui.ReadListing(r, adminui.ListSpec{Filters: []string{"status"}})
//		…
//		rows, err := listStaffOrders(r.Context(), s.pool, l)
//		…
//		return adminui.Page{Title: "Orders", Data: data, Table: table}, nil
//	}
//
// The kit gives a Page three faces: HTML; JSON of Data for Accept: application/json; and the rows
// of Table as CSV under the same address with .csv. A command is a POST whose handler changes
// something in one transaction, records it with Record, and returns Done, which leads back to a
// page. Invalid input is answered by the page with the form, its errors, and all that was typed
// (Form).
//
// Nothing here needs scripts: forms are posted, answered by a redirect, and shown again. Scripts
// add keys, live updates and panels.
package adminui
