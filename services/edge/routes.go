package edge

import (
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/pkg/media"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/edge/storefront"
)

// router is every way into the shop.
func (e *server) router(pages *storefront.Pages) http.Handler {
	r := web.Router("edge", e.log)
	r.Use(e.noteRefusals, web.Drain, e.apiHeaders)
	r.Handle(webhookPath, e.webhook())             // any method; webhook judges
	r.Post(oneClickPath, web.Handle(e.oneClick))   // mail hosts bring neither cookies nor an origin of ours
	r.Post(noNoticesPath, web.Handle(e.noNotices)) // likewise
	r.Group(func(r chi.Router) {
		r.Use(e.crossOrigin)
		r.Handle(backInStockPath, post(e.backInStock))
		r.Handle("/user/", get(apiRoot("user")))
		r.Handle("/order/", get(apiRoot("order")))
		r.Handle("/clientevent/", get(apiRoot("clientevent")))
		for path, kind := range eventKinds {
			r.Handle(path, get(e.clientEvent(kind)))
		}
		r.Handle(productsPath, get(e.productsAnswer))
		r.Handle("/order/product/{product_identifier}", get(e.productAnswer))
		r.With(web.Routine).Handle(media.Path+"{name}", get(e.picture))
		r.Group(e.personal)
		pages.Mount(r)
	})
	r.NotFound(e.notFound)
	return e.fastPath(e.fileHeaders(knownMethods(r)))
}

// knownMethods has the router refuse what it does not know by the address, as it does with other methods.
func knownMethods(next http.Handler) http.Handler {
	known := []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(known, r.Method) {
			r.Method = http.MethodTrace // else it does not look at the address
		}
		next.ServeHTTP(w, r)
	})
}

// personal is what depends on who asks.
func (e *server) personal(r chi.Router) {
	r.Use(e.plainPaths, e.methods, e.identify, e.checkCSRF, e.limit)
	r.Handle("/user/token", get(e.token))
	r.Handle("/user/logged-in", get(e.loggedIn))
	r.Handle("/user/logout", get(e.logout))
	r.Handle("/user/account-content", get(e.accountContent))
	r.Handle("/user/sessions", get(e.listSessions))
	r.Handle("/user/end-session", post(e.endOneSession))
	r.Handle("/user/end-other-sessions", post(e.endTheOtherSessions))
	r.Handle("/user/*", e.proxy(e.owners.user, nil))
	r.Handle("/order/*", e.proxy(e.owners.order, e.addressOfMember))
}

// plainPaths answers paths that can be none of the API's, such as those with a slash at the end,
// before anything else is asked of the request.
func (e *server) plainPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !plainPath(r.URL.Path) {
			e.notFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// methods lets GET, HEAD and POST through: the API knows no other. What an address allows instead is
// known here for edge's own, and asked of the owner for all else.
func (e *server) methods(next http.Handler) http.Handler {
	user, order := e.askMethods(e.owners.user), e.askMethods(e.owners.order)
	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		path := r.URL.Path
		switch {
		case r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodPost:
			next.ServeHTTP(w, r)
		case slices.Contains(ownGets, path):
			return notAllowed(w, "GET, HEAD")
		case slices.Contains(ownPosts, path):
			return notAllowed(w, "POST")
		case strings.HasPrefix(path, "/user/"):
			user.ServeHTTP(w, r)
		default:
			order.ServeHTTP(w, r)
		}
		return nil
	})
}

// ownGets and ownPosts are what personal serves itself.
var (
	ownGets  = []string{"/user/token", "/user/logged-in", "/user/logout", "/user/account-content", "/user/sessions"}
	ownPosts = []string{"/user/end-session", "/user/end-other-sessions"}
)

func notAllowed(w http.ResponseWriter, allow string) error {
	w.Header().Set("Allow", allow)
	return &web.Error{Status: http.StatusMethodNotAllowed, Code: "method-not-allowed"}
}

// askMethods has an owner answer for a method that it does not know: 405 with what it allows, or 404.
func (e *server) askMethods(owner *web.Owner) http.Handler {
	return &httputil.ReverseProxy{
		Transport: owner, ErrorHandler: e.ownerAway, ErrorLog: quiet,
		Rewrite: func(pr *httputil.ProxyRequest) {
			e.toOwner(pr, nil)
			pr.Out.Method, pr.Out.URL.RawQuery = http.MethodOptions, ""
			pr.Out.Body, pr.Out.ContentLength = http.NoBody, 0
			if err := web.SignIdentity(pr.Out, e.keys.identity, web.Identity{}); err != nil {
				web.Note(pr.In, "identity_error", err.Error())
			}
		},
		ModifyResponse: func(res *http.Response) error {
			takeInstructions(res.Header)
			return fitAnswer(res)
		},
	}
}

// get answers GET and HEAD only.
func get(h web.Handler) http.HandlerFunc {
	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			return notAllowed(w, "GET, HEAD")
		}
		return h(w, r)
	})
}

// post answers POST only.
func post(h web.Handler) http.HandlerFunc {
	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if r.Method != http.MethodPost {
			return notAllowed(w, "POST")
		}
		return h(w, r)
	})
}

// noRoute is the API's answer to an unknown path: a page, as the contract says, also in the place of
// what an owner says. Only people who mistype an address see it.
var noRoute = []byte("<!doctype html><title>Not found</title><p>There is nothing at this address.</p>\n")

// notFound answers an unknown path with a page.
func (e *server) notFound(w http.ResponseWriter, r *http.Request) {
	if !isAPI(r.URL.Path) {
		e.shown.Load().pages.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusNotFound)
	if _, err := w.Write(noRoute); err != nil {
		web.Note(r, "write_error", err.Error())
	}
}
