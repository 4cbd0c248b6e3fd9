package admin

import (
	"net/http"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Each of admin's own pages answers as JSON in the shape that pages.txt keeps.
func TestSchemaOfPages(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.person("=1+1", adminui.Support)
	b := e.as(adminui.Owner)
	b.Get("/account")
	b.Post("/account/tokens", "name", "Reports", "days", "30", "scope", "orders.view")
	pages := map[string]any{"/": homePage{}, "/account": accountPage{}, "/audit": auditPage{}, "/audit/recent": thingPage{},
		"/audit/{kind}/{key}": thingPage{}, "/people": peoplePage{}, "/people/invite": formPage{}, "/people/{id}": personPage{},
		"/trail": trailData{}, "/work": workData{}}
	asked := map[string]string{"/audit/{kind}/{key}": "/audit/person/1", "/people/{id}": "/people/1", "/trail": "/trail?key=order1"}
	b.Header = http.Header{"Accept": {"application/json"}}
	for path, page := range pages {
		if whole, ok := asked[path]; ok {
			path = whole
		}
		testenv.Fits(b.Get(path).OK(), page)
	}
	testenv.Shapes(t, "pages.txt", pages)
}

// A program that posts nothing to one of admin's own forms is told what is wrong with it.
func TestRefusedFormsSayWhyAsJSON(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.as(adminui.Owner)
	b.Header = http.Header{"Accept": {"application/json"}}
	for path, field := range map[string]string{"/people/invite": "name", "/account/tokens": "name", "/account/password": "new"} {
		if a := b.Post(path); a.Status != http.StatusUnprocessableEntity || a.Text("errors", field) == "" {
			t.Errorf("%s: %s", path, a)
		}
	}
}
