package user

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// The kinds of customers.
const (
	kindMember   = "member"
	kindProspect = "prospect"
)

// customer is a member or a prospect in the list for staff.
type customer struct {
	Kind     string    `json:"kind"`
	ID       int64     `json:"id"`
	Name     string    `json:"name"`
	Email    string    `json:"email"`
	Username string    `json:"username,omitempty"`
	Proved   bool      `json:"email_verified"`
	Since    time.Time `json:"since"`
}

// path is a customer's page: /customers/member-7.
func (c customer) path(parts ...string) string {
	return strings.Join(append([]string{"/customers", c.key()}, parts...), "/")
}

func (c customer) key() string { return c.Kind + "-" + strconv.FormatInt(c.ID, 10) }

// customerPlace is a customer's place in the list.
type customerPlace struct {
	At   time.Time
	Kind string
	ID   int64
}

var customerColumns = []adminui.Column[customer]{
	{Title: "Customer", Value: func(c customer) any {
		name := c.Name
		if strings.TrimSpace(name) == "" {
			name = c.Email
		}
		return adminui.Link{Text: name, To: c.path()}
	}},
	{Title: "E-mail", Value: func(c customer) any { return c.Email }},
	{Title: "Kind", Value: func(c customer) any { return adminui.Badge{Text: c.Kind} }},
	{Title: "User name", Minor: true, Value: func(c customer) any { return c.Username }},
	{Title: "Since", Value: func(c customer) any { return c.Since }},
}

// staffCustomers lists members and prospects, the newest first.
func (s *server) staffCustomers(r *http.Request) (adminui.Answer, error) {
	ask, err := adminui.ReadListing(r, adminui.Listing{})
	if err != nil {
		return nil, err
	}
	after, _, err := adminui.ReadCursor[customerPlace](ask)
	if err != nil {
		return nil, err
	}
	list, err := listCustomers(r.Context(), s.pool, ask.Search, after, ask.Rows+1)
	if err != nil {
		return nil, err
	}
	table := adminui.NewTable(ask, "customers", customerColumns, list,
		func(c customer) any { return customerPlace{c.Since, c.Kind, c.ID} })
	table.WithSearch(ask, "E-mail address, last name or user name")
	table.Empty = "No customers."
	if !adminui.Who(r).May(adminui.CustomersExport) {
		table.CSV = ""
	}
	if ask.File {
		if err := s.recordFile(r, "customers", len(table.Rows)); err != nil {
			return nil, err
		}
	}
	return adminui.Page{Title: "Customers", Data: struct {
		Customers []customer `json:"customers"`
		Next      string     `json:"next,omitempty"`
	}{list[:len(table.Rows)], table.Next}, Table: table}, nil
}

// recordFile notes that a person took a file with the addresses of many.
func (s *server) recordFile(r *http.Request, what string, rows int) error {
	return s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		return adminui.Record(r, tx, adminui.Act{Action: adminui.CustomersExport, Kind: what, Key: "file",
			Text: fmt.Sprintf("Exported %d %s", rows, what)})
	})
}

// customerEvent is something that happened with a customer.
type customerEvent struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
	// Detail is in the customer's own words.
	Detail string `json:"detail,omitempty"`
}

// customerPage is one customer.
type customerPage struct {
	Customer   customerDetails  `json:"customer"`
	Consents   []customerEvent  `json:"consents"`
	Chat       []customerEvent  `json:"chat"`
	Runbook    string           `json:"runbook"`
	Facts      []adminui.Detail `json:"-"`
	ConsentLog []adminui.Event  `json:"-"`
	ChatLog    []adminui.Event  `json:"-"`
	Orders     string           `json:"-"`
	Trail      string           `json:"-"`
	Export     adminui.Form     `json:"-"`
	Erase      adminui.Form     `json:"-"`
}

// customerDetails are the details of a customer.
type customerDetails struct {
	customer
	Newsletter   bool      `json:"newsletter"`
	Unsubscribed bool      `json:"unsubscribed"`
	LastLogin    time.Time `json:"last_login,omitzero"`
	Terms        int       `json:"terms_version,omitempty"`
	Comment      string    `json:"comment,omitempty"`
}

// named reads a customer's key: member-7.
func named(r *http.Request) (kind string, id int64, err error) {
	kind, number, _ := strings.Cut(adminui.Param(r, "customer"), "-")
	id, err = strconv.ParseInt(number, 10, 64)
	if err != nil || kind != kindMember && kind != kindProspect {
		return "", 0, web.NotFound()
	}
	return kind, id, nil
}

