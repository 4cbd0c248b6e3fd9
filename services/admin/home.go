package admin

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// homeOwners are the services with something for the home page, in its order.
var homeOwners = []string{"order", "user", "mailer"}

// homePage is the waiting work of all services.
type homePage struct {
	adminui.Home
	Away []string `json:"away,omitempty"` // services that did not answer
}

// StepsDone is the number of finished steps of the guide.
func (p homePage) StepsDone() (n int) {
	for _, s := range p.Steps {
		if s.Done {
			n++
		}
	}
	return n
}

// home is the page where a day begins. An unavailable owner costs its counts, not the page.
func (s *server) home(r *http.Request) (adminui.Answer, error) {
	p := s.tiles(r)
	slices.SortStableFunc(p.Tiles, func(a, b adminui.Tile) int { return strings.Compare(urgency(a), urgency(b)) })
	return adminui.Page{Title: "Home", Template: "home.html", Data: p, Live: adminui.LiveWork}, nil
}

// navCount is the number of waiting items behind an entry of the navigation.
type navCount struct {
	Count int64 `json:"count"`
	Most  bool  `json:"most,omitempty"` // there may be more
}

// counts are the numbers beside the entries of the navigation, by their paths. A script fetches
// them once a page is loaded: no page waits for them.
func (s *server) counts(r *http.Request) (adminui.Answer, error) {
	counts := map[string]navCount{}
	for _, t := range s.tiles(r).Tiles {
		if t.Nav != "" {
			counts[t.Nav] = navCount{Count: t.Count, Most: t.Truncated}
		}
	}
	return adminui.Raw(func(w http.ResponseWriter, _ *http.Request) error {
		return web.JSON(w, http.StatusOK, counts)
	}), nil
}

// tiles asks all owners at once for what waits there.
func (s *server) tiles(r *http.Request) homePage {
	var parts map[string]adminui.Home
	var away []silent
	var work []adminui.Tile
	var all sync.WaitGroup
	all.Go(func() {
		parts, away = askSome[adminui.Home](r.Context(), s, homeOwners, askTimeout, "/home", "", adminui.Who(r))
	})

	if who := adminui.Who(r); who.May(adminui.WorkView) {
		all.Go(func() {
			work = []adminui.Tile{{Title: "On the work list", Count: s.readWork(r.Context(), who).Count, To: "/work",
				Tone: "bad", Nav: "/work"}}
		})
	}
	all.Wait()
	p := homePage{Home: adminui.Home{Tiles: append([]adminui.Tile{}, work...)}}
	for _, owner := range homeOwners {
		p.Tiles = append(p.Tiles, parts[owner].Tiles...)
	}
	if len(parts["order"].Steps) > 0 { // otherwise the guide was put away, or the person may not see it
		for _, owner := range homeOwners {
			p.Steps = append(p.Steps, parts[owner].Steps...)
		}
		slices.SortStableFunc(p.Steps, func(a, b adminui.GuideStep) int { return cmp.Compare(a.Place, b.Place) })
	}

	for _, service := range away {
		p.Away = append(p.Away, service.Service)
	}
	return p
}

// urgency sorts faults first.
func urgency(t adminui.Tile) string {
	switch {
	case t.Count > 0 && t.Tone == "bad":
		return "0"
	case t.Count > 0 && t.Tone == "warn":
		return "1"
	}
	return "2"
}
