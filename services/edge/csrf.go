package edge

import (
	"crypto/rand"
	"crypto/subtle"
	"html"
	"net/http"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// A CSRF token is <random>.<mac>. The cookie and what the page sends must be the same token, and its
// mac must fit whoever asks: a double submit whose cookie nobody else can plant for a member.

// newCSRF makes a token for a binding.
func (e *Edge) newCSRF(binding string) string {
	random := rand.Text()
	return random + "." + web.MAC(e.keys.csrf, random, binding)
}

func (e *Edge) validCSRF(token, binding string) bool {
	random, mac, ok := strings.Cut(token, ".")
	return ok && len(token) < 200 && web.ValidMAC(e.keys.csrf, mac, random, binding)
}

// csrfOf is the token of the request's cookie when it is good for whoever asks, or "".
func (e *Edge) csrfOf(r *http.Request, v *visit) string {
	for _, c := range r.CookiesNamed(csrfCookie) {
		if e.validCSRF(c.Value, v.binding()) {
			return c.Value
		}
	}
	return ""
}

// keepCSRF sets the token cookie of an answer: the value that the browser has when it is good, else
// a fresh one.
func (e *Edge) keepCSRF(h http.Header, r *http.Request, v *visit) string {
	token := e.csrfOf(r, v)
	if token == "" {
		token = e.newCSRF(v.binding())
	}
	e.setCookie(h, csrfCookie, token, csrfLife)
	return token
}

// checkCSRF lets a POST through whose token, in the header or the form, is that of the cookie.
func (e *Edge) checkCSRF(next http.Handler) http.Handler {
	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodPost && !e.csrfPasses(r) {
			return web.Forbidden("csrf-failed")
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

func (e *Edge) csrfPasses(r *http.Request) bool {
	v := visitOf(r)
	sent := []string{r.Header.Get("X-Csrftoken"), v.form.Get("csrfmiddlewaretoken")}
	for _, c := range r.CookiesNamed(csrfCookie) {
		if !e.validCSRF(c.Value, v.binding()) {
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
func (e *Edge) token(w http.ResponseWriter, r *http.Request) error {
	token := e.keepCSRF(w.Header(), r, visitOf(r))
	return web.JSON(w, http.StatusOK, web.Object{
		{Key: "token", Value: `<input type="hidden" name="csrfmiddlewaretoken" value="` + html.EscapeString(token) + `">`},
		apiVersion,
	})
}
