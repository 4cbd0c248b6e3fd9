package edge

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// knownCookie marks a browser that has logged in: it holds a random id of the browser, then a keyed
// hash of each account, the newest first. It opens no session. All it does is that wrong passwords from
// elsewhere do not keep this browser from logging in (docs/adr/0016).
const knownCookie = "known_browser"

// knownAccounts is how many accounts a browser is known for; a household shares one.
const knownAccounts = 6

// known is the parts of a valid cookie: id, then accounts.
type known []string

func (e *server) knownOf(r *http.Request) known {
	if v := signedCookie(r, e.cookieName(knownCookie), e.keys.known); v != "" {
		return strings.Split(v, ":")
	}
	return nil
}

// browserOf is the browser's id, if it has logged in to an account before, else "".
func (k known) browserOf(key []byte, username string) string {
	if len(k) < 2 || username == "" || !slices.Contains(k[1:], knownAccount(key, username)) {
		return ""
	}
	return k[0]
}

func knownAccount(key []byte, username string) string { return web.MAC(key, "account", username)[:22] }

// remember marks the browser as one that has logged in to an account, or proved by mail to be its owner's.
func (e *server) remember(h http.Header, req *request, username string) {
	account := knownAccount(e.keys.known, username)
	k := known{rand.Text()}
	if len(req.known) > 0 {
		k[0] = req.known[0]
	}
	k = append(k, account)
	for _, other := range req.known[min(1, len(req.known)):] {
		if other != account && len(k) <= knownAccounts {
			k = append(k, other)
		}
	}
	e.setCookie(h, knownCookie, sign(e.keys.known, strings.Join(k, ":")), yearLife)
}
