package adminui

import "net/http"

// Tile is a count on the home page: what waits, or what happened.
type Tile struct {
	Title string `json:"title"`
	Count int64  `json:"count"`
	// Truncated is set if counting ended at MaxCounted: there may be more.
	Truncated bool   `json:"most,omitempty"`
	To        string `json:"to,omitempty"`   // page that shows what was counted
	Tone      string `json:"tone,omitempty"` // if the count is above 0: warn or bad
	// Nav is the path of the navigation entry that shows the count beside its title.
	Nav string `json:"nav,omitempty"`
}

// Home is an owner's part of the home page, the answer of its route /home (HomeRoute).
type Home struct {
	Tiles []Tile `json:"tiles"`
	// Steps are the owner's steps in the guide for a new shop.
	Steps []GuideStep `json:"steps,omitempty"`
}

// GuideStep is a step of setting a shop up, in the guide on the home page.
type GuideStep struct {
	Place int    `json:"place"` // position among the steps of all owners
	Title string `json:"title"`
	Text  string `json:"text"`
	Done  bool   `json:"done"`
	To    string `json:"to,omitempty"` // page where it is done
	// Test finds out whether it is done.
	Test *Command `json:"test,omitempty"`
}

// MaxCounted is where counting for a tile ends: it matters whether there is much, and counting a
// million rows takes seconds.
const MaxCounted = 1000

// HomeRoute is the route with which an owner adds to the home page. It returns only the tiles that
// the person may see, and the steps of the guide that they may take.
func HomeRoute(tiles func(r *http.Request) ([]Tile, error), steps ...func(r *http.Request) ([]GuideStep, error)) Route {
	return Route{
		Method: http.MethodGet,
		Path:   "/home",
		Action: HomeView,
		Handle: func(r *http.Request) (Answer, error) {
			home := Home{Tiles: []Tile{}}
			if tiles != nil {
				list, err := tiles(r)
				if err != nil {
					return nil, err
				}
				home.Tiles = append(home.Tiles, list...)
			}
			for i := range home.Tiles {
				home.Tiles[i].Truncated = home.Tiles[i].Count >= MaxCounted
			}
			for _, of := range steps {
				list, err := of(r)
				if err != nil {
					return nil, err
				}
				home.Steps = append(home.Steps, list...)
			}
			return Page{Title: "Home", Template: "tiles.html", Data: home}, nil
		},
	}
}
