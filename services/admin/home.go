package admin

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// homeOwners are the services that have something for the home page, in its order.
var homeOwners = []string{"order"}

// homePage is what waits, from all services.
type homePage struct {
	adminui.Home
	Away []string `json:"away,omitempty"` // services that did not answer
}

// home is where a day begins: it asks all owners at once. One that is away costs its counts, not the page.
func (s *server) home(r *http.Request) (adminui.Answer, error) {
	parts := make([]adminui.Home, len(homeOwners))
	away := make([]error, len(homeOwners))
	var work []adminui.Tile
	var all sync.WaitGroup
	for i, owner := range homeOwners {
		all.Go(func() { away[i] = s.ask(r.Context(), owner, "/home", "", adminui.Who(r), &parts[i]) })
	}
	if who := adminui.Who(r); who.May(adminui.WorkView) {
		all.Go(func() {
			work = []adminui.Tile{{Title: "On the work list", Count: s.readWork(r.Context(), who).Count, To: "/work",
				Tone: "bad"}}
		})
	}
	all.Wait()
	p := homePage{Home: adminui.Home{Tiles: append([]adminui.Tile{}, work...)}}
	for i, owner := range homeOwners {
		if away[i] != nil {
			web.Note(r, "away_"+owner, away[i].Error())
			p.Away = append(p.Away, owner)
			continue
		}
		p.Tiles = append(p.Tiles, parts[i].Tiles...)
	}
	slices.SortStableFunc(p.Tiles, func(a, b adminui.Tile) int { return strings.Compare(urgency(a), urgency(b)) })
	return adminui.Page{Title: "Home", Template: "home.html", Data: p, Live: "order mail dead staff",
		Status: http.StatusOK}, nil
}

// urgency puts first what is wrong.
func urgency(t adminui.Tile) string {
	switch {
	case t.Count > 0 && t.Tone == "bad":
		return "0"
	case t.Count > 0 && t.Tone == "warn":
		return "1"
	}
	return "2"
}
