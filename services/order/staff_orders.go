package order

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
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
	Sent           int         `json:"sent"` // of the pieces
	Status         string      `json:"status"`
	StatusTitle    string      `json:"status_title"`
	TrackingNumber string      `json:"tracking_number"` // of the newest parcel
	Tracking       []string    `json:"tracking_numbers"`
	Total          money.Cents `json:"total"`
}

// badge shows the order's status, or how much of it was sent if that is a part.
func (o staffOrder) badge() adminui.Badge {
	b := statusBadge(o.Status, o.StatusTitle)
	if b.Tone == "warn" && o.Sent > 0 && o.Sent < o.Pieces {
		b.Text = fmt.Sprintf("%d of %d sent", o.Sent, o.Pieces)
	}
	return b
}

// tracking are the tracking numbers of all parcels.
func (o staffOrder) tracking() string {
	if len(o.Tracking) == 0 {
		return o.TrackingNumber // older orders have no parcels of their own
	}
	return strings.Join(o.Tracking, ", ")
}

// orderPlace is an order's place in the list.
type orderPlace struct {
	At    time.Time   `json:"a,omitzero"`
	Total money.Cents `json:"t,omitempty"`
	ID    int64       `json:"i"`
}

// staffOrderColumns are the columns of the list.
var staffOrderColumns = []adminui.Column[staffOrder]{
	{Title: "Order", Whole: true, Value: func(o staffOrder) any { return orderLink(o.Identifier) }},
	{Title: "Placed", Sort: "placed", Value: func(o staffOrder) any { return o.PlacedAt }},
	{Title: "Customer", Value: func(o staffOrder) any { return o.Customer }},
	{Title: "E-mail", Minor: true, Clip: true, Value: func(o staffOrder) any { return o.Email }},
	{Title: "Pieces", Minor: true, Value: func(o staffOrder) any { return o.Pieces }},
	{Title: statusColumn, Value: func(o staffOrder) any { return o.badge() }},
	{Title: "Total", Sort: "total", Value: func(o staffOrder) any { return o.Total }},
}

const statusColumn = "Status"

// staffOrderFile are the columns of the CSV file, which has room for more.
var staffOrderFile = func() []adminui.Column[staffOrder] {
	columns := slices.Clone(staffOrderColumns)
	for i, c := range columns {
		if c.Title == statusColumn {
			columns[i].Value = func(o staffOrder) any { return o.StatusTitle }
		}
	}
	return append(columns, adminui.Column[staffOrder]{Title: "Sent", Value: func(o staffOrder) any { return o.Sent }},
		adminui.Column[staffOrder]{Title: "Tracking numbers", Value: func(o staffOrder) any { return o.tracking() }})
}()

func orderLink(identifier string) adminui.Link {
	return adminui.Link{Text: identifier, To: "/orders/" + identifier}
}

// statusBadge shows a status: a final one is muted, one that requires work stands out.
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

// staffView is a view of the list that a person has saved.
type staffView struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	To   string `json:"to"` // path and query
}

// staffStatus is a status with the number of its orders.
type staffStatus struct {
	Identifier string `json:"identifier"`
	Title      string `json:"title"`
	Count      int64  `json:"count"` // at most countedTo
	More       bool   `json:"more"`  // there are more than Count
}

// staffOrdersPage is the list of orders.
type staffOrdersPage struct {
	Orders   []staffOrder  `json:"orders"`
	Next     string        `json:"next,omitempty"` // address of the next page
	Statuses []staffStatus `json:"statuses"`
	Views    []staffView   `json:"views"`
	Problems []string      `json:"problems"` // the parts of the address that were ignored, in sentences
	Query    string        `json:"-"`        // the query of this view, for saving it
}

