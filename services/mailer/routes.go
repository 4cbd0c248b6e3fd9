package mailer

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// routes is what mailer answers beside its staff pages: nothing.
func (s *server) routes() http.Handler {
	r := web.Router("mailer", s.log)
	r.Use(web.OnlyHosts(s.cfg.InsideHosts, s.cfg.Addr), web.LoopbackOnly)
	return r
}
