package webhook

import (
	"embed"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

//go:embed staff/*.html
var staffTemplates embed.FS

// staff is webhook's part of the back office: one line for each route, with the right that it
// requires.
func (s *server) staff() adminui.Pages {
	return adminui.Pages{Templates: staffTemplates, Routes: []adminui.Route{
		{Method: "GET", Path: "/stripe", Action: adminui.StripeView, Handle: s.staffEvents},
		{Method: "GET", Path: "/stripe/panel", Action: adminui.StripeView, Handle: s.staffPanel},
		{Method: "GET", Path: "/stripe/events/{id}", Action: adminui.StripeView, Handle: s.staffEvent},
	}}
}
