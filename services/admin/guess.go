package admin

import (
	"net/http"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// limit is how many failed attempts a subject has within a time.
type limit struct {
	subject string
	most    int
	within  time.Duration
}

// guessTime is how long a failed attempt counts, but for those of an account from everywhere.
const guessTime = 15 * time.Minute

// guessLimits are what a sign-in counts against: the account from this network, the network, and the
// account from everywhere. The last is wide, because anyone can use it up; passkeys and links are not
// counted by account.
func (s *server) guessLimits(r *http.Request, username string) []limit {
	account, network := "account "+strings.ToLower(username), "network "+s.network(r)
	return []limit{{account + " " + network, 6, guessTime}, {network, 30, guessTime},
		{account, 60, time.Hour}}
}

// secondLimits are what second factors count against: who gets here knows the first.
func secondLimits(person int64) []limit {
	return []limit{{"second factor of " + web.ID(person), 6, guessTime}}
}

// network is what the client counts as.
func (s *server) network(r *http.Request) string {
	return web.Network(s.addresses.proxies.Client(r))
}

// subjectHash is a limit's subject as it is stored.
func (s *server) subjectHash(l limit) []byte { return []byte(web.MAC(s.guessKey, l.subject)) }

// attempt counts an attempt before it is made, and refuses it when there were too many: what runs at
// once cannot slip through together. forgive takes it back after a success.
func (s *server) attempt(r *http.Request, limits []limit) (forgive func() error, err error) {
	var hashes [][]byte
	for _, l := range limits {
		hash := s.subjectHash(l)
		n, err := countGuess(r.Context(), s.pool, hash, l.within)
		if err != nil {
			return nil, err
		}
		if n > l.most {
			web.Note(r, "limit", "sign-in")
			return nil, web.TooMany(l.within)
		}
		hashes = append(hashes, hash)
	}
	return func() error { return forgiveGuesses(r.Context(), s.pool, hashes[:1]) }, nil
}
