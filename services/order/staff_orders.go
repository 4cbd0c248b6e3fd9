package order

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// staffOrder is an order in the list for staff.
type staffOrder struct {
	ID             int64       `json:"-"`
	Identifier     string      `json:"identifier"`
	PlacedAt       time.Time   `json:"placed_at"`
	Customer       string      `json:"customer"`
	Email          string      `json:"email"`
	Pieces         int         `json:"pieces"`
	Status         string      `json:"status"`
	StatusTitle    string      `json:"status_title"`
	TrackingNumber string      `json:"tracking_number"`
	Total          money.Cents `json:"total"`
}

// orderPlace is an order's place in the list.
type orderPlace struct {
	At    time.Time   `json:"a,omitzero"`
	Total money.Cents `json:"t,omitempty"`
	ID    int64       `json:"i"`
}

// staffOrderColumns are the columns of the list, on the page and in the file.
var staffOrderColumns = []adminui.Column[staffOrder]{
	{Title: "Order", Value: func(o staffOrder) any { return orderLink(o.Identifier) }},
	{Title: "Placed", Sort: "placed", Value: func(o staffOrder) any { return o.PlacedAt }},
	{Title: "Customer", Value: func(o staffOrder) any { return o.Customer }},
	{Title: "E-mail", Minor: true, Value: func(o staffOrder) any { return o.Email }},
	{Title: "Pieces", Minor: true, Value: func(o staffOrder) any { return o.Pieces }},
	{Title: "Status", Value: func(o staffOrder) any { return statusBadge(o.Status, o.StatusTitle) }},
	{Title: "Total", Sort: "total", Value: func(o staffOrder) any { return o.Total }},
}

func orderLink(identifier string) adminui.Link {
	return adminui.Link{Text: identifier, To: "/orders/" + identifier}
}

// statusBadge shows a status: one that ends the work is calm, one that asks for work stands out.
func statusBadge(identifier, title string) adminui.Badge {
	tone := "warn"
	switch identifier {
	case "shipped":
		tone = "good"
	case "canceled", "refunded", "":
		tone = ""
	}
	return adminui.Badge{Text: title, Tone: tone}
}

// staffView is a view of the list that a person has kept.
type staffView struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	To   string `json:"to"` // path and query
}

// staffStatus is a status with the number of its orders.
type staffStatus struct {
	Identifier string `json:"identifier"`
	Title      string `json:"title"`
	Count      int64  `json:"count"` // countedTo at most
	More       bool   `json:"more"`  // there are more than Count
}

// staffOrdersPage is the list of orders.
type staffOrdersPage struct {
	Orders   []staffOrder  `json:"orders"`
	Next     string        `json:"next,omitempty"` // address of the page that follows
	Statuses []staffStatus `json:"statuses"`
	Views    []staffView   `json:"views"`
	Query    string        `json:"-"` // of this view, to keep it
}

// staffOrders lists orders, the newest first unless another order is asked for.
func (s *server) staffOrders(r *http.Request) (adminui.Answer, error) {
	ask, err := adminui.ReadListing(r, adminui.Listing{Filters: []string{"status", "from", "to"},
		Sorts: []string{"placed", "total"}})
	if err != nil {
		return nil, err
	}
	want, err := readOrdersWanted(ask)
	if err != nil {
		return nil, err
	}
	if want.Search != "" {
		named, err := namedBySearch(r.Context(), s.db, want.Search)
		if err != nil {
			return nil, err
		}
		want.Codes, want.SKUs = named.Codes, named.SKUs
	}
	orders, err := listStaffOrders(r.Context(), s.db, want)
	if err != nil {
		return nil, err
	}
	tabs, err := staffTabs(r.Context(), s.db, adminui.Who(r).Person)
	if err != nil {
		return nil, err
	}
	table := adminui.NewTable(ask, "orders", staffOrderColumns, orders, func(o staffOrder) any {
		if want.ByTotal {
			return orderPlace{Total: o.Total, ID: o.ID}
		}
		return orderPlace{At: o.PlacedAt, ID: o.ID}
	})
	data := staffOrdersPage{Orders: orders[:len(table.Rows)], Next: table.Next, Views: []staffView{}}
	data.describe(ask, table, tabs)
	table.Bulk = bulkCommands(adminui.Who(r), data.Statuses, want.Status)
	return adminui.Page{Title: "Orders", Template: "orders.html", Data: data, Table: table, Live: "order"}, nil
}

