package admin

import (
	"net/http"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// guessLimit bounds a subject's failed attempts within a window.
type guessLimit struct {
	subject string
	max     int
	window  time.Duration
}

// guessWindow is the window of all limits but that of an account from everywhere.
const guessWindow = 15 * time.Minute

// guessLimits are the limits of signing in: of the account from this network, of the network, and
// of the account from everywhere. The last is wide, because anyone can use it up; passkeys and
// links are not counted by account.
func (s *server) guessLimits(r *http.Request, username string) []guessLimit {
	account, network := "account "+strings.ToLower(username), "network "+s.network(r)
	return []guessLimit{{account + " " + network, 6, guessWindow}, {network, 30, guessWindow},
		{account, 60, time.Hour}}
}

// secondLimits are the limits of second factors: a person who gets here knows the first factor.
func secondLimits(person int64) []guessLimit {
	return []guessLimit{{"second factor of " + web.ID(person), 6, guessWindow}}
}

// network is the client's network, which limits count by.
func (s *server) network(r *http.Request) string {
	return web.Network(s.addresses.proxies.Client(r))
}

// subjectHash is the stored form of a limit's subject.
func (s *server) subjectHash(l guessLimit) []byte { return []byte(web.MAC(s.guessKey, l.subject)) }

// attempt counts an attempt before it is made, and refuses it if there were too many, so that
// concurrent attempts cannot slip through together. forgive takes it back after a success.
func (s *server) attempt(r *http.Request, limits []guessLimit) (forgive func() error, err error) {
	var hashes [][]byte
	for _, l := range limits {
		hash := s.subjectHash(l)
		n, err := countGuess(r.Context(), s.pool, hash, l.window)
		if err != nil {
			return nil, err
		}
		if n > l.max {
			web.Note(r, "limit", "sign-in")
			return nil, web.TooMany(l.window)
		}
		hashes = append(hashes, hash)
	}
	return func() error { return deleteGuesses(r.Context(), s.pool, hashes[:1]) }, nil
}
