package adminui

import "net/http"

// Tile is a count on the home page: what waits, or what happened.
type Tile struct {
	Title string `json:"title"`
	Count int64  `json:"count"`
	// Most is set when there may be more: counting ended there.
	Most bool   `json:"most,omitempty"`
	To   string `json:"to,omitempty"`   // page that shows what was counted
	Tone string `json:"tone,omitempty"` // of a count above 0: warn or bad
	// Nav is the path of the navigation's entry that shows the count beside its title.
	Nav string `json:"nav,omitempty"`
}

// Home is what an owner has for the home page, the answer of its route /home (HomeRoute).
type Home struct {
	Tiles []Tile `json:"tiles"`
}

// MostCounted is where counts for tiles end: what matters is whether there is much, and counting a
// million rows takes seconds.
const MostCounted = 1000

// HomeRoute is the route with which an owner adds to the home page. It gives tiles of what the person
// may see alone.
func HomeRoute(tiles func(r *http.Request) ([]Tile, error)) Route {
	return Route{Method: http.MethodGet, Path: "/home", Action: HomeView,
		Handle: func(r *http.Request) (Answer, error) {
			list, err := tiles(r)
			for i := range list {
				list[i].Most = list[i].Count >= MostCounted
			}
			return Page{Title: "Home", Template: "tiles.html", Data: Home{Tiles: list}}, err
		}}
}
