package edge

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// notAuthenticated is the contract's outcome for a visitor who asks for what is a member's.
const notAuthenticated = "user_not_authenticated"

// listSessions shows a member where the account is in use.
func (e *server) listSessions(w http.ResponseWriter, r *http.Request) error {
	req := requestOf(r)
	if req.session == nil {
		return answerOutcome(w, "sessions", notAuthenticated)
	}
	list, err := sessionsOf(r.Context(), e.pool, req.session.MemberID)
	if err != nil {
		return web.Unavailable(err)
	}
	data := make([]listedSession, len(list))
	for i := range list {
		s := &list[i]
		if s.Device == "" { // opened by an older edge
			s.Device, s.Place = device(""), place(netip.Addr{})
		}
		data[i] = listedSession{
			Session: e.sessionName(s), Device: s.Device, Place: s.Place, LoggedIn: web.Time(s.CreatedAt),
			LastSeen: web.Time(s.SeenAt), Current: string(s.TokenHash) == string(req.session.TokenHash),
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

// sessionName names a session to its member. It opens nothing and says nothing of the token.
func (e *server) sessionName(s *session) string {
	return web.MAC(e.keys.sessions, s.hexHash())
}

// endOneSession ends one of the member's sessions, the asking one too.
func (e *server) endOneSession(w http.ResponseWriter, r *http.Request) error {
	req := requestOf(r)
	outcome := func(s string) error { return answerOutcome(w, "end_session", s) }
	if req.session == nil {
		return outcome(notAuthenticated)
	}
	name := req.form.Get("session")
	if !req.form.Has("session") {
		return web.BadRequest("session")
	}
	list, err := sessionsOf(r.Context(), e.pool, req.session.MemberID)
	if err != nil {
		return web.Unavailable(err)
	}
	for i := range list {
		s := &list[i]
		if e.sessionName(s) != name {
			continue
		}
		ended, err := endSessionOf(r.Context(), e.pool, s.MemberID, s.TokenHash)
		if err != nil {
			return web.Unavailable(err)
		}
		e.revoke(s.MemberID)
		web.Note(r, "member", s.MemberID)
		if string(s.TokenHash) == string(req.session.TokenHash) {
			e.clearSession(w.Header())
		}
		if ended {
			return outcome("success")
		}
	}
	return outcome("session-not-found")
}

// endTheOtherSessions ends all sessions of the member but the asking one.
func (e *server) endTheOtherSessions(w http.ResponseWriter, r *http.Request) error {
	req := requestOf(r)
	outcome := func(s string) error { return answerOutcome(w, "end_other_sessions", s) }
	if req.session == nil {
		return outcome(notAuthenticated)
	}
	if err := endOtherSessions(r.Context(), e.pool, req.session.MemberID, req.session.TokenHash); err != nil {
		return web.Unavailable(err)
	}
	e.revoke(req.session.MemberID)
	web.Note(r, "member", req.session.MemberID)
	return outcome("success")
}

// named is a mark in what browsers call themselves, and the word for it. The first that is there counts:
// most browsers claim to be several others as well.
type named struct{ mark, word string }

var (
	browsers = []named{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Vivaldi/", "Vivaldi"},
		{"DuckDuckGo/", "DuckDuckGo"},
		{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"HeadlessChrome/", "Chrome"}, {"Chrome/", "Chrome"},
		{"CriOS/", "Chrome"}, {"Chromium/", "Chromium"},
		{"Safari/", "Safari"},
	}
	systems = []named{
		{"Windows", "Windows"}, {"Android", "Android"}, {"iPhone", "an iPhone"}, {"iPad", "an iPad"},
		{"CrOS", "ChromeOS"}, {"Mac OS X", "a Mac"},
		{"Macintosh", "a Mac"}, {"Linux", "Linux"},
	}
)

// device is a browser and its system in words. Nothing of what a client sends is kept as it is.
func device(agent string) string {
	word := func(list []named) string {
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

// place is a client's network in words: enough for its owner to know it, too coarse to find a person.
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
