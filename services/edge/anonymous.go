package edge

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Client events come without cookies: old frontends are on other hosts. What they claim about who is
// looking is proved by the id that scripts read from a cookie: the login that opens a session writes
// the member into it, under our signature. So a page view is a member's only if a session of the
// member's began in that browser.

const (
	// boundLife is how long an id speaks for a member: as long as the longest session.
	boundLife = sessionLife
	// provenTimeout bounds the look for a session that came along with an event.
	provenTimeout = 250 * time.Millisecond
)

// anonymous is the id of a browser, and the member whose session it was last seen with.
type anonymous struct {
	id     string
	bound  bool  // to a member, be it long ago
	member int64 // 0 when that was too long ago
}

func today() int64 { return time.Now().Unix() / int64(24*time.Hour/time.Second) }

// readAnonymous reads a signed id; one that is not ours is empty.
func (e *server) readAnonymous(signed string) anonymous {
	return parseAnonymous(unsign(e.keys.anonymous, signed))
}

// parseAnonymous takes a value apart whose signature fits.
func parseAnonymous(value string) anonymous {
	id, bound, ok := strings.Cut(value, ".")
	a := anonymous{id: id, bound: ok}
	member, day, _ := strings.Cut(bound, "-")
	number, err1 := strconv.ParseInt(member, 36, 64)
	since, err2 := strconv.ParseInt(day, 36, 64)
	if err1 == nil && err2 == nil && since > today()-int64(boundLife/(24*time.Hour)) {
		a.member = number
	}
	return a
}

// keepAnonymous gives a visitor's browser an id, unless it has one. One that was a member's is not
// taken further by visitors.
func (e *server) keepAnonymous(h http.Header, req *request) {
	if a := parseAnonymous(req.anonymous); a.id == "" || a.bound {
		e.setAnonymous(h)
	}
}

// bindAnonymous has a browser's id say whose session begins in it. An id that was another member's
// gives way to a new one.
func (e *server) bindAnonymous(h http.Header, req *request, memberID int64) {
	a := parseAnonymous(req.anonymous)
	if a.id == "" || a.bound && a.member != memberID {
		a.id = rand.Text()
	}
	value := a.id + "." + strconv.FormatInt(memberID, 36) + "-" + strconv.FormatInt(today(), 36)
	e.setCookie(h, anonymousCookie, sign(e.keys.anonymous, value), yearLife)
}

// lookedAtBy is the member who may be noted with an event that claims to be a member's: the one of the session
// that came along, else the one whom the browser's id was signed for. A claim alone proves no member.
func (e *server) lookedAtBy(r *http.Request, client netip.Addr, claimed int64, a anonymous) int64 {
	if claimed == 0 {
		return 0
	}
	if r.Header["Cookie"] != nil {
		ctx, cancel := context.WithTimeout(r.Context(), provenTimeout)
		defer cancel()
		var tokens []string
		for _, c := range r.CookiesNamed(e.cookieName(sessionCookie)) {
			tokens = append(tokens, c.Value)
		}
		if s, err := e.session(ctx, client, tokens...); err == nil && s != nil {
			return s.MemberID
		}
	}
	if a.member == claimed {
		return claimed
	}
	return 0
}
