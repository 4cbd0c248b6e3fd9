package adminui_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// A name cannot change the direction of the text after it, and is kept as it is in fields and data.
func TestNamesDoNotTurnText(t *testing.T) {
	t.Parallel()
	const name, plain, arabic = "Ann \u202elive\u2066\u2069\u202c", "Ann live", "\u0639\u0644\u064a"
	h := testenv.Mount(t, "order", adminui.Pages{Routes: []adminui.Route{{Method: "GET", Path: "/list", Action: adminui.OrdersView,
		Handle: func(r *http.Request) (adminui.Answer, error) {
			ask, err := adminui.ReadListing(r, adminui.ListSpec{})
			table := adminui.NewTable(ask, "list", []adminui.Column[string]{
				{Title: "Name", Value: func(s string) any { return adminui.Link{Text: s, To: "/x"} }},
				{Title: "Other", Value: func(s string) any { return s + arabic }}}, []string{name}, func(s string) any { return s })
			ask.Search = name
			table.WithSearch(ask, "Name")
			return adminui.Page{Title: name, Table: table, Data: map[string]string{"name": name}}, err
		}}}}, http.NotFoundHandler())
	c := (&testenv.Client{TB: t, Handler: h}).AsStaff("order", adminui.Owner)
	c.Header = http.Header{"Accept": {"text/html"}}
	a := c.Get("/staff/list")
	a.Has(200, "<title>"+plain+" ", ">"+plain+"</a>", plain+arabic, `value="`+name+`"`)
	for text := range strings.SplitSeq(a.Body, "<") {
		if _, shown, _ := strings.Cut(text, ">"); strings.ContainsAny(shown, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") {
			t.Errorf("shown: %q", shown)
		}
	}
	c.Header = http.Header{"Accept": {"application/json"}}
	c.Get("/staff/list").Want(name, "name")
}
