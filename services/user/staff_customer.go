package user

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// customerEvent is something that happened with a customer.
type customerEvent struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
	// Detail quotes the customer or the staff.
	Detail string `json:"detail,omitempty"`
	By     string `json:"by,omitempty"` // the person of the staff
}

// customerDetails are the details of a customer.
type customerDetails struct {
	customer
	FirstName      string    `json:"first_name"`
	LastName       string    `json:"last_name"`
	Phone          string    `json:"phone,omitempty"`
	Unsubscribed   bool      `json:"unsubscribed"`
	LastLogin      time.Time `json:"last_login,omitzero"`
	LastOrder      time.Time `json:"last_order,omitzero"`
	Terms          int       `json:"terms_version,omitempty"`
	Comment        string    `json:"comment,omitempty"` // in the customer's own words
	Remark         string    `json:"remark,omitempty"`  // the shop's
	Excited        int       `json:"how_excited,omitempty"`
	Code           string    `json:"code"` // mb_cd or pr_cd, in the links of mails
	Aliases        []string  `json:"further_codes"`
	Converted      time.Time `json:"converted,omitzero"`
	Version        int64     `json:"version"`
	MergedMember   int64     `json:"merged_into_member,omitempty"`
	MergedProspect int64     `json:"merged_into_prospect,omitempty"`
}

// mergedInto is the key of the customer into whose record this one was merged; "" if it was not.
func (c customerDetails) mergedInto() string {
	switch {
	case c.MergedMember != 0:
		return customerKey(kindMember, c.MergedMember)
	case c.MergedProspect != 0:
		return customerKey(kindProspect, c.MergedProspect)
	}
	return ""
}

// customerPage is one customer: all that user knows, and links to the rest.
type customerPage struct {
	Customer customerDetails `json:"customer"`
	Merged   []customer      `json:"merged"` // records that were merged into this one
	Consents []customerEvent `json:"consents"`
	Chat     []customerEvent `json:"chat"`
	Notes    []customerEvent `json:"notes"`
	Reasons  []customerEvent `json:"unsubscribe_reasons"`
	Terms    []customerEvent `json:"terms"`
	Runbook  string          `json:"runbook"`

	Facts      []adminui.Detail `json:"-"`
	Codes      []adminui.Detail `json:"-"`
	ConsentLog []adminui.Event  `json:"-"`
	ChatLog    []adminui.Event  `json:"-"`
	NoteLog    []adminui.Event  `json:"-"`
	ReasonLog  []adminui.Event  `json:"-"`
	Links      []adminui.Link   `json:"-"`
	Into       string           `json:"-"` // path of the record that this one was merged into
	Thread     string           `json:"-"`

	Note, Merge, Export, Erase adminui.Form `json:"-"`
}

// Key names the customer in addresses.
func (p customerPage) Key() string { return p.Customer.key() }

// IsMember reports whether the customer has an account.
func (p customerPage) IsMember() bool { return p.Customer.Kind == kindMember }

// IsOpen reports whether the customer has an account that was not merged into another one.
func (p customerPage) IsOpen() bool { return p.IsMember() && p.Into == "" }

// MayVerify reports whether a mail to prove the address makes sense.
func (p customerPage) MayVerify() bool { return p.IsOpen() && !p.Customer.Proved }

// MayUnsubscribe reports whether the customer, or a record that was merged into theirs, gets
// newsletters.
func (p customerPage) MayUnsubscribe() bool {
	return !p.Customer.Unsubscribed ||
		slices.ContainsFunc(p.Merged, func(c customer) bool { return c.Newsletter == newsYes })
}

// customerKeyFromPath reads the customer's key in the path, such as member-7.
func customerKeyFromPath(r *http.Request) (kind string, id int64, err error) {
	kind, id, ok := readCustomerKey(adminui.Param(r, "customer"))
	if !ok {
		return "", 0, web.NotFound()
	}
	return kind, id, nil
}

func readCustomerKey(key string) (kind string, id int64, ok bool) {
	kind, number, _ := strings.Cut(key, "-")
	id, err := strconv.ParseInt(number, 10, 64)
	return kind, id, err == nil && (kind == kindMember || kind == kindProspect)
}

// records are the ids of a customer's rows, merged ones included.
type records struct{ members, prospects []int64 }

func (s *server) customerPage(r *http.Request) (p customerPage, err error) {
	kind, id, err := customerKeyFromPath(r)
	if err != nil {
		return p, err
	}

	ctx := r.Context()
	if p.Customer, err = findCustomer(ctx, s.pool, kind, id); err != nil {
		return p, err
	}
	if p.Merged, err = mergedInto(ctx, s.pool, kind, id); err != nil {
		return p, err
	}

	var all records
	if kind == kindMember {
		all.members = []int64{id}
	} else {
		all.prospects = []int64{id}
	}
	for _, m := range p.Merged {
		if m.Kind == kindMember {
			all.members = append(all.members, m.ID)
		} else {
			all.prospects = append(all.prospects, m.ID)
		}
	}

	if err := s.readCustomerEvents(ctx, &p, all); err != nil {
		return p, err
	}
	if thread, found, err := threadOfAddress(ctx, s.pool, p.Customer.Email); err != nil {
		return p, err
	} else if found {
		p.Thread = threadPath(thread)
	}

	p.describe()
	p.forms()
	return p, nil
}

