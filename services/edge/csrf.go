package edge

import (
	"crypto/rand"
	"crypto/subtle"
	"html"
	"net/http"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// A CSRF token is <random>.<mac>, and a member's <random>.<mac>.<mac of the session>. The cookie
// and what the page sends must be the same token; in a session its last mac must match, too, so
// that no other site can plant a cookie for a member. Without a session any token of ours is
// accepted, so that a page left open while its session ended is told that it ended, not that its
// token is invalid.

// newCSRF makes a token for a binding.
func (s *server) newCSRF(binding string) string {
	random := rand.Text()
	token := random + "." + web.MAC(s.keys.csrf, random, visitorBinding)
	if binding != visitorBinding {
		token += "." + web.MAC(s.keys.csrf, random, binding)
	}
	return token
}

func (s *server) validCSRF(token, binding string) bool {
	parts := strings.Split(token, ".")
	if len(token) > 200 || len(parts) < 2 || len(parts) > 3 ||
		!web.ValidMAC(s.keys.csrf, parts[1], parts[0], visitorBinding) {
		return false
	}
	return binding == visitorBinding || web.ValidMAC(s.keys.csrf, parts[len(parts)-1], parts[0], binding)
}

// csrfOf is the token of the request's cookie if it is valid for the request's session, or "".
func (s *server) csrfOf(r *http.Request, req *request) string {
	for _, c := range r.CookiesNamed(csrfCookie) {
		if s.validCSRF(c.Value, req.binding()) {
			return c.Value
		}
	}
	return ""
}

// keepCSRF sets the token cookie of an answer: the browser's own value if it is valid, otherwise a
// new one.
func (s *server) keepCSRF(h http.Header, r *http.Request, req *request) string {
	token := s.csrfOf(r, req)
	if token == "" {
		token = s.newCSRF(req.binding())
	}
	s.setCookie(h, csrfCookie, token, csrfTTL)
	return token
}

// checkCSRF lets a POST through if the token in its header or form equals that of the cookie.
func (s *server) checkCSRF(next http.Handler) http.Handler {
	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodPost && !s.csrfPasses(r) {
			return web.Forbidden("csrf-failed")
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

func (s *server) csrfPasses(r *http.Request) bool {
	req := requestOf(r)
	sent := []string{r.Header.Get("X-Csrftoken"), r.Header.Get("Csrfmiddlewaretoken"),
		req.form.Get("csrfmiddlewaretoken")}
	for _, c := range r.CookiesNamed(csrfCookie) {
		if !s.validCSRF(c.Value, req.binding()) {
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
func (s *server) token(w http.ResponseWriter, r *http.Request) error {
	token := s.keepCSRF(w.Header(), r, requestOf(r))
	return answerOutcome(w, "token", `<input type="hidden" name="csrfmiddlewaretoken" value="`+html.EscapeString(token)+
		`">`)
}
