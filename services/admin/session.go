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
	// sessionTTL is how long a session lasts at most, idleTTL how long without a request.
	sessionTTL = 12 * time.Hour
	idleTTL    = 30 * time.Minute
	// halfwayTTL is how long a person may take from the first factor to the second.
	halfwayTTL = 10 * time.Minute
)

// session is a person's session with their current roles.
type session struct {
	Hash       []byte
	PersonID   int64
	Name       string
	Roles      []string
	FreshUntil *time.Time
	// Stage is full, or names what is missing: second, enrol.
	Stage string
	// HasSecond says that the person has a second factor.
	HasSecond bool
}

// The stages of a session.
const (
	stageSecond = "second" // the second factor must be given
	stageEnrol  = "enrol"  // a second factor must be set up
	stageFull   = "full"
)

// The session's cookie. __Host- keeps it to this host and to TLS; browsers refuse it over http.
const (
	secureCookie      = "__Host-admin"
	developmentCookie = "admin_dev"
	noticeCookie      = "admin_notice"
)

func (s *server) sessionCookie() string {
	if s.addresses.secure() {
		return secureCookie + s.cfg.CookieSuffix()
	}
	return developmentCookie + s.cfg.CookieSuffix()
}

// keepNotice sets a notice that the next page shows once.
func (s *server) keepNotice(w http.ResponseWriter, encoded string) {
	http.SetCookie(w, s.cookie(noticeCookie, encoded, 60))
}

// cookie makes one of our cookies; age in seconds, negative to delete it.
func (s *server) cookie(name, value string, age int) *http.Cookie {
	return &http.Cookie{
		Name:     name,
		Value:    value,
		Path:     "/",
		MaxAge:   age,
		Secure:   s.addresses.secure(),
		HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	}
}

type sessionKey struct{}

// sessionOf is the session of a request that signedIn let through.
func sessionOf(r *http.Request) *session {
	found, ok := r.Context().Value(sessionKey{}).(*session)
	if !ok {
		return &session{}
	}
	return found
}

// newToken makes a secret and its stored form.
func newToken() (token string, hash []byte) {
	token = rand.Text() + rand.Text()
	return token, hashOf(token)
}

func hashOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// byItself reports whether an open page sent the request by itself: it listens for changes, counts
// what waits, and fetches again what it shows. Such requests do not keep a session alive.
func byItself(r *http.Request) bool {
	return r.URL.Path == "/live" || r.URL.Path == "/counts" ||
		r.Method == http.MethodGet && r.Header.Get("HX-Request") != ""
}

// identify finds the session of a request, or nil. It reads the person from the table each time, so
// that a removed role is gone at once.
func (s *server) identify(w http.ResponseWriter, r *http.Request) (adminui.Identity, *session, error) {
	cookie, err := r.Cookie(s.sessionCookie())
	if err != nil || cookie.Value == "" {
		return adminui.Identity{}, nil, nil //nolint:nilerr // without a cookie there is no session, which is no failure
	}
	found, ok, err := useSession(r.Context(), s.pool, hashOf(cookie.Value), idleTTL, !byItself(r))
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

// needsSecond reports whether everyone must have a second factor: everywhere but on a developer's
// machine.
func (s *server) needsSecond() bool { return s.cfg.ShopEnv != "development" }

// begin opens a session and gives it to the browser. It ends the session that the browser had
// before, which someone else may have planted.
func (s *server) begin(w http.ResponseWriter, r *http.Request, tx pgx.Tx, person int64, stage string) error {
	token, hash := newToken()
	if old, err := r.Cookie(s.sessionCookie()); err == nil {
		if err := endSession(r.Context(), tx, hashOf(old.Value)); err != nil {
			return err
		}
	}
	n := newSession{Hash: hash, Person: person, TTL: halfwayTTL, Stage: stage,
		Agent:   pg.StorableText(r.UserAgent(), 200),
		Address: s.clientOf(r)}
	if stage == stageFull {
		n.TTL, n.Fresh = sessionTTL, adminui.FreshTTL
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