// staffOrders lists orders, the newest first unless the address asks for another order.
func (s *server) staffOrders(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{
		Filters: []string{"status", "only", "from", "to", "payment"},
		Sorts:   []string{"placed", "total"},
	})
	if err != nil {
		return nil, err
	}
	tabs, err := staffTabs(r.Context(), s.pool, adminui.Who(r).Person)
	if err != nil {
		return nil, err
	}
	want, err := readOrdersWanted(&listing, tabs, s.cfg.LateDays)
	if err != nil {
		return nil, err
	}

	if want.Search != "" {
		named, err := namedBySearch(r.Context(), s.pool, want.Search)
		if err != nil {
			return nil, err
		}
		want.Codes, want.SKUs, want.Payments = named.Codes, named.SKUs, named.Payments
		// The payment of an event, for which services/admin has asked webhook.
		if payment := listing.Chosen["payment"]; payment != "" && strings.HasPrefix(want.Search, "evt_") {
			want.Payments = append(want.Payments, payment)
		}
	}
	orders, err := listStaffOrders(r.Context(), s.pool, want)
	if err != nil {
		return nil, err
	}

	columns := staffOrderColumns
	if listing.File {
		columns = staffOrderFile
	}
	table := adminui.NewTable(listing, "orders", columns, orders, func(o staffOrder) any {
		if want.ByTotal {
			return orderPlace{Total: o.Total, ID: o.ID}
		}
		return orderPlace{At: o.PlacedAt, ID: o.ID}
	})

	data := staffOrdersPage{Orders: orders[:len(table.Rows)], Next: table.Next, Views: []staffView{},
		Problems: listing.Problems}
	data.describe(listing, table, tabs, s.cfg.LateDays)
	table.Bulk = bulkCommands(adminui.Who(r), data.Statuses, want.Status)
	return adminui.Page{Title: "Orders", Template: "orders.html", Data: data, Table: table, Live: "order"}, nil
}

// readOrdersWanted reads the filters from the address of the list. A status that is not one of the
// tabs is left out.
func readOrdersWanted(listing *adminui.Listing, tabs []staffTab, lateDays int) (want ordersWanted, err error) {
	isTab := func(t staffTab) bool { return t.Kind == "status" && t.Key == listing.Chosen["status"] }
	if listing.Chosen["status"] != "" && !slices.ContainsFunc(tabs, isTab) {
		listing.Ignore("status", "Unknown status: showing orders of all statuses.")
	}
	if only := listing.Chosen["only"]; only != "" && only != onlyLate && only != onlyRefunds {
		listing.Ignore("only", "Unknown choice of orders: showing all.")
	}

	want = ordersWanted{
		Status:  listing.Chosen["status"],
		Only:    listing.Chosen["only"],
		Search:  listing.Search,
		Late:    lateOnly{statusesBeforeSent(tabs), lateDays},
		ByTotal: listing.Sort == "total",
		Down:    listing.Down,
		Rows:    listing.Rows + 1,
	}
	if want.From, want.Until, err = listing.Days(); err != nil {
		return want, err
	}

	if !want.Until.IsZero() {
		want.Until = want.Until.AddDate(0, 0, 1) // the day itself is included
	}
	after, some, err := adminui.ReadCursor[orderPlace](*listing)
	if some {
		want.After = &after
	}
	return want, err
}

// statusesBeforeSent are the statuses that an order has before all of it is sent.
func statusesBeforeSent(tabs []staffTab) []string {
	before := []string{}
	for _, t := range tabs {
		if t.Kind != "status" {
			continue
		}
		if t.Key == "shipped" {
			return before
		}
		before = append(before, t.Key)
	}
	return []string{} // as in lateOrders: without the status "shipped" no order is late
}

// onlyChoice offers the filters that other pages link to.
func onlyChoice(listing adminui.Listing, lateDays int) adminui.Choice {
	return adminui.Choice{Name: "only", Label: "Only", Value: listing.Chosen["only"], Options: []adminui.Option{
		{Value: "", Text: "All orders"}, {Value: onlyLate, Text: fmt.Sprintf("Not sent after %d days", lateDays)},
		{Value: onlyRefunds, Text: "Refunds under way"}}}
}

