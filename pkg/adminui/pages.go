package adminui

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Prefix is where every service has its staff routes. services/admin forwards /orders to
// /staff/orders.
const Prefix = "/staff"

// Pages are the staff routes of a service.
type Pages struct {
	// Templates are the service's templates, *.html in one folder. A page names one by its file.
	Templates fs.FS
	Routes    []Route
}

// Route is one staff route.
type Route struct {
	Method string // GET or POST
	Path   string // below Prefix, as the browser sees it: /orders/{identifier}
	Action Action // the right that it needs
	// File is the right needed for the list as a CSV file, if it differs from Action: a file has
	// fileRows rows, a page pageRows. A path that ends in a parameter has a file only if File is
	// set, since the parameter may contain a dot.
	File   Action
	Handle Handler
}

// Handler answers a request from a person who may do the route's action.
type Handler func(r *http.Request) (Answer, error)

// Answer is what a Handler returns: a Page, Done, or Raw.
type Answer interface {
	answer(k *Kit, w http.ResponseWriter, r *http.Request) error
}

// Raw answers with what an ordinary handler writes: a file, or JSON that has no page.
type Raw web.Handler

func (h Raw) answer(_ *Kit, w http.ResponseWriter, r *http.Request) error { return h(w, r) }

// Done is the end of a command: the browser is led to a page, which shows Text once. A client of
// the JSON face gets both.
type Done struct {
	To   string // a path of the back office, such as /orders/aB3dE5gH7j
	Text string // what was done: "Refunded 12.00."
}

// NoticeHeader tells services/admin what the next page shows once.
const NoticeHeader = "X-Admin-Notice"

func (d Done) answer(k *Kit, w http.ResponseWriter, r *http.Request) error {
	if faceOf(r) == faceJSON {
		return web.JSON(w, http.StatusOK, map[string]string{"to": d.To, "done": d.Text})
	}
	switch {
	case d.Text == "":
	case k.Notice != nil:
		k.Notice(w, encodeNotice(d.Text))
	default:
		w.Header().Set(NoticeHeader, encodeNotice(d.Text))
	}
	http.Redirect(w, r, d.To, http.StatusSeeOther)
	return nil
}

// Mount is the handler of a service's staff routes. It refuses every request that services/admin
// did not sign for it, and every person who may not do what the route is for.
func Mount(log *slog.Logger, service string, key ed25519.PublicKey, pages Pages) (http.Handler, error) {
	kit, err := NewKit(pages.Templates)
	if err != nil {
		return nil, fmt.Errorf("read the staff pages of %s: %w", service, err)
	}
	v := newVerifier(service, key)
	router := web.Router(service, log)
	router.Use(v.require)
	for _, route := range pages.Routes {
		h := kit.Handle(route.Action, route.Handle)
		router.Method(route.Method, Prefix+route.Path, h)
		if route.Method == http.MethodGet && (route.File != "" || !strings.HasSuffix(route.Path, "}")) {
			router.Method(route.Method, Prefix+route.Path+".csv",
				kit.Handle(cmp.Or(route.File, route.Action), route.Handle))
		}
	}
	return router, nil
}

func (v *verifier) require(next http.Handler) http.Handler {
	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		r, err := v.verify(w, r)
		if err != nil {
			return err
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// Below sends requests to staff routes to one handler and all others to another. A request is one
// to a staff route if its path is a route of Mount's, or if it carries an identity.
func Below(staff, others http.Handler) http.Handler {
	known := func(r *http.Request) bool {
		routes, ok := staff.(chi.Routes)
		return !ok || r.Header.Get(IdentityHeader) != "" || routes.Match(chi.NewRouteContext(), r.Method, r.URL.Path)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, Prefix+"/") && known(r) {
			staff.ServeHTTP(w, r)
			return
		}
		others.ServeHTTP(w, r)
	})
}

// BelowSigned is Below for a listener that strangers reach: without an identity that services/admin
// signed, a request finds no staff routes.
func BelowSigned(staff, others http.Handler, key ed25519.PublicKey) http.Handler {
	v := newVerifier("", key)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, Prefix+"/") {
			if _, err := v.read(r.Header.Get(IdentityHeader)); err == nil {
				staff.ServeHTTP(w, r)
				return
			}
		}
		others.ServeHTTP(w, r)
	})
}

// ConfirmHeader tells services/admin that the action asks for a fresh second factor; its value is
// the Action.
const ConfirmHeader = "X-Admin-Confirm"

// Require says why a person may not do an action now, or nil.
func Require(id Identity, a Action) error {
	switch {
	case id.Token && NeedsFresh(a):
		return web.Forbidden(codePeopleOnly)
	case !id.May(a):
		return web.Forbidden("not-allowed")
	case NeedsFresh(a) && !id.Fresh():
		return ErrConfirm(a)
	}
	return nil
}

// ErrConfirm asks for a fresh second factor for an action.
func ErrConfirm(a Action) error {
	return &web.Error{Status: http.StatusForbidden, Code: codeConfirm, Parameter: string(a)}
}

const codeConfirm = "confirm-it-is-you"

// codePeopleOnly refuses an action that needs a fresh second factor to an API token: it has none,
// whatever its scopes say.
const codePeopleOnly = "people-only"

// Handle is a handler behind a check of the right that it needs.
func (k *Kit) Handle(action Action, h Handler) http.HandlerFunc {
	return k.serve(func(r *http.Request) (Answer, error) {
		who := Who(r)
		web.Note(r, "person", who.Person)
		if err := Require(who, action); err != nil {
			return nil, err
		}
		return h(r)
	})
}

// Public is a handler that needs no right: for pages that are shown before signing in.
func (k *Kit) Public(h Handler) http.HandlerFunc { return k.serve(h) }

func (k *Kit) serve(h Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(context.WithValue(r.Context(), faceKey{}, readFace(r)))
		if !pathIsText(r) {
			k.Fail(w, r, web.NotFound())
			return
		}
		answer, err := h(r)
		if err == nil {
			w.Header().Set("Cache-Control", "no-store")
			err = answer.answer(k, w, r)
		}
		if err != nil {
			k.Fail(w, r, err)
		}
	}
}

// pathIsText reports whether all parts of a path can be looked up: PostgreSQL takes no NUL and no
// invalid UTF-8 in a text, and rejects the statement.
func pathIsText(r *http.Request) bool {
	return utf8.ValidString(r.URL.Path) && !strings.ContainsRune(r.URL.Path, 0)
}

// Show answers with a page, for handlers that write the answer themselves.
func (k *Kit) Show(w http.ResponseWriter, r *http.Request, p Page) error { return p.answer(k, w, r) }

// Param is a part of the route's path: Param(r, "identifier").
func Param(r *http.Request, name string) string { return chi.URLParam(r, name) }

// ParamID is an id in the route's path, in plain digits. Anything else is answered with 404: no row
// has it.
func ParamID(r *http.Request, name string) (int64, error) {
	id, ok := web.Number(Param(r, name), math.MaxInt64)
	if !ok {
		return 0, web.NotFound()
	}
	return id, nil
}
