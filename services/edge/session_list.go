package edge

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// notAuthenticated is the contract's outcome for a visitor at a member's page.
const notAuthenticated = "user_not_authenticated"

// listSessions shows a member where the account is in use.
func (s *server) listSessions(w http.ResponseWriter, r *http.Request) error {
	req := requestOf(r)
	if req.session == nil {
		return answerOutcome(w, "sessions", notAuthenticated)
	}
	list, err := sessionsOf(r.Context(), s.pool, req.session.MemberID)
	if err != nil {
		return web.Unavailable(err)
	}
	data := make([]listedSession, len(list))
	for i := range list {
		sess := &list[i]
		if sess.Device == "" { // opened by an older edge
			sess.Device, sess.Place = device(""), place(netip.Addr{})
		}
		data[i] = listedSession{
			Session: s.sessionName(sess), Device: sess.Device, Place: sess.Place, LoggedIn: web.Time(sess.CreatedAt),
			LastSeen: web.Time(sess.SeenAt), Current: string(sess.TokenHash) == string(req.session.TokenHash),
		}
	}
	return web.JSON(w, http.StatusOK, struct {
		Outcome  web.Success     `json:"sessions"`
		Sessions []listedSession `json:"session_data"`
		versioned
	}{Sessions: data})
}

type listedSession struct {
	Session  string   `json:"session"`
	Device   string   `json:"device"`
	Place    string   `json:"place"`
	LoggedIn web.Time `json:"logged_in_date_time"`
	LastSeen web.Time `json:"last_seen_date_time"`
	Current  bool     `json:"current"`
}

// sessionName names a session to its member. It gives access to nothing and says nothing about the
// token.
func (s *server) sessionName(sess *session) string {
	return web.MAC(s.keys.sessions, sess.hexHash())
}

// endOneSession ends one of the member's sessions, which may be the current one.
func (s *server) endOneSession(w http.ResponseWriter, r *http.Request) error {
	req := requestOf(r)
	outcome := func(text string) error { return answerOutcome(w, "end_session", text) }
	if req.session == nil {
		return outcome(notAuthenticated)
	}
	name := req.form.Get("session")
	if !req.form.Has("session") {
		return web.BadRequest("session")
	}

	list, err := sessionsOf(r.Context(), s.pool, req.session.MemberID)
	if err != nil {
		return web.Unavailable(err)
	}
	for i := range list {
		sess := &list[i]
		if s.sessionName(sess) != name {
			continue
		}
		ended, err := endSessionOf(r.Context(), s.pool, sess.MemberID, sess.TokenHash)
		if err != nil {
			return web.Unavailable(err)
		}
		s.revoke(sess.MemberID)
		web.Note(r, "member", sess.MemberID)
		if string(sess.TokenHash) == string(req.session.TokenHash) {
			s.clearSession(w.Header())
		}
		if ended {
			return outcome("success")
		}
	}

	return outcome("session-not-found")
}

// endTheOtherSessions ends all sessions of the member but the current one.
func (s *server) endTheOtherSessions(w http.ResponseWriter, r *http.Request) error {
	req := requestOf(r)
	outcome := func(text string) error { return answerOutcome(w, "end_other_sessions", text) }
	if req.session == nil {
		return outcome(notAuthenticated)
	}
	if err := endOtherSessions(r.Context(), s.pool, req.session.MemberID, req.session.TokenHash); err != nil {
		return web.Unavailable(err)
	}
	s.revoke(req.session.MemberID)
	web.Note(r, "member", req.session.MemberID)
	return outcome("success")
}

// agentMark is a part of a User-Agent and its name for people. The first match counts, since most
// browsers claim to be several others as well.
type agentMark struct{ mark, word string }

var (
	browsers = []agentMark{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Vivaldi/", "Vivaldi"},
		{"DuckDuckGo/", "DuckDuckGo"},
		{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"HeadlessChrome/", "Chrome"}, {"Chrome/", "Chrome"},
		{"CriOS/", "Chrome"}, {"Chromium/", "Chromium"},
		{"Safari/", "Safari"},
	}
	systems = []agentMark{
		{"Windows", "Windows"}, {"Android", "Android"}, {"iPhone", "an iPhone"}, {"iPad", "an iPad"},
		{"CrOS", "ChromeOS"}, {"Mac OS X", "a Mac"},
		{"Macintosh", "a Mac"}, {"Linux", "Linux"},
	}
)

// device is a browser and its system in words. It repeats nothing that the client sends.
func device(agent string) string {
	word := func(list []agentMark) string {
		for _, n := range list {
			if strings.Contains(agent, n.mark) {
				return n.word
			}
		}
		return ""
	}
	browser, system := word(browsers), word(systems)
	switch {
	case browser == "" && system == "":
		return "an unknown device"
	case browser == "":
		return "an unknown browser on " + system
	case system == "":
		return browser
	}
	return browser + " on " + system
}

// place is a client's network in words: enough for its owner to recognize it, too coarse to find a
// person.
func place(client netip.Addr) string {
	client = client.Unmap()
	bits := 24
	if client.Is6() {
		bits = 48
	}
	switch {
	case !client.IsValid():
		return "an unknown network"
	case client.IsLoopback():
		return "the shop's own machine"
	case client.IsPrivate(), client.IsLinkLocalUnicast():
		return "a private network"
	}
	network, err := client.WithZone("").Prefix(bits)
	if err != nil {
		return "an unknown network"
	}
	return "the network " + network.String()
}
