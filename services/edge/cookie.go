package edge

import (
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// The cookies of the contract.
const (
	sessionCookie   = "sessionid"
	csrfCookie      = "csrftoken"
	cartCookie      = "an_ct"
	anonymousCookie = "anonymousclientevent"
)

const (
	// sessionTTL is how long a session lasts if its member asked to be remembered.
	sessionTTL = 14 * 24 * time.Hour
	// visitTTL is how long any other session lasts at most, and idleTTL how long without a request.
	visitTTL = 24 * time.Hour
	idleTTL  = 12 * time.Hour
	// maxSessions is how many sessions a member may have at once; a further one ends the oldest.
	maxSessions = 20

	csrfTTL = 364 * 24 * time.Hour
	yearTTL = 365 * 24 * time.Hour
)

// cookieName is the name of a cookie in browsers. Cookies that scripts read keep the contract's
// name.
func (s *server) cookieName(name string) string {
	if !hidden(name) {
		return name
	}
	return name + s.cfg.CookieSuffix()
}

// hidden reports whether scripts cannot read a cookie.
func hidden(name string) bool {
	return name == sessionCookie || name == cartCookie || name == knownCookie
}

// cookie makes one of our cookies. ttl 0 lasts until the browser ends; a negative one deletes the
// cookie.
func (s *server) cookie(name, value string, ttl time.Duration) *http.Cookie {
	c := &http.Cookie{
		Name:     s.cookieName(name),
		Value:    value,
		Path:     "/",
		Domain:   s.cfg.CookieDomain,
		Secure:   s.secure,
		SameSite: http.SameSiteLaxMode,
		HttpOnly: hidden(name),
		MaxAge:   int(ttl / time.Second),
	}
	if ttl < 0 {
		c.MaxAge, c.Expires = -1, time.Unix(1, 0)
	}
	return c
}

// setCookie adds a cookie to an answer, replacing one of the same name.
func (s *server) setCookie(h http.Header, name, value string, ttl time.Duration) {
	sent := s.cookieName(name)
	kept := h["Set-Cookie"][:0]
	for _, line := range h["Set-Cookie"] {
		if !strings.HasPrefix(line, sent+"=") {
			kept = append(kept, line)
		}
	}
	h["Set-Cookie"] = append(kept, s.cookie(name, value, ttl).String())
}

// sign returns value.mac, in characters that need no quoting.
func sign(key []byte, value string) string { return value + "." + web.MAC(key, value) }

// unsign is the value of a signed text, or "" if the signature is not ours.
func unsign(key []byte, signed string) string {
	i := strings.LastIndexByte(signed, '.')
	if i <= 0 || len(signed) > 300 || !web.ValidMAC(key, signed[i+1:], signed[:i]) {
		return ""
	}
	return signed[:i]
}

// signedCookie is the value of the first cookie of that name with our signature: a browser can hold
// one of this host and one of the parent domain.
func signedCookie(r *http.Request, name string, key []byte) string {
	for _, c := range r.CookiesNamed(name) {
		if v := unsign(key, c.Value); v != "" {
			return v
		}
	}
	return ""
}

// setCart gives the visitor a cart.
func (s *server) setCart(h http.Header, cart string) {
	s.setCookie(h, cartCookie, sign(s.keys.cart, cart), yearTTL)
}

// setAnonymous gives the browser a new id for client events.
func (s *server) setAnonymous(h http.Header) {
	s.setCookie(h, anonymousCookie, sign(s.keys.anonymous, rand.Text()), yearTTL)
}

// plain reports whether s consists of letters, digits, - and _ only.
func plain(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != ""
}