// describe gives the list its tabs, filters and views.
func (p *staffOrdersPage) describe(listing adminui.Listing, table *adminui.Table, tabs []staffTab, lateDays int) {
	chosen := listing.Chosen["status"]
	table.Tabs = []adminui.Tab{{Title: "All", To: listing.With("status", ""), Count: -1, Active: chosen == ""}}
	for _, t := range tabs {
		if t.Kind == "view" {
			id, _ := strconv.ParseInt(t.Key, 10, 64) //nolint:errcheck // the database made it of a number
			p.Views = append(p.Views, staffView{ID: id, Name: t.Text, To: "/orders?" + t.Query})
			continue
		}
		count := min(t.Count, countedTo)
		p.Statuses = append(p.Statuses, staffStatus{Identifier: t.Key, Title: t.Text, Count: count,
			More: t.Count > count})
		table.Tabs = append(table.Tabs, adminui.Tab{Title: t.Text, To: listing.With("status", t.Key), Count: count,
			More: t.Count > count, Active: chosen == t.Key})
	}

	for i, o := range p.Orders {
		table.Rows[i].Key = o.Identifier
	}
	table.Choices = []adminui.Choice{onlyChoice(listing, lateDays),
		{Name: "from", Label: "From", Date: true, Value: listing.Chosen["from"]},
		{Name: "to", Label: "To", Date: true, Value: listing.Chosen["to"]}}
	table.WithSearch(listing, "Order, name, e-mail, tracking, payment, code, SKU")
	table.Empty = "No orders."
	if chosen != "" || listing.Search != "" || len(listing.Chosen) > 0 {
		table.Empty = "No matching orders."
	}
	_, p.Query, _ = strings.Cut(listing.With(), "?")
}

// maxViewName is the length of a view's name, in characters.
const maxViewName = 60

// staffCreateView saves the current list under a name.
func (s *server) staffCreateView(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}

	name, query := strings.TrimSpace(form.Get("name")), form.Get("query")
	values, err := url.ParseQuery(query)
	if err != nil || len(query) > 2000 {
		return nil, web.BadRequest("query")
	}
	if name == "" || utf8.RuneCountInString(name) > maxViewName {
		return viewPage(form, adminui.FieldErrors{"name": fmt.Sprintf("Enter 1 to %d characters.", maxViewName)}), nil
	}

	person, replace := adminui.Who(r).Person, form.Get("replace") == name
	kept, err := upsertView(r.Context(), s.pool, person, name, values.Encode(), replace)
	if err != nil {
		return nil, err
	}
	if !kept {
		taken, err := hasView(r.Context(), s.pool, person, name)
		switch {
		case err != nil:
			return nil, err
		case taken:
			return replacePage(form, name), nil
		}
		full := fmt.Sprintf("You already have %d views: remove one first.", maxViews)
		return viewPage(form, adminui.FieldErrors{"": full}), nil
	}

	return adminui.Done{To: "/orders?" + values.Encode(), Text: "Kept this view as " + name + "."}, nil
}

// viewPage shows the form for the name of a view again, with the reason why it was not saved.
func viewPage(form adminui.PostedForm, wrong adminui.FieldErrors) adminui.Page {
	f := adminui.Form{Action: "/orders/views", Submit: "Keep", Cancel: "/orders?" + form.Get("query"),
		Fields: []adminui.Field{{Name: "query", Kind: "hidden"},
			{Name: "name", Label: "Keep this view as", Kind: "text", Required: true, MaxLength: maxViewName,
				Complete: "off"}}}
	return adminui.Page{Title: "Keep a view", Template: "form.html", Status: http.StatusUnprocessableEntity,
		Data: formPage{Form: f.WithInput(form).WithErrors(wrong), Errors: wrong}, Narrow: true}
}

// replacePage asks whether to replace the view with this name. With another name the form saves one
// more.
func replacePage(form adminui.PostedForm, name string) adminui.Page {
	page := viewPage(form,
		adminui.FieldErrors{"name": "You already have a view with this name. Replace it, or choose another name."})
	if data, ok := page.Data.(formPage); ok {
		data.Form.Submit = "Replace or keep"
		data.Form.Fields = append(data.Form.Fields, adminui.Field{Name: "replace", Kind: "hidden", Value: name})
		page.Data = data
	}
	page.Status = http.StatusConflict
	return page
}

// staffDeleteView deletes a view.
func (s *server) staffDeleteView(r *http.Request) (adminui.Answer, error) {
	id, err := adminui.ParamID(r, "id")
	if err != nil {
		return nil, err
	}
	if err := deleteView(r.Context(), s.pool, adminui.Who(r).Person, id); err != nil {
		return nil, err
	}
	return adminui.Done{To: "/orders", Text: "The view is gone."}, nil
}
