package events

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// eventList is a list of what browsers reported, row by row.
type eventList struct {
	path, title, text string
	table             eventTable
	filters           []eventFilter
	columns           []adminui.Column[eventRow]
}

// eventFilter is a field above a list.
type eventFilter struct {
	name, label string
	number      bool
}

// memberFilter, browserFilter and pageFilter are fields above every list.
var (
	memberFilter  = eventFilter{"member", "Member", true}
	browserFilter = eventFilter{"anonymous_id", "Browser", false}
	pageFilter    = eventFilter{"url", "Address has", false}
)

var (
	atColumn     = adminui.Column[eventRow]{Title: "When", Value: func(e eventRow) any { return e.At }}
	urlColumn    = adminui.Column[eventRow]{Title: "Page", Value: func(e eventRow) any { return e.URL }}
	memberColumn = adminui.Column[eventRow]{
		Title: "Member",
		Minor: true,
		Value: func(e eventRow) any {
			if e.Member == 0 {
				return ""
			}
			return adminui.Link{Text: fmt.Sprint(e.Member), To: fmt.Sprintf("/customers/member-%d", e.Member)}
		},
	}
	browserColumn = adminui.Column[eventRow]{
		Title: "Browser",
		Minor: true,
		Value: func(e eventRow) any {
			if e.Browser == "" {
				return ""
			}
			return adminui.Link{Text: e.Browser, To: "?anonymous_id=" + url.QueryEscape(e.Browser)}
		},
	}
)

var pageViewList = eventList{
	path:  "/records",
	title: "Page views",
	text: "Client addresses and browser names are deleted after 30 days. Only roles that can see customers see " +
		"them.",
	table:   pageViewsTable,
	filters: []eventFilter{memberFilter, browserFilter, {"remote_addr", "Client address", false}, pageFilter},
	columns: []adminui.Column[eventRow]{atColumn, urlColumn,
		{Title: "From", Minor: true, Value: func(e eventRow) any { return e.Referrer }}, memberColumn, browserColumn,
		{Title: "Width", Minor: true, Value: func(e eventRow) any {
			if e.Width == 0 {
				return ""
			}
			return fmt.Sprint(e.Width)
		}},
		{Title: "Client address", Minor: true, Value: func(e eventRow) any { return e.Address }},
		{Title: "Browser name", Minor: true, Value: func(e eventRow) any { return e.Agent }}},
}

var callErrorList = eventList{
	path:    "/records/failed-calls",
	title:   "Failed calls",
	text:    "Failed calls of pages, and script errors (script-error).",
	table:   callErrorsTable,
	filters: []eventFilter{memberFilter, browserFilter, {"error_id", "Error", false}, pageFilter},
	columns: []adminui.Column[eventRow]{atColumn, urlColumn,
		{Title: "Error", Value: func(e eventRow) any { return e.What }}, memberColumn, browserColumn},
}

var clickList = eventList{
	path:    "/records/clicks",
	title:   "Clicks",
	text:    "Clicks on buttons, and searches that found nothing (search-empty).",
	table:   clicksTable,
	filters: []eventFilter{memberFilter, browserFilter, {"button_id", "Button", false}, pageFilter},
	columns: []adminui.Column[eventRow]{atColumn, urlColumn,
		{Title: "Button", Value: func(e eventRow) any { return e.What }}, memberColumn, browserColumn},
}

var arrivalList = eventList{
	path:  "/records/arrivals",
	title: "Arrivals by link",
	text:  "Who came by a link with a code, from an ad or a mail.",
	table: arrivalsTable,
	filters: []eventFilter{memberFilter, {"prospect", "Prospect", true}, browserFilter, {"em_cd", "Mail", false},
		{"ad_cd", "Ad", false}, pageFilter},
	columns: []adminui.Column[eventRow]{atColumn, urlColumn,
		{Title: "Ad", Value: func(e eventRow) any {
			if e.AdID == 0 {
				return ""
			}
			return adminui.Link{Text: e.Ad, To: fmt.Sprintf("/ads/%d", e.AdID)}
		}},
		{Title: "Mail", Value: func(e eventRow) any { return e.Mail }}, memberColumn,
		{Title: "Prospect", Minor: true, Value: func(e eventRow) any {
			if e.Prospect == 0 {
				return ""
			}
			return fmt.Sprint(e.Prospect)
		}}, browserColumn},
}

