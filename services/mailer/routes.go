package mailer

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// routes is every request that mailer answers: staff on the same machine, no one else.
func (s *server) routes() http.Handler {
	r := web.Router("mailer", s.log)
	r.Use(web.OnlyHosts(s.cfg.InsideHosts, s.cfg.Addr), http.NewCrossOriginProtection().Handler, web.LoopbackOnly)
	r.Get("/staff/templates", web.Handle(s.templates))
	r.Post("/staff/templates", web.Handle(s.addTemplate))
	r.Patch("/staff/templates/{em_cd}", web.Handle(s.changeTemplate))
	r.Post("/staff/templates/{em_cd}/draft", web.Handle(s.draftNewsletter))
	r.Post("/staff/templates/{em_cd}/send", web.Handle(s.sendNewsletter))
	return r
}
