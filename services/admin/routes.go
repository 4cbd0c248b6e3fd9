package admin

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// routes are the requests that admin answers. Those that are not below belong to an owner
// (forward.go).
func (s *server) routes() http.Handler {
	r := web.Router("admin", s.log)
	r.Use(web.OnlyHosts(s.cfg.InsideHosts, s.addresses.own.Host), s.headers)
	r.With(web.Routine).Get("/static/{file}", adminui.Static)

	r.Group(func(r chi.Router) {
		r.Use(s.sameOrigin)
		r.Get("/sign-in", s.public(s.signIn))
		r.Post("/sign-in", s.public(s.checkPassword))
		r.Post("/sign-in/passkey", s.public(s.signInByPasskey))
		r.Post("/sign-in/passkey/begin", s.public(s.beginSignInByPasskey))
		r.Get("/sign-in/link/{token}", s.public(s.openLink))
		r.Post("/sign-in/link/{token}", s.public(s.acceptLink))
	})

	r.Group(func(r chi.Router) {
		r.Use(s.sameOrigin, s.signedIn(stageSecond))
		r.Get("/sign-in/second", s.public(s.second))
		r.Post("/sign-in/second", s.public(s.checkSecond))
		r.Post("/sign-in/second/begin", s.public(s.beginSecond))
	})
	r.Group(func(r chi.Router) {
		r.Use(s.sameOrigin, s.signedIn(stageEnrol))
		r.Get("/sign-in/enrol", s.public(s.enrol("/sign-in/enrol", true)))
		r.Post("/sign-in/enrol", s.public(s.setUpApp("/sign-in/enrol", true)))
		r.Post("/sign-in/enrol/begin", s.public(s.beginAddPasskey))
		r.Post("/sign-in/enrol/passkey", s.public(s.addPasskey(true)))
	})

	r.Group(func(r chi.Router) {
		r.Use(s.sameOrigin, s.signedIn(stageFull))
		s.ownRoutes(r)
		s.workRoutes(r)
		for prefix, owner := range ownerOfPrefix {
			h := s.forward(owner)
			r.Handle("/"+prefix, h)
			r.Handle("/"+prefix+".csv", h)
			r.Handle("/"+prefix+"/*", h)
		}
		r.NotFound(s.notFound)
	})

	return r
}

// ownRoutes are admin's own pages.
func (s *server) ownRoutes(r chi.Router) {
	r.Get("/", s.own(adminui.HomeView, s.home))
	r.With(web.Routine).Get("/live", s.personal(s.live))
	r.With(web.Routine).Get("/counts", s.own(adminui.HomeView, s.counts))
	r.Post("/sign-out", s.personal(s.signOut))
	r.Post("/confirm/begin", s.personal(s.beginConfirm))

	r.Get("/account", s.personal(s.account))
	r.Post("/account/password", s.careful(s.changePassword))
	r.Get("/account/app", s.careful(s.enrol("/account/app", false)))
	r.Post("/account/app", s.careful(s.setUpApp("/account/app", false)))
	r.Post("/account/app/remove", s.careful(s.removeApp))
	r.Post("/account/passkeys/begin", s.careful(s.beginAddPasskey))
	r.Post("/account/passkeys", s.careful(s.addPasskey(false)))
	r.Post("/account/passkeys/{id}/remove", s.careful(s.removePasskey))
	r.Post("/account/codes", s.careful(s.renewCodes))
	r.Post("/account/sessions/end", s.personal(s.endOtherSessions))
	r.Post("/account/sessions/{id}/end", s.personal(s.endOneSession))
	r.Post("/account/tokens", s.own(adminui.TokensManage, s.createToken))
	r.Post("/account/tokens/{id}/revoke", s.personal(s.revokeToken))

	manage := func(h adminui.Handler) http.HandlerFunc { return s.own(adminui.PeopleManage, h) }
	r.Get("/people", manage(s.people))
	r.Get("/people.csv", manage(s.people))
	r.Get("/people/invite", manage(s.newPerson))
	r.Post("/people/invite", manage(s.createPerson))
	r.Get("/people/{id}", manage(s.person))
	r.Post("/people/{id}", manage(s.changePerson))
	r.Post("/people/{id}/disable", manage(s.act("Disabled", disablePerson)))
	r.Post("/people/{id}/enable", manage(s.act("Enabled", enablePerson)))
	r.Post("/people/{id}/reset", manage(s.resetPerson))

	r.Get("/audit", s.own(adminui.AuditView, s.auditLog))
	r.Get("/audit.csv", s.own(adminui.AuditView, s.auditLog))
	r.Get("/audit/recent", s.own(adminui.AuditView, s.recentLog))
	r.Get("/audit/{kind}/{key}", s.own(adminui.HomeView, s.thingLog))
	r.Get("/audit/{kind}/{key}.csv", s.own(adminui.HomeView, s.thingLog))
}

// own is a page of admin's own.
func (s *server) own(action adminui.Action, h adminui.Handler) http.HandlerFunc {
	return s.kit.Handle(action, h)
}

// public is a page for people who have not signed in.
func (s *server) public(h adminui.Handler) http.HandlerFunc { return s.kit.Public(h) }

func (s *server) notFound(w http.ResponseWriter, r *http.Request) { s.kit.Fail(w, r, web.NotFound()) }
