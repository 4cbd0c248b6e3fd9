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

// routes are the requests that edge answers. The pages in them may be replaced at any time.
func (s *server) routes() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.site.Load().routes.ServeHTTP(w, r) })
}

// newRouter routes all requests that edge answers.
func (s *server) newRouter(pages *storefront.Pages) http.Handler {
	r := web.Router("edge", s.log)
	r.Use(s.noteRefusals, web.Drain, s.apiHeaders)
	r.Handle(webhookPath, s.webhook())             // any method; webhook judges
	r.Post(oneClickPath, web.Handle(s.oneClick))   // mail hosts have neither cookies nor an origin of ours
	r.Post(noNoticesPath, web.Handle(s.noNotices)) // nor here
	r.Group(func(r chi.Router) {
		r.Use(s.crossOrigin)
		r.Handle(backInStockPath, post(s.backInStock))
		r.Handle("/user/", get(apiRoot("user")))
		r.Handle("/order/", get(apiRoot("order")))
		r.Handle("/clientevent/", get(apiRoot("clientevent")))
		for path, kind := range eventKinds {
			r.Handle(path, get(s.clientEvent(kind)))
		}
		r.Handle(productsPath, get(s.productsAnswer))
		r.Handle("/order/product/{product_identifier}", get(s.productAnswer))
		r.With(web.Routine).Handle(media.Path+"{name}", get(s.picture))
		r.Group(s.personal)
		pages.Mount(r)
	})
	r.NotFound(s.notFound)
	return s.fastPath(s.fileHeaders(knownMethods(r)))
}

// knownMethods makes the router judge an unknown method by the address, as it does with known ones.
func knownMethods(next http.Handler) http.Handler {
	known := []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(known, r.Method) {
			r.Method = http.MethodTrace // otherwise the router does not look at the address
		}
		next.ServeHTTP(w, r)
	})
}

// personal are the routes whose answers depend on the shopper.
func (s *server) personal(r chi.Router) {
	r.Use(s.plainPaths, s.methods, s.identify, s.checkCSRF, s.limit)
	r.Handle("/user/token", get(s.token))
	r.Handle("/user/logged-in", get(s.loggedIn))
	r.Handle("/user/logout", get(s.logout))
	r.Handle("/user/account-content", get(s.accountContent))
	r.Handle("/user/sessions", get(s.listSessions))
	r.Handle("/user/end-session", post(s.endOneSession))
	r.Handle("/user/end-other-sessions", post(s.endTheOtherSessions))
	r.Handle("/user/*", s.proxy(s.owners.user, nil))
	r.Handle("/order/*", s.proxy(s.owners.order, s.addressOfMember))
}

// plainPaths answers paths that cannot be the API's, such as those with a trailing slash, before
// anything else is done with the request.
func (s *server) plainPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !plainPath(r.URL.Path) {
			s.notFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// methods lets GET, HEAD and POST through: the API knows no other. For the rest it answers with the
// methods that the address allows: edge's own from the lists below, all others from the owner.
func (s *server) methods(next http.Handler) http.Handler {
	user, order := s.askMethods(s.owners.user), s.askMethods(s.owners.order)
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

// ownGets and ownPosts are the paths that personal serves itself.
var (
	ownGets  = []string{"/user/token", "/user/logged-in", "/user/logout", "/user/account-content", "/user/sessions"}
	ownPosts = []string{"/user/end-session", "/user/end-other-sessions"}
)

func notAllowed(w http.ResponseWriter, allow string) error {
	w.Header().Set("Allow", allow)
	return &web.Error{Status: http.StatusMethodNotAllowed, Code: "method-not-allowed"}
}

// askMethods lets an owner answer an unknown method: 405 with the allowed ones, or 404.
func (s *server) askMethods(owner *web.Owner) http.Handler {
	return &httputil.ReverseProxy{
		Transport: owner, ErrorHandler: s.ownerAway, ErrorLog: quiet,
		Rewrite: func(pr *httputil.ProxyRequest) {
			s.toOwner(pr, nil)
			pr.Out.Method, pr.Out.URL.RawQuery = http.MethodOptions, ""
			pr.Out.Body, pr.Out.ContentLength = http.NoBody, 0
			if err := web.SignIdentity(pr.Out, s.identityKey, web.Identity{}); err != nil {
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

// noRoute is the API's answer to an unknown path, also in place of an owner's: a page, as the
// contract says. Only people who mistype an address see it.
var noRoute = []byte("<!doctype html><title>Not found</title><p>There is nothing at this address.</p>\n")

// notFound answers an unknown path with a page.
func (s *server) notFound(w http.ResponseWriter, r *http.Request) {
	if !isAPI(r.URL.Path) {
		s.site.Load().pages.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusNotFound)
	if _, err := w.Write(noRoute); err != nil {
		web.Note(r, "write_error", err.Error())
	}
}
