package admin

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const (
	// sessionLife is how long a session lasts at most, idleLife how long without a request.
	sessionLife = 12 * time.Hour
	idleLife    = 30 * time.Minute
	// halfwayLife is how long a person may take from the first factor to the second.
	halfwayLife = 10 * time.Minute
)

// session is a person's session with their roles as they are now.
type session struct {
	Hash       []byte
	PersonID   int64
	Name       string
	Roles      []string
	FreshUntil *time.Time
	// Stage is full, or what is missing: second, enrol.
	Stage string
	// HasSecond reports whether the person has a second factor.
	HasSecond bool
}

// The stages of a session.
const (
	stageSecond = "second" // the second factor is to be given
	stageEnrol  = "enrol"  // a second factor is to be set up
	stageFull   = "full"
)

type sessionKey struct{}

// sessionOf is the session of a request that signedIn let through.
func sessionOf(r *http.Request) *session {
	found, ok := r.Context().Value(sessionKey{}).(*session)
	if !ok {
		return &session{}
	}
	return found
}

// newToken makes a secret and what is stored of it.
func newToken() (token string, hash []byte) {
	token = rand.Text() + rand.Text()
	return token, hashOf(token)
}

func hashOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// byItself reports whether an open page sent the request, and not the person in front of it: it listens for changes,
// counts what waits, and fetches again what it shows. A page that was left open ends like any other.
func byItself(r *http.Request) bool {
	return r.URL.Path == "/live" || r.URL.Path == "/counts" ||
		r.Method == http.MethodGet && r.Header.Get("HX-Request") != ""
}

// identify finds the session of a request, nil when there is none: the person is as they are in the
// table now, so that a role that was taken away is gone at once.
func (s *server) identify(w http.ResponseWriter, r *http.Request) (adminui.Identity, *session, error) {
	cookie, err := r.Cookie(s.sessionCookie())
	if err != nil || cookie.Value == "" {
		return adminui.Identity{}, nil, nil //nolint:nilerr // no cookie: no session, and no failure
	}
	found, ok, err := useSession(r.Context(), s.pool, hashOf(cookie.Value), idleLife, !byItself(r))
	if err != nil || !ok {
		return adminui.Identity{}, nil, err
	}
	id := adminui.Identity{Person: found.PersonID, Name: found.Name, Session: hex.EncodeToString(found.Hash),
		From: s.clientOf(r)}
	for _, role := range found.Roles {
		id.Roles = append(id.Roles, adminui.Role(role))
	}
	if found.FreshUntil != nil {
		id.FreshUntil = *found.FreshUntil
	}
	if !found.HasSecond && !s.needsSecond() { // a developer's machine: there is nothing to confirm with
		id.FreshUntil = time.Now().Add(adminui.FreshTTL)
	}
	id.Form = web.MAC(s.csrfKey, id.Session)
	if adminui.WantsHTML(r) && r.Method == http.MethodGet {
		if notice, err := r.Cookie(noticeCookie); err == nil {
			id.Notice = adminui.DecodeNotice(notice.Value)
			http.SetCookie(w, s.cookie(noticeCookie, "", -1))
		}
	}
	return id, &found, nil
}

// clientOf is the address that a request came from.
func (s *server) clientOf(r *http.Request) string {
	if a := s.addresses.proxies.Client(r); a.IsValid() {
		return a.String()
	}
	return ""
}

// needsSecond reports whether everyone must have a second factor: everywhere but on a developer's machine.
func (s *server) needsSecond() bool { return s.cfg.ShopEnv != "development" }

// begin opens a session and gives it to the browser. Whatever the browser had before does not count:
// a session that someone else put there is not the one that is signed in.
func (s *server) begin(w http.ResponseWriter, r *http.Request, tx pgx.Tx, person int64, stage string) error {
	token, hash := newToken()
	if old, err := r.Cookie(s.sessionCookie()); err == nil {
		if err := endSession(r.Context(), tx, hashOf(old.Value)); err != nil {
			return err
		}
	}
	n := newSession{Hash: hash, Person: person, Life: halfwayLife, Stage: stage,
		Agent:   pg.StorableText(r.UserAgent(), 200),
		Address: s.clientOf(r)}
	if stage == stageFull {
		n.Life, n.Fresh = sessionLife, adminui.FreshTTL
	}
	if err := insertSession(r.Context(), tx, n); err != nil {
		return err
	}
	http.SetCookie(w, s.cookie(s.sessionCookie(), token, 0))
	return nil
}

// signOut ends the session.
func (s *server) signOut(r *http.Request) (adminui.Answer, error) {
	if err := endSession(r.Context(), s.pool, sessionOf(r).Hash); err != nil {
		return nil, err
	}
	return adminui.Raw(func(w http.ResponseWriter, r *http.Request) error {
		http.SetCookie(w, s.cookie(s.sessionCookie(), "", -1))
		http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
		return nil
	}), nil
}
