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

// staff is what edge shows in the back office.
func (e *server) staff() adminui.Pages {
	return adminui.Pages{Templates: staffTemplates, Routes: []adminui.Route{
		{Method: "GET", Path: "/sessions/{member}", Action: adminui.CustomersView, Handle: e.staffSessions},
	}}
}

// staffSession is a session as the staff sees one. It says nothing of the token.
type staffSession struct {
	Device   string    `json:"device"`
	Place    string    `json:"place"`
	LoggedIn time.Time `json:"logged_in"`
	LastSeen time.Time `json:"last_seen"`
}

// staffSessions lists where a member is logged in: a panel of the member's page.
func (e *server) staffSessions(r *http.Request) (adminui.Answer, error) {
	member, err := adminui.ParamID(r, "member")
	if err != nil {
		return nil, err
	}
	list, err := sessionsOf(r.Context(), e.pool, member)
	if err != nil {
		return nil, web.Unavailable(err)
	}
	shown := make([]staffSession, len(list))
	for i, s := range list {
		if s.Device == "" { // opened by an older edge
			s.Device, s.Place = device(""), place(netip.Addr{})
		}
		shown[i] = staffSession{Device: s.Device, Place: s.Place, LoggedIn: s.CreatedAt, LastSeen: s.SeenAt}
	}
	return adminui.Page{Title: "Sessions", Template: "sessions.html", Data: struct {
		Sessions []staffSession `json:"sessions"`
	}{shown}}, nil
}
