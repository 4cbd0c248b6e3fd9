package user

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// The kinds of customers.
const (
	kindMember   = "member"
	kindProspect = "prospect"
)

// What a customer has chosen about newsletters.
const (
	newsYes     = "yes"
	newsNo      = "no"      // was never asked, or has not wanted them so far
	newsRefused = "refused" // unsubscribed
)

// customer is a member or a prospect in the list for staff.
type customer struct {
	Kind       string      `json:"kind"`
	ID         int64       `json:"id"`
	Name       string      `json:"name"`
	Email      string      `json:"email"`
	Username   string      `json:"username,omitempty"`
	Proved     bool        `json:"email_verified"`
	Newsletter string      `json:"newsletter"`
	Source     string      `json:"source"`
	Tags       []string    `json:"tags"`
	Orders     int64       `json:"orders"`
	Spent      money.Cents `json:"spent"` // for orders, without what was given back
	Since      time.Time   `json:"since"`
}

// path is a customer's page: /customers/member-7.
func (c customer) path(parts ...string) string {
	return strings.Join(append([]string{"/customers", c.key()}, parts...), "/")
}

// Path is the address of the customer's page.
func (c customer) Path() string { return c.path() }

// Key identifies the customer in addresses.
func (c customer) Key() string { return c.key() }

func (c customer) key() string { return customerKey(c.Kind, c.ID) }

func customerKey(kind string, id int64) string { return kind + "-" + web.ID(id) }

// title is the name, or the address of a customer without one.
func (c customer) title() string {
	if name := strings.TrimSpace(c.Name); name != "" {
		return name
	}
	return c.Email
}

// customerPlace is a customer's place in the list: At or Number is what it is sorted by.
type customerPlace struct {
	At     time.Time
	Number int64
	Kind   string
	ID     int64
}

func (c customer) place(sort string) customerPlace {
	p := customerPlace{Kind: c.Kind, ID: c.ID, At: c.Since}
	switch sort {
	case "orders":
		p.Number = c.Orders
	case "spent":
		p.Number = int64(c.Spent)
	}
	return p
}

// newsBadge shows what a customer has chosen about newsletters.
func newsBadge(said string) adminui.Badge {
	return adminui.Badge{Text: said, Tone: map[string]string{newsYes: "good", newsRefused: "warn"}[said]}
}

var customerColumns = []adminui.Column[customer]{
	{Title: "Customer", Value: func(c customer) any { return adminui.Link{Text: c.title(), To: c.path()} }},
	{Title: "E-mail", Clip: true, Value: func(c customer) any { return c.Email }},
	{Title: "Kind", Value: func(c customer) any { return adminui.Badge{Text: c.Kind} }},
	{Title: "Newsletter", Minor: true, Value: func(c customer) any { return newsBadge(c.Newsletter) }},
	{Title: "Tags", Minor: true, Value: func(c customer) any { return strings.Join(c.Tags, ", ") }},
	{Title: "Orders", Sort: "orders", Value: func(c customer) any { return c.Orders }},
	{Title: "Bought for", Sort: "spent", Value: func(c customer) any { return c.Spent }},
	{Title: "Since", Sort: "since", Minor: true, Value: func(c customer) any { return c.Since }},
}

// customerList selects the customers of a list.
type customerList struct {
	Search, Kind, Newsletter, Source, Tag string

	Orders int64 // the least number of orders
	Spent  money.Cents
	Sort   string // since, orders or spent
	Down   bool
	After  customerPlace
	More   bool // the list goes on after After
	Rows   int
}

// after is the value at After of the column that the list is sorted by.
func (l customerList) after() any {
	if l.Sort == "since" {
		return l.After.At
	}
	return l.After.Number
}

