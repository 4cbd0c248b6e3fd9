package edge

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// routes is every way into the shop.
func (e *Edge) routes() http.Handler {
	r := web.Router("edge", e.log)
	r.Use(e.noteRefusals, web.Drain, e.apiHeaders)
	r.Handle(webhookPath, e.webhook())           // any method; webhook judges
	r.Post(oneClickPath, web.Handle(e.oneClick)) // mail hosts bring neither cookies nor an origin of ours
	r.Group(func(r chi.Router) {
		r.Use(e.crossOrigin)
		r.Handle("/user/", get(greeting("user")))
		r.Handle("/order/", get(greeting("order")))
		r.Handle("/clientevent/", get(greeting("clientevent")))
		for path, kind := range eventKinds {
			r.Handle(path, get(e.clientEvent(kind)))
		}
		r.Handle("/order/products", get(e.catalogueAnswer))
		r.Handle("/order/product/{product_identifier}", get(e.catalogueAnswer))
		r.Group(e.personal)
		e.pages.Mount(r)
	})
	r.NotFound(e.notFound)
	return e.front(r)
}

// front answers what comes most often and needs neither session nor body, without the way through
// the router: fresh catalogue pages and client events. They are counted and timed like all others,
// but have a log line at debug level only.
func (e *Edge) front(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		if r.Method == http.MethodGet {
			if kind, ok := eventKinds[r.URL.Path]; ok {
				e.setAPIHeaders(w.Header(), r)
				e.takeEvent(w, r, kind)
				e.done("clientevent", e.eventSeconds, began)
				return
			}
			if p := e.catalogue.fresh(r.URL.Path); p != nil {
				e.setAPIHeaders(w.Header(), r)
				p.write(w, r)
				e.done("catalogue", e.catalogueSeconds, began)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (e *Edge) done(route string, seconds prometheus.Observer, began time.Time) {
	took := time.Since(began)
	seconds.Observe(took.Seconds())
	if e.log.Enabled(context.Background(), slog.LevelDebug) {
		e.log.Debug("request", "route", route, "ms", float64(took.Microseconds())/1000)
	}
}

// personal is what depends on who asks.
func (e *Edge) personal(r chi.Router) {
	r.Use(e.plainPaths, methods, e.identify, e.checkCSRF, e.limit)
	r.Handle("/user/token", get(e.token))
	r.Handle("/user/logged-in", get(e.loggedIn))
	r.Handle("/user/logout", get(e.logout))
	r.Handle("/user/account-content", get(e.accountContent))
	r.Handle("/user/sessions", get(e.listSessions))
	r.Handle("/user/end-session", post(e.endOneSession))
	r.Handle("/user/end-other-sessions", post(e.endTheOtherSessions))
	r.Handle("/user/*", e.proxy(e.settings.user, nil))
	r.Handle("/order/*", e.proxy(e.settings.order, e.addressOfMember))
}

// plainPaths answers paths that can be none of the API's, such as those with a slash at the end,
// before anything else is asked of the request.
func (e *Edge) plainPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !plainPath(r.URL.Path) {
			e.notFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
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

// post answers POST only.
func post(h web.Handler) http.HandlerFunc {
	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", "POST")
			return &web.Error{Status: http.StatusMethodNotAllowed, Code: "method-not-allowed"}
		}
		return h(w, r)
	})
}

// noRoute is the API's answer to an unknown path: a page, as the contract says, also in the place of
// what an owner says. Only people who mistype an address see it.
var noRoute = []byte("<!doctype html><title>Not found</title><p>There is nothing at this address.</p>\n")

// notFound answers an unknown path with a page.
func (e *Edge) notFound(w http.ResponseWriter, r *http.Request) {
	if !isAPI(r.URL.Path) {
		e.pages.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusNotFound)
	if _, err := w.Write(noRoute); err != nil {
		web.Note(r, "write_error", err.Error())
	}
}
