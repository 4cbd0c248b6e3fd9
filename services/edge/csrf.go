package edge

import (
	"crypto/rand"
	"crypto/subtle"
	"html"
	"net/http"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// A CSRF token is <random>.<mac>, and a member's <random>.<mac>.<mac of the session>. The cookie and
// what the page sends must be the same token; in a session its last mac must fit too, so that no other
// site can plant a cookie for a member. Without a session any token of ours will do, so that a page
// that was left open when its session ended hears that it ended, not that its token is no good.

// newCSRF makes a token for a binding.
func (e *server) newCSRF(binding string) string {
	random := rand.Text()
	token := random + "." + web.MAC(e.keys.csrf, random, visitorBinding)
	if binding != visitorBinding {
		token += "." + web.MAC(e.keys.csrf, random, binding)
	}
	return token
}

func (e *server) validCSRF(token, binding string) bool {
	parts := strings.Split(token, ".")
	if len(token) > 200 || len(parts) < 2 || len(parts) > 3 ||
		!web.ValidMAC(e.keys.csrf, parts[1], parts[0], visitorBinding) {
		return false
	}
	return binding == visitorBinding || web.ValidMAC(e.keys.csrf, parts[len(parts)-1], parts[0], binding)
}

// csrfOf is the token of the request's cookie if it is valid for the request's session, or "".
func (e *server) csrfOf(r *http.Request, req *request) string {
	for _, c := range r.CookiesNamed(csrfCookie) {
		if e.validCSRF(c.Value, req.binding()) {
			return c.Value
		}
	}
	return ""
}

// keepCSRF sets the token cookie of an answer: the value that the browser has when it is good, else
// a fresh one.
func (e *server) keepCSRF(h http.Header, r *http.Request, req *request) string {
	token := e.csrfOf(r, req)
	if token == "" {
		token = e.newCSRF(req.binding())
	}
	e.setCookie(h, csrfCookie, token, csrfLife)
	return token
}

// checkCSRF lets a POST through whose token, in the header or the form, is that of the cookie.
func (e *server) checkCSRF(next http.Handler) http.Handler {
	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodPost && !e.csrfPasses(r) {
			return web.Forbidden("csrf-failed")
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

func (e *server) csrfPasses(r *http.Request) bool {
	req := requestOf(r)
	sent := []string{r.Header.Get("X-Csrftoken"), r.Header.Get("Csrfmiddlewaretoken"),
		req.form.Get("csrfmiddlewaretoken")}
	for _, c := range r.CookiesNamed(csrfCookie) {
		if !e.validCSRF(c.Value, req.binding()) {
			continue
		}
		for _, token := range sent {
			if subtle.ConstantTimeCompare([]byte(token), []byte(c.Value)) == 1 {
				return true
			}
		}
	}
	return false
}

// token hands out a CSRF token.
func (e *server) token(w http.ResponseWriter, r *http.Request) error {
	token := e.keepCSRF(w.Header(), r, requestOf(r))
	return answerOutcome(w, "token", `<input type="hidden" name="csrfmiddlewaretoken" value="`+html.EscapeString(token)+
		`">`)
}
