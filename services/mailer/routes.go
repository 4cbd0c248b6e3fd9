package mailer

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// routes are the requests that mailer answers. Beside its staff pages there are none.
func (s *server) routes() http.Handler {
	r := web.Router("mailer", s.log)
	r.Use(web.OnlyHosts(s.cfg.InsideHosts, s.cfg.Addr), web.LoopbackOnly)
	return r
}
