package edge

import (
	"embed"
	"net/http"
	"net/netip"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

//go:embed staff/*.html
var staffTemplates embed.FS

// staff are the pages of edge in the back office.
func (s *server) staff() adminui.Pages {
	return adminui.Pages{Templates: staffTemplates, Routes: []adminui.Route{
		{Method: "GET", Path: "/sessions/{member}", Action: adminui.CustomersView, Handle: s.staffSessions},
	}}
}

// staffSession is a session as staff see it. It says nothing about the token.
type staffSession struct {
	Device   string    `json:"device"`
	Place    string    `json:"place"`
	LoggedIn time.Time `json:"logged_in"`
	LastSeen time.Time `json:"last_seen"`
}

// staffSessions lists where a member is logged in: a panel of the member's page.
func (s *server) staffSessions(r *http.Request) (adminui.Answer, error) {
	member, err := adminui.ParamID(r, "member")
	if err != nil {
		return nil, err
	}
	list, err := sessionsOf(r.Context(), s.pool, member)
	if err != nil {
		return nil, web.Unavailable(err)
	}
	shown := make([]staffSession, len(list))
	for i, sess := range list {
		if sess.Device == "" { // opened by an older edge
			sess.Device, sess.Place = device(""), place(netip.Addr{})
		}
		shown[i] = staffSession{Device: sess.Device, Place: sess.Place, LoggedIn: sess.CreatedAt, LastSeen: sess.SeenAt}
	}
	return adminui.Page{Title: "Sessions", Template: "sessions.html", Data: struct {
		Sessions []staffSession `json:"sessions"`
	}{shown}}, nil
}
