package events

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// routes are the requests that events answers.
func (s *server) routes() http.Handler {
	r := web.Router("events", s.log)
	r.With(web.RequireIdentity(s.identityKey)).Get("/internal/configuration", web.Handle(s.configuration))
	return r
}
