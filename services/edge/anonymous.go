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

// Client events come without cookies, because old frontends are on other hosts. Which member an
// event is about is proved by the id that scripts read from a cookie: the login that opens a
// session writes the member into it, under our signature. So a page view is a member's only if that
// member has logged in with that browser.

const (
	// boundTTL is how long an id stands for a member: as long as the longest session.
	boundTTL = sessionTTL
	// provenTimeout bounds the lookup of a session that came along with an event.
	provenTimeout = 250 * time.Millisecond
)

// anonymous is the id of a browser, with the member whose session it last had.
type anonymous struct {
	id     string
	bound  bool  // to a member, however long ago
	member int64 // 0 if that is too long ago
}

func today() int64 { return time.Now().Unix() / int64(24*time.Hour/time.Second) }

// readAnonymous reads a signed id; without our signature it is empty.
func (s *server) readAnonymous(signed string) anonymous {
	return parseAnonymous(unsign(s.keys.anonymous, signed))
}

// parseAnonymous parses a value whose signature was checked.
func parseAnonymous(value string) anonymous {
	id, bound, ok := strings.Cut(value, ".")
	a := anonymous{id: id, bound: ok}
	member, day, _ := strings.Cut(bound, "-")
	number, err1 := strconv.ParseInt(member, 36, 64)
	since, err2 := strconv.ParseInt(day, 36, 64)
	if err1 == nil && err2 == nil && since > today()-int64(boundTTL/(24*time.Hour)) {
		a.member = number
	}
	return a
}

// keepAnonymous gives a visitor's browser an id, unless it has one. An id that was a member's is
// replaced, so that it does not go on with a visitor.
func (s *server) keepAnonymous(h http.Header, req *request) {
	if a := parseAnonymous(req.anonymous); a.id == "" || a.bound {
		s.setAnonymous(h)
	}
}

// bindAnonymous writes the member whose session begins into the browser's id. An id that was
// another member's is replaced.
func (s *server) bindAnonymous(h http.Header, req *request, memberID int64) {
	a := parseAnonymous(req.anonymous)
	if a.id == "" || a.bound && a.member != memberID {
		a.id = rand.Text()
	}
	value := a.id + "." + strconv.FormatInt(memberID, 36) + "-" + strconv.FormatInt(today(), 36)
	s.setCookie(h, anonymousCookie, sign(s.keys.anonymous, value), yearTTL)
}

// eventMember is the member to record with an event that claims to be a member's: the member of the
// session that came along, otherwise the one for whom the browser's id was signed. A claim alone
// proves nothing.
func (s *server) eventMember(r *http.Request, client netip.Addr, claimed int64, a anonymous) int64 {
	if claimed == 0 {
		return 0
	}
	if r.Header["Cookie"] != nil {
		ctx, cancel := context.WithTimeout(r.Context(), provenTimeout)
		defer cancel()
		var tokens []string
		for _, c := range r.CookiesNamed(s.cookieName(sessionCookie)) {
			tokens = append(tokens, c.Value)
		}
		if sess, err := s.session(ctx, client, tokens...); err == nil && sess != nil {
			return sess.MemberID
		}
	}
	if a.member == claimed {
		return claimed
	}
	return 0
}
