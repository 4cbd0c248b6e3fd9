package events

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// routes is every request that events answers: what edge asks, and reports for staff on the same
// machine.
func (s *server) routes() http.Handler {
	r := web.Router("events", s.log)
	r.With(web.RequireIdentity(s.key)).Get("/internal/configuration", web.Handle(s.configuration))
	r.Route("/staff", func(r chi.Router) {
		r.Use(web.OnlyHosts(s.hosts...), web.LoopbackOnly)
		r.Get("/reports/summary", web.Handle(s.summary))
		r.Get("/tables/{table}", web.Handle(s.tableRows))
	})
	return r
}