// customerChoices are the filters of the list with the values that they offer.
func customerChoices(tags []string) []adminui.Choice {
	option := func(values ...string) (list []adminui.Option) {
		for i := 0; i+1 < len(values); i += 2 {
			list = append(list, adminui.Option{Value: values[i], Text: values[i+1]})
		}
		return list
	}

	sources := option("", "From anywhere", "registration", "Registration")
	for _, s := range []string{sourceOrder, sourceCheckout, sourceChat, sourceWaiting, sourceImport, sourceStaff} {
		sources = append(sources, adminui.Option{Value: s, Text: strings.ToUpper(s[:1]) + s[1:]})
	}

	given := option("", "Any tag")
	for _, name := range tags {
		given = append(given, adminui.Option{Value: name, Text: name})
	}

	return []adminui.Choice{
		{Name: "kind", Label: "Kind", Options: option("", "All", kindMember, "Members", kindProspect, "Prospects")},
		{Name: "newsletter", Label: "Newsletter",
			Options: option("", "Any", newsYes, "Yes", newsNo, "No", newsRefused, "Refused")},
		{Name: "source", Label: "Source", Options: sources},
		{Name: "orders", Label: "Orders", Options: option("", "Any", "1", "1 or more", "2", "2 or more",
			"5", "5 or more",
			"10", "10 or more")},
		{Name: "spent", Label: "Bought for", Options: option("", "Any", "50", "50 or more", "100", "100 or more", "500",
			"500 or more", "1000", "1000 or more")},
		{Name: "tag", Label: "Tag", Options: given},
	}
}

// readCustomerList reads which customers a list asks for.
func readCustomerList(listing adminui.Listing) (l customerList, err error) {
	l = customerList{
		Search:     listing.Search,
		Kind:       listing.Chosen["kind"],
		Newsletter: listing.Chosen["newsletter"],
		Source:     listing.Chosen["source"],
		Tag:        listing.Chosen["tag"],
		Sort:       listing.Sort,
		Down:       listing.Down,
		Rows:       listing.Rows + 1,
	}
	known := map[string]bool{"": true, kindMember: true, kindProspect: true, newsYes: true, newsNo: true,
		newsRefused: true}
	if !known[l.Kind] || !known[l.Newsletter] {
		return l, web.BadRequest("filter")
	}

	if text := listing.Chosen["orders"]; text != "" {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return l, web.BadRequest("orders")
		}
		l.Orders = n
	}
	if text := listing.Chosen["spent"]; text != "" {
		if l.Spent, err = money.Parse(text); err != nil {
			return l, web.BadRequest("spent")
		}
	}

	l.After, l.More, err = adminui.ReadCursor[customerPlace](listing)
	return l, err
}

// staffCustomers lists members and prospects, newest first.
func (s *server) staffCustomers(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{Sorts: []string{"since", "orders", "spent"},
		Filters: []string{"kind", "newsletter", "source", "orders", "spent", "tag"}})
	if err != nil {
		return nil, err
	}

	l, err := readCustomerList(listing)
	if err != nil {
		return nil, err
	}
	list, err := listCustomers(r.Context(), s.pool, l)
	if err != nil {
		return nil, err
	}
	tags, err := listTags(r.Context(), s.pool)
	if err != nil {
		return nil, err
	}

	table := adminui.NewTable(listing, "customers", customerColumns, list,
		func(c customer) any { return c.place(l.Sort) })
	for _, c := range customerChoices(tags) {
		c.Value = listing.Chosen[c.Name]
		if c.Name == "tag" && c.Value != "" && !slices.Contains(tags, c.Value) {
			c.Options = append(c.Options, adminui.Option{Value: c.Value, Text: c.Value})
		}
		table.Choices = append(table.Choices, c)
	}

	table.WithSearch(listing, "E-mail address, name or user name")
	table.Empty, table.Labelled = "No customers.", true
	if err := s.fileOf(r, listing, table, "customers"); err != nil {
		return nil, err
	}
	return adminui.Page{
		Title:    "Customers",
		Template: "customers.html",
		Data: struct {
			Customers []customer `json:"customers"`
			Next      string     `json:"next,omitempty"`
		}{list[:len(table.Rows)], table.Next},
		Table: table,
		Live:  "user",
	}, nil
}

// fileOf offers a list with addresses as a file to those who may export it, and puts on record who
// did.
func (s *server) fileOf(r *http.Request, listing adminui.Listing, table *adminui.Table, what string) error {
	if !adminui.Who(r).May(adminui.CustomersExport) {
		table.CSV = ""
	}
	if !listing.File {
		return nil
	}
	return s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		return adminui.Record(r, tx, adminui.Act{
			Action: adminui.CustomersExport,
			Kind:   what,
			Key:    "file",
			Text:   fmt.Sprintf("Exported %d %s", len(table.Rows), what),
		})
	})
}
