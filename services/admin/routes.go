package admin

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// routes is every request that the back office answers. What is not below is an owner's (forward.go).
func (s *server) routes() http.Handler {
	r := web.Router("admin", s.log)
	r.Use(web.OnlyHosts(s.cfg.InsideHosts, s.addresses.own.Host), s.headers)
	r.With(web.Routine).Get("/static/{file}", adminui.Static)
	r.Group(func(r chi.Router) {
		r.Use(s.sameOrigin)
		r.Get("/sign-in", s.public(s.signIn))
		r.Get("/sign-in/link/{token}", s.public(s.openLink))
		r.Post("/sign-in/link/{token}", s.public(s.useLink))
	})
	r.Group(func(r chi.Router) {
		r.Use(s.sameOrigin, s.signedIn)
		r.Post("/sign-out", s.own(adminui.HomeView, s.signOut))
		r.Get("/", s.own(adminui.HomeView, s.home))
		for prefix, owner := range owners {
			h := s.forward(owner)
			r.Handle("/"+prefix, h)
			r.Handle("/"+prefix+".csv", h)
			r.Handle("/"+prefix+"/*", h)
		}
		r.NotFound(s.notFound)
	})
	return r
}

// own is a page of admin's own.
func (s *server) own(action adminui.Action, h adminui.Handler) http.HandlerFunc {
	return s.kit.Handle(action, h)
}

// public is a page for those who have not signed in.
func (s *server) public(h adminui.Handler) http.HandlerFunc { return s.kit.Public(h) }

func (s *server) notFound(w http.ResponseWriter, r *http.Request) { s.kit.Fail(w, r, web.NotFound()) }