// readOrdersWanted reads what the address of the list asks for.
func readOrdersWanted(ask adminui.Listing) (want ordersWanted, err error) {
	want = ordersWanted{Status: ask.Chosen["status"], Search: ask.Search, ByTotal: ask.Sort == "total", Down: ask.Down,
		Rows: ask.Rows + 1}
	if want.From, err = ask.Day("from"); err != nil {
		return want, err
	}
	if want.Until, err = ask.Day("to"); err != nil {
		return want, err
	}
	if !want.Until.IsZero() {
		want.Until = want.Until.AddDate(0, 0, 1) // the day itself counts
	}
	after, some, err := adminui.ReadCursor[orderPlace](ask)
	if some {
		want.After = &after
	}
	return want, err
}

// describe gives the list its tabs, filters and views.
func (p *staffOrdersPage) describe(ask adminui.Listing, table *adminui.Table, tabs []staffTab) {
	chosen := ask.Chosen["status"]
	table.Tabs = []adminui.Tab{{Title: "All", To: ask.With("status", ""), Count: -1, Active: chosen == ""}}
	for _, t := range tabs {
		if t.Kind == "view" {
			id, _ := strconv.ParseInt(t.Key, 10, 64) //nolint:errcheck // the database made it of a number
			p.Views = append(p.Views, staffView{ID: id, Name: t.Text, To: "/orders?" + t.Query})
			continue
		}
		count := min(t.Count, countedTo)
		p.Statuses = append(p.Statuses, staffStatus{Identifier: t.Key, Title: t.Text, Count: count,
			More: t.Count > count})
		table.Tabs = append(table.Tabs, adminui.Tab{Title: t.Text, To: ask.With("status", t.Key), Count: count,
			More: t.Count > count, Active: chosen == t.Key})
	}
	for i, o := range p.Orders {
		table.Rows[i].Key = o.Identifier
	}
	table.Choices = []adminui.Choice{{Name: "from", Label: "From", Date: true, Value: ask.Chosen["from"]},
		{Name: "to", Label: "To", Date: true, Value: ask.Chosen["to"]}}
	table.WithSearch(ask, "Order, name, e-mail, tracking, payment, code, SKU")
	table.Empty = "No orders."
	if chosen != "" || ask.Search != "" || len(ask.Chosen) > 0 {
		table.Empty = "No orders like this."
	}
	_, p.Query, _ = strings.Cut(ask.With(), "?")
}

// staffKeepView keeps what the list shows under a name.
func (s *server) staffKeepView(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	name, query := strings.TrimSpace(form.Get("name")), form.Get("query")
	values, err := url.ParseQuery(query)
	if err != nil || len(query) > 2000 || name == "" || utf8.RuneCountInString(name) > 60 {
		return nil, web.BadRequest("name")
	}
	kept, err := keepView(r.Context(), s.db, adminui.Who(r).Person, name, values.Encode())
	if err != nil {
		return nil, err
	}
	if !kept {
		return adminui.Done{To: "/orders?" + values.Encode(), Text: "You keep " + strconv.Itoa(mostViews) +
			" views already: drop one first."}, nil
	}
	return adminui.Done{To: "/orders?" + values.Encode(), Text: "Kept this view as " + name + "."}, nil
}

// staffDropView removes a view.
func (s *server) staffDropView(r *http.Request) (adminui.Answer, error) {
	id, err := strconv.ParseInt(adminui.Param(r, "id"), 10, 64)
	if err != nil {
		return nil, web.NotFound()
	}
	if err := dropView(r.Context(), s.db, adminui.Who(r).Person, id); err != nil {
		return nil, err
	}
	return adminui.Done{To: "/orders", Text: "The view is gone."}, nil
}
