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
	// sessionLife is how long a session lasts whose member asked to be remembered.
	sessionLife = 14 * 24 * time.Hour
	// visitLife is how long any other session lasts at most, and idleLife how long without a request.
	visitLife = 24 * time.Hour
	idleLife  = 12 * time.Hour
	// maxSessions is how many sessions a member may have at once; one more ends the oldest.
	maxSessions = 20

	csrfLife = 364 * 24 * time.Hour
	yearLife = 365 * 24 * time.Hour
)

// cookieName is what browsers know a cookie as. Those that scripts read keep the contract's name.
func (e *server) cookieName(name string) string {
	if !hidden(name) {
		return name
	}
	return name + e.cfg.CookieSuffix()
}

// hidden reports whether a cookie is kept from the page's scripts.
func hidden(name string) bool {
	return name == sessionCookie || name == cartCookie || name == knownCookie
}

// cookie makes one of our cookies. life 0: until the browser ends; negative: deleted now.
func (e *server) cookie(name, value string, life time.Duration) *http.Cookie {
	c := &http.Cookie{
		Name: e.cookieName(name), Value: value, Path: "/", Domain: e.cfg.CookieDomain, Secure: e.secure,
		SameSite: http.SameSiteLaxMode, HttpOnly: hidden(name),
		MaxAge: int(life / time.Second),
	}
	if life < 0 {
		c.MaxAge, c.Expires = -1, time.Unix(1, 0)
	}
	return c
}

// setCookie adds a cookie to an answer, in place of one of the same name.
func (e *server) setCookie(h http.Header, name, value string, life time.Duration) {
	sent := e.cookieName(name)
	kept := h["Set-Cookie"][:0]
	for _, line := range h["Set-Cookie"] {
		if !strings.HasPrefix(line, sent+"=") {
			kept = append(kept, line)
		}
	}
	h["Set-Cookie"] = append(kept, e.cookie(name, value, life).String())
}

// sign makes value.mac, in characters that need no quoting.
func sign(key []byte, value string) string { return value + "." + web.MAC(key, value) }

// unsign is the value of a signed text, or "" when the signature is not ours.
func unsign(key []byte, signed string) string {
	i := strings.LastIndexByte(signed, '.')
	if i <= 0 || len(signed) > 300 || !web.ValidMAC(key, signed[i+1:], signed[:i]) {
		return ""
	}
	return signed[:i]
}

// signedCookie is the value of the first cookie of that name whose signature is ours: a browser can
// hold one of this host and one of the parent domain.
func signedCookie(r *http.Request, name string, key []byte) string {
	for _, c := range r.CookiesNamed(name) {
		if v := unsign(key, c.Value); v != "" {
			return v
		}
	}
	return ""
}

// setCart makes a cart the visitor's.
func (e *server) setCart(h http.Header, cart string) {
	e.setCookie(h, cartCookie, sign(e.keys.cart, cart), yearLife)
}

// setAnonymous gives the browser a fresh id for client events.
func (e *server) setAnonymous(h http.Header) {
	e.setCookie(h, anonymousCookie, sign(e.keys.anonymous, rand.Text()), yearLife)
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