func (s *server) customerPage(r *http.Request) (p customerPage, err error) {
	kind, id, err := named(r)
	if err != nil {
		return p, err
	}
	if p.Customer, err = findCustomer(r.Context(), s.pool, kind, id); err != nil {
		return p, err
	}
	if p.Consents, err = consentsOf(r.Context(), s.pool, kind, id); err != nil {
		return p, err
	}
	if p.Chat, err = chatOf(r.Context(), s.pool, kind, id); err != nil {
		return p, err
	}
	c := p.Customer
	p.Facts = []adminui.Detail{{Label: "Kind", Value: adminui.Badge{Text: c.Kind}}, {Label: "E-mail", Value: c.Email},
		{Label: "Proved", Value: yes(c.Proved)}, {Label: "Since", Value: c.Since},
		{Label: "Newsletter", Value: yes(c.Newsletter)},
		{Label: "Unsubscribed", Value: yes(c.Unsubscribed)}}
	if c.Kind == kindMember {
		p.Facts = append(p.Facts, adminui.Detail{Label: "User name", Value: c.Username},
			adminui.Detail{Label: "Last login", Value: c.LastLogin},
			adminui.Detail{Label: "Terms", Value: c.Terms})
	}
	if c.Comment != "" {
		p.Facts = append(p.Facts, adminui.Detail{Label: "Comment", Value: c.Comment})
	}
	p.ConsentLog, p.ChatLog = timeline(p.Consents), timeline(p.Chat)
	p.Orders, p.Trail = "/orders?q="+url.QueryEscape(c.Email), "/trail?key="+url.QueryEscape(c.Email)
	p.Runbook = adminui.Runbook("personal-data")
	p.Export = adminui.Form{ID: "export", Action: c.path("export"), Submit: "Export everything"}
	p.Erase = adminui.Form{ID: "erase", Action: c.path("erase"), Submit: "Erase this person", Tone: "bad",
		Fields: []adminui.Field{{
			Name: "confirm", Label: "E-mail address, to confirm", Kind: "email", Required: true, Most: maxEmail,
			Complete: "off"}}}
	return p, nil
}

func timeline(events []customerEvent) (list []adminui.Event) {
	for _, e := range events {
		list = append(list, adminui.Event{At: e.At, Text: e.Text, Detail: e.Detail})
	}
	return list
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func (p customerPage) answer(status int) adminui.Page {
	title := p.Customer.Name
	if strings.TrimSpace(title) == "" {
		title = p.Customer.Email
	}
	return adminui.Page{Title: title, Template: "customer.html", Data: p, Status: status}
}

func (s *server) staffCustomer(r *http.Request) (adminui.Answer, error) {
	page, err := s.customerPage(r)
	return page.answer(http.StatusOK), err
}

// person is how a customer's erasure or export is named, as the commands name it.
func (c customer) person() erasure.Person {
	if c.Kind == kindMember {
		return erasure.Person{MemberIDs: []int64{c.ID}}
	}
	return erasure.Person{Emails: []string{c.Email}}
}

// staffKnown says where the person is found in all services, for an export.
func (s *server) staffKnown(r *http.Request) (adminui.Answer, error) {
	page, err := s.customerPage(r)
	if err != nil {
		return nil, err
	}
	var known erasure.Person
	err = pg.Tx(r.Context(), s.pool, func(tx pgx.Tx) (err error) {
		known, err = FindPerson(r.Context(), tx, page.Customer.person())
		return err
	})
	return adminui.Page{Title: "Where this person is known", Data: known}, err
}

// staffErase erases a person here and, by message, in all services.
func (s *server) staffErase(r *http.Request) (adminui.Answer, error) {
	page, err := s.customerPage(r)
	if err != nil {
		return nil, err
	}
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(strings.TrimSpace(form.Get("confirm")), page.Customer.Email) {
		page.Erase = page.Erase.Wrong(map[string]string{"confirm": "This is another address than the customer's."})
		return page.answer(http.StatusUnprocessableEntity), nil
	}
	c := page.Customer.customer
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		if _, err := eraseIn(r.Context(), tx, c.person()); err != nil {
			return err
		}
		return adminui.Record(r, tx, adminui.Act{Action: adminui.CustomersErase, Kind: "customer", Key: c.key(),
			Text: "Erased " + c.key()})
	})
	if err != nil {
		return nil, err
	}
	return adminui.Done{To: "/customers", Text: "Erased here. The other services are told."}, nil
}
