package mailinbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// switchesView is what the page of the switches shows.
type switchesView struct {
	Now     string // the switches as JSON
	Problem string
}

// switchesPage serves GET /switches.
func (s *Server) switchesPage(w http.ResponseWriter, _ *http.Request) {
	s.showSwitches(w, http.StatusOK, "")
}

func (s *Server) showSwitches(w http.ResponseWriter, status int, problem string) {
	now, err := json.MarshalIndent(s.Switches(), "", "  ")
	if err != nil {
		s.serverError(w, err)
		return
	}
	s.render(w, status, "switches.html", switchesView{Now: string(now), Problem: problem})
}

// switchesForm serves POST /switches, which turns on one switch at a time; the JSON API can combine
// them.
func (s *Server) switchesForm(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		s.showSwitches(w, http.StatusBadRequest, "The form could not be read.")
		return
	}
	sw, problem := switchesOf(r.PostForm)
	if problem != "" {
		s.showSwitches(w, http.StatusBadRequest, problem)
		return
	}
	if err := sw.Validate(); err != nil {
		s.showSwitches(w, http.StatusBadRequest, err.Error())
		return
	}
	if err := s.SetSwitches(sw); err != nil {
		s.showSwitches(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	http.Redirect(w, r, "/switches", http.StatusSeeOther)
}

// switchesOf reads the form; the second result is a message about what is wrong with it.
func switchesOf(form url.Values) (Switches, string) {
	number := func(name string) (int, bool) {
		if form.Get(name) == "" {
			return 0, true
		}
		n, err := strconv.Atoi(form.Get(name))
		return n, err == nil && n >= 0 && n <= 1_000_000
	}

	code, okCode := number("code")
	count, okCount := number("count")
	seconds, okSeconds := number("seconds")
	if !okCode || !okCount || !okSeconds {
		return Switches{}, "Numbers are whole and not negative."
	}

	times := &Times{Count: count, Recipient: form.Get("recipient")}
	switch form.Get("trouble") {
	case "none":
		return Switches{}, ""
	case "rcpt", "data":
		r := Refusal{At: Stage(form.Get("trouble")), Code: code, Count: count, Recipient: times.Recipient}
		return Switches{Refuse: []Refusal{r}}, ""
	case "stall":
		return Switches{Stall: &Stall{Milliseconds: int64(seconds) * 1000}}, ""
	case "down":
		return Switches{Down: true}, ""
	case "lose":
		return Switches{LoseReply: times}, ""
	case "drop":
		return Switches{DropAfterReply: times}, ""
	default:
		return Switches{}, "Choose what the mail system shall do."
	}
}