// readCustomerEvents reads what happened with a customer.
func (s *server) readCustomerEvents(ctx context.Context, p *customerPage, all records) (err error) {
	for _, part := range []struct {
		into *[]customerEvent
		read func(context.Context, pg.DB, records) ([]customerEvent, error)
	}{{&p.Consents, consentsOf}, {&p.Chat, chatOf}, {&p.Notes, notesOf}, {&p.Reasons, reasonsOf}, {&p.Terms, termsOf}} {
		if *part.into, err = part.read(ctx, s.pool, all); err != nil {
			return err
		}
	}
	p.ConsentLog, p.ChatLog = timeline(p.Consents), timeline(p.Chat)
	p.NoteLog, p.ReasonLog = timeline(p.Notes), timeline(p.Reasons)
	return nil
}

// describe fills in what the page says about the customer.
func (p *customerPage) describe() {
	c := p.Customer
	p.Facts = []adminui.Detail{{Label: "Kind", Value: adminui.Badge{Text: c.Kind}}, {Label: "E-mail", Value: c.Email},
		{Label: "Newsletter", Value: newsBadge(c.Newsletter)}, {Label: "Tags", Value: strings.Join(c.Tags, ", ")},
		{Label: "Orders", Value: c.Orders}, {Label: "Bought for", Value: c.Spent},
		{Label: "Last order", Value: c.LastOrder}, {Label: "Since", Value: c.Since},
		{Label: "Source", Value: c.Source}}
	if c.Kind == kindMember {
		p.Facts = append(p.Facts, adminui.Detail{Label: "Proved", Value: yes(c.Proved)},
			adminui.Detail{Label: "User name", Value: c.Username},
			adminui.Detail{Label: "Last login", Value: c.LastLogin},
			adminui.Detail{Label: "Terms of use", Value: agreedTo(c.Terms)})
	} else {
		p.Facts = append(p.Facts, adminui.Detail{Label: "Phone", Value: c.Phone})
	}

	for _, d := range []struct {
		label string
		value any
		known bool
	}{{"Registered", c.Converted, !c.Converted.IsZero()}, {"Comment", c.Comment, c.Comment != ""},
		{"Remark", c.Remark, c.Remark != ""}, {"Excitement", c.Excited, c.Excited != 0}} {
		if d.known {
			p.Facts = append(p.Facts, adminui.Detail{Label: d.label, Value: d.value})
		}
	}

	p.Codes = []adminui.Detail{{Label: "In mail links", Value: c.Code}}
	if len(c.Aliases) > 0 {
		p.Codes = append(p.Codes, adminui.Detail{Label: "Further codes", Value: strings.Join(c.Aliases, ", ")})
	}
	if into := c.mergedInto(); into != "" {
		p.Into = "/customers/" + into
	}

	for _, address := range append([]customer{c.customer}, p.Merged...) {
		q := url.QueryEscape(address.Email)
		p.Links = append(p.Links, adminui.Link{Text: "Orders of " + address.Email, To: "/orders?q=" + q},
			adminui.Link{Text: "Trail of " + address.Email, To: "/trail?key=" + q})
	}
	p.Runbook = adminui.Runbook("personal-data")
}

// agreedTo is the newest version of the terms of use that a member agreed to.
func agreedTo(version int) string {
	if version == 0 {
		return "not agreed"
	}
	return "version " + strconv.Itoa(version)
}

// forms fills in the commands of the page.
func (p *customerPage) forms() {
	c := p.Customer
	p.Note = adminui.Form{
		ID:     "note",
		Action: c.path("notes"),
		Submit: "Add note",
		Fields: []adminui.Field{{Name: "text", Label: "Note, for the staff alone", Kind: "multiline", Required: true,
			MaxLength: maxText}},
	}
	p.Merge = adminui.Form{
		ID:      "merge",
		Action:  c.path("merge"),
		Submit:  "Merge into this one",
		Version: c.Version,
		Fields: []adminui.Field{{Name: "other", Label: "E-mail address, or user name of an account", Kind: "text",
			Required: true, MaxLength: maxEmail, Complete: "off"}},
	}
	p.Export = adminui.Form{ID: "export", Action: c.path("export"), Submit: "Export everything"}
	p.Erase = adminui.Form{
		ID:     "erase",
		Action: c.path("erase"),
		Submit: "Erase this person",
		Tone:   "bad",
		Fields: []adminui.Field{{
			Name: "confirm", Label: "E-mail address, to confirm", Kind: "email", Required: true, MaxLength: maxEmail,
			Complete: "off"}},
	}
}

func timeline(events []customerEvent) (list []adminui.Event) {
	for _, e := range events {
		list = append(list, adminui.Event{At: e.At, Text: e.Text, Detail: e.Detail, Who: e.By})
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
	return adminui.Page{Title: p.Customer.title(), Template: "customer.html", Data: p, Status: status, Live: "user"}
}

func (s *server) staffCustomer(r *http.Request) (adminui.Answer, error) {
	page, err := s.customerPage(r)
	return page.answer(http.StatusOK), err
}

// person names a customer to be erased or exported, as the commands do.
func (c customer) person() erasure.Person {
	if c.Kind == kindMember {
		return erasure.Person{MemberIDs: []int64{c.ID}}
	}
	return erasure.Person{Emails: []string{c.Email}}
}

// staffKnown tells services/admin what the person is known by in all services, for an export. It is
// not a page.
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
	return adminui.Raw(func(w http.ResponseWriter, _ *http.Request) error {
		return web.JSON(w, http.StatusOK, known)
	}), err
}
