package edge

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// knownCookie marks a browser that has logged in: it holds a random id of the browser, then a keyed
// hash of each account, the newest first. It opens no session. It only ensures that wrong passwords
// from elsewhere do not keep this browser from logging in (docs/adr/0016).
const knownCookie = "known_browser"

// knownAccounts is how many accounts a browser is known for; a household shares one browser.
const knownAccounts = 6

// knownBrowser holds the parts of a valid cookie: id, then accounts.
type knownBrowser []string

func (s *server) knownBrowserOf(r *http.Request) knownBrowser {
	if v := signedCookie(r, s.cookieName(knownCookie), s.keys.known); v != "" {
		return strings.Split(v, ":")
	}
	return nil
}

// browserOf is the browser's id if it has logged in to the account before, otherwise "".
func (k knownBrowser) browserOf(key []byte, username string) string {
	if len(k) < 2 || username == "" || !slices.Contains(k[1:], knownAccount(key, username)) {
		return ""
	}
	return k[0]
}

func knownAccount(key []byte, username string) string { return web.MAC(key, "account", username)[:22] }

// remember marks the browser as one that has logged in to an account, or has proved by mail to be
// its owner's.
func (s *server) remember(h http.Header, req *request, username string) {
	account := knownAccount(s.keys.known, username)
	k := knownBrowser{rand.Text()}
	if len(req.known) > 0 {
		k[0] = req.known[0]
	}
	k = append(k, account)
	for _, other := range req.known[min(1, len(req.known)):] {
		if other != account && len(k) <= knownAccounts {
			k = append(k, other)
		}
	}
	s.setCookie(h, knownCookie, sign(s.keys.known, strings.Join(k, ":")), yearTTL)
}
