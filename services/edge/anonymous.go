package edge

import (
	"context"
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Client events come without cookies: old frontends are on other hosts. What they claim about who is
// looking is proved by the id that scripts read from a cookie: logged-in, which knows the session,
// writes the member into it, under our signature. So a page view is a member's only if a session of
// the member's said so in that browser.

const (
	// boundLife is how long an id speaks for a member: as long as the longest session.
	boundLife = sessionLife
	// rebindAfter is how old the proof of a member who comes back may be.
	rebindAfter = 24 * time.Hour
	// provenTimeout bounds the look for a session that came along with an event.
	provenTimeout = 250 * time.Millisecond
)

// anonymous is the id of a browser, and the member whose session it was last seen with.
type anonymous struct {
	id     string
	member int64
	day    int64 // since when, in days of Unix time
}

func today() int64 { return time.Now().Unix() / int64(24*time.Hour/time.Second) }

// readAnonymous reads a signed id; one that is not ours is empty.
func (e *Edge) readAnonymous(signed string) anonymous {
	id, bound, ok := strings.Cut(unsign(e.keys.anonymous, signed), ".")
	a := anonymous{id: id}
	if !ok {
		return a
	}
	member, day, _ := strings.Cut(bound, "-")
	number, err1 := strconv.ParseInt(member, 36, 64)
	since, err2 := strconv.ParseInt(day, 36, 64)
	if err1 == nil && err2 == nil && since > today()-int64(boundLife/(24*time.Hour)) {
		a.member, a.day = number, since
	}
	return a
}

// anonymousOf is the first id among a browser's cookies that is ours, and whether it was signed for a
// member, be it long ago.
func (e *Edge) anonymousOf(r *http.Request) (a anonymous, bound bool) {
	value := signedCookie(r, anonymousCookie, e.keys.anonymous)
	if value == "" {
		return anonymous{}, false
	}
	return e.readAnonymous(sign(e.keys.anonymous, value)), strings.Contains(value, ".")
}

// keepAnonymous gives a visitor's browser an id, unless it has one, and has a member's id say whose
// session it goes with. Nobody goes on under an id that was another member's.
func (e *Edge) keepAnonymous(h http.Header, r *http.Request, s *session) {
	a, bound := e.anonymousOf(r)
	switch {
	case s == nil && (a.id == "" || bound):
		e.setAnonymous(h)
	case s == nil:
	case a.member == s.MemberID && today()-a.day < int64(rebindAfter/(24*time.Hour)):
	default:
		if a.id == "" || bound && a.member != s.MemberID {
			a.id = rand.Text()
		}
		value := a.id + "." + strconv.FormatInt(s.MemberID, 36) + "-" + strconv.FormatInt(today(), 36)
		e.setCookie(h, anonymousCookie, sign(e.keys.anonymous, value), yearLife)
	}
}

// lookedAtBy is the member who may be noted with an event that claims to be a member's: the one of the session
// that came along, else the one whom the browser's id was signed for. A claim alone is nobody's.
func (e *Edge) lookedAtBy(r *http.Request, claimed int64, a anonymous) int64 {
	if claimed == 0 {
		return 0
	}
	if r.Header["Cookie"] != nil {
		ctx, cancel := context.WithTimeout(r.Context(), provenTimeout)
		defer cancel()
		var tokens []string
		for _, c := range r.CookiesNamed(sessionCookie) {
			tokens = append(tokens, c.Value)
		}
		if s, err := e.session(ctx, e.clientAddr(r), tokens...); err == nil && s != nil {
			return s.MemberID
		}
	}
	if a.member == claimed {
		return claimed
	}
	return 0
}