// eventListData is a list as JSON, and what only its page shows.
type eventListData struct {
	Period period         `json:"period"`
	Rows   []eventRow     `json:"rows"`
	Next   string         `json:"next,omitempty"`
	Text   string         `json:"-"`
	Tabs   []adminui.Tab  `json:"-"`
	Picker adminui.Period `json:"-"`
}

// maxFilter is the longest value of a filter, in characters.
const maxFilter = 200

// staffList shows a list, newest rows first.
func (s *server) staffList(list eventList) adminui.Handler {
	names := []string{"from", "to"}
	for _, f := range list.filters {
		names = append(names, f.name)
	}

	return func(r *http.Request) (adminui.Answer, error) {
		listing, err := adminui.ReadListing(r, adminui.ListSpec{Filters: names})
		if err != nil {
			return nil, err
		}

		if listing.Chosen["remote_addr"] != "" && !adminui.Who(r).May(adminui.CustomersView) {
			return nil, web.Forbidden("remote_addr") // the rows found would tell whose address it is
		}

		want, p, err := list.wanted(&listing)
		if err != nil {
			return nil, err
		}
		rows, err := listEvents(r.Context(), s.pool, list.table, want)
		if err != nil {
			return nil, err
		}

		if !adminui.Who(r).May(adminui.CustomersView) {
			for i := range rows {
				rows[i].Address, rows[i].Agent = "", ""
			}
		}

		return list.page(listing, p, rows), nil
	}
}

// page shows rows with the fields that narrow the list down.
func (l eventList) page(listing adminui.Listing, p period, rows []eventRow) adminui.Page {
	table := adminui.NewTable(listing, l.title, l.columns, rows, func(e eventRow) any { return eventPlace{e.At, e.ID} })
	table.Problems = nil // the picker shows them
	table.Empty = "No matches on these days."
	data := eventListData{
		Period: p,
		Rows:   rows[:len(table.Rows)],
		Next:   table.Next,
		Text:   l.text,
		Tabs:   tabs(listing, recordTabs, l.path),
		Picker: p.picker(listing, l.path, time.Now()),
	}

	for _, f := range l.filters {
		value := listing.Chosen[f.name]
		table.Choices = append(table.Choices, adminui.Choice{Name: f.name, Label: f.label, Text: true, Value: value})
		if value != "" {
			data.Picker.Kept = append(data.Picker.Kept, adminui.Option{Value: f.name, Text: value})
		}
	}
	for _, name := range []string{"from", "to"} {
		if value := listing.Chosen[name]; value != "" {
			table.Kept = append(table.Kept, adminui.Option{Value: name, Text: value})
		}
	}

	return adminui.Page{Title: l.title, Template: "list-of-events.html", Data: data, Table: table}
}

// wanted reads the period, filters and place that the address of a list asks for.
func (l eventList) wanted(listing *adminui.Listing) (want eventsWanted, p period, err error) {
	if p, err = readPeriod(listing, time.Now()); err != nil {
		return want, p, err
	}
	want = eventsWanted{From: p.From, Until: p.To.AddDate(0, 0, 1), Chosen: map[string]string{}, Rows: listing.Rows + 1}

	for _, f := range l.filters {
		value := listing.Chosen[f.name]
		if utf8.RuneCountInString(value) > maxFilter {
			return want, p, web.BadRequest(f.name)
		}
		if f.number && value != "" {
			if _, ok := web.Number(value, math.MaxInt64); !ok {
				return want, p, web.BadRequest(f.name)
			}
		}
		want.Chosen[f.name] = value
	}

	after, some, err := adminui.ReadCursor[eventPlace](*listing)
	if some {
		want.After = &after
	}
	return want, p, err
}
