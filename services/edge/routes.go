package edge

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// routes is every way into the shop.
func (e *Edge) routes() http.Handler {
	r := web.Router("edge", e.log)
	r.Use(e.apiHeaders)
	r.Handle(webhookPath, e.webhook()) // any method; webhook judges
	r.Group(func(r chi.Router) {
		r.Use(e.crossOrigin)
		r.Handle("/user/", get(greeting("user")))
		r.Handle("/order/", get(greeting("order")))
		r.Handle("/clientevent/", get(greeting("clientevent")))
		r.Get("/clientevent/pageview", e.clientEvent("pageview"))
		r.Get("/clientevent/ajaxerror", e.clientEvent("ajaxerror"))
		r.Get("/clientevent/buttonclick", e.clientEvent("buttonclick"))
		r.Get("/clientevent/linkevent", e.clientEvent("linkevent"))
		r.Handle("/order/products", get(e.catalogueAnswer))
		r.Handle("/order/product/{product_identifier}", get(e.catalogueAnswer))
		r.Group(e.personal)
		e.pages.Mount(r)
	})
	r.NotFound(e.notFound)
	front := http.Handler(r)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !e.serveFresh(w, r) {
			front.ServeHTTP(w, r)
		}
	})
}

// personal is what depends on who asks.
func (e *Edge) personal(r chi.Router) {
	r.Use(methods, e.identify, e.checkCSRF, e.limit)
	r.Handle("/user/token", get(e.token))
	r.Handle("/user/logged-in", get(e.loggedIn))
	r.Handle("/user/logout", get(e.logout))
	r.Handle("/user/account-content", get(e.accountContent))
	r.Handle("/user/*", e.proxy(e.settings.user, nil))
	r.Handle("/order/*", e.proxy(e.settings.order, e.addressOfMember))
}

// methods lets GET, HEAD and POST through: the API knows no other.
func methods(next http.Handler) http.Handler {
	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodPost:
			next.ServeHTTP(w, r)
			return nil
		}
		w.Header().Set("Allow", "GET, HEAD, POST")
		return &web.Error{Status: http.StatusMethodNotAllowed, Code: "method-not-allowed"}
	})
}

// get answers GET and HEAD only.
func get(h web.Handler) http.HandlerFunc {
	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			return &web.Error{Status: http.StatusMethodNotAllowed, Code: "method-not-allowed"}
		}
		return h(w, r)
	})
}

// notFound answers an unknown path: with JSON under the API's roots, else with a page.
func (e *Edge) notFound(w http.ResponseWriter, r *http.Request) {
	if isAPI(r.URL.Path) {
		web.Fail(w, r, web.NotFound())
		return
	}
	e.pages.NotFound(w, r)
}
