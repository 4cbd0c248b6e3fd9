package stripestandin

import (
	"encoding/json"
	"net/http"
	"time"
)

// dashboardRows is how many sessions and events the dashboard shows.
const dashboardRows = 50

// dashboardView is what the dashboard shows.
type dashboardView struct {
	Title          string
	PublishableKey string
	WebhookURL     string
	Clock          time.Time
	Moved          bool
	Sessions       []Ledger
	Events         []Delivery
	MoreSessions   int
	MoreEvents     int
	Switches       Switches
	AsJSON         string
}

// GET /
func (s *Server) dashboard(w http.ResponseWriter, _ *http.Request) {
	v := dashboardView{
		Title:          "Stripe stand-in",
		PublishableKey: s.cfg.PublishableKey,
		WebhookURL:     s.cfg.WebhookURL,
		Sessions:       s.Sessions(),
		Events:         s.Deliveries(),
		Switches:       s.Switches(),
	}
	s.mu.Lock()
	v.Clock, v.Moved = s.clock().UTC(), s.state.settings.Offset != 0
	s.mu.Unlock()
	if n := len(v.Sessions); n > dashboardRows {
		v.MoreSessions, v.Sessions = n-dashboardRows, v.Sessions[:dashboardRows]
	}
	if n := len(v.Events); n > dashboardRows {
		v.MoreEvents, v.Events = n-dashboardRows, v.Events[:dashboardRows]
	}
	on, err := json.MarshalIndent(v.Switches, "", "  ")
	if err != nil {
		s.pageFailed(w, err)
		return
	}
	v.AsJSON = string(on)
	s.show(w, http.StatusOK, "dashboard", v)
}
