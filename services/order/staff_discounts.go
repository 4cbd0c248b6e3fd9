package order

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// discountRow is a code in the list, with derived values for the reader.
type discountRow struct {
	discount
	State string `json:"state"`
	Gives string `json:"gives"`
}

func (d discountRow) link() adminui.Link {
	return adminui.Link{Text: d.Code, To: "/discounts/" + web.ID(d.ID)}
}

func (d discountRow) badge() adminui.Badge { return discountBadge(d.State) }

func discountBadge(state string) adminui.Badge {
	switch state {
	case discountActive:
		return adminui.Badge{Text: "Active", Tone: "good"}
	case discountScheduled:
		return adminui.Badge{Text: "Scheduled", Tone: "warn"}
	case discountUsedUp:
		return adminui.Badge{Text: "Used up"}
	}
	return adminui.Badge{Text: "Ended"}
}

// used is how often a code was used, out of how often it can be.
func (d discount) used() string {
	if d.MaxUses == nil {
		return fmt.Sprintf("%d times", d.Uses)
	}
	return fmt.Sprintf("%d of %d times", d.Uses, *d.MaxUses)
}

var discountColumnsShown = []adminui.Column[discountRow]{
	{Title: "Code", Value: func(d discountRow) any { return d.link() }},
	{Title: "Gives", Value: func(d discountRow) any { return d.Gives }},
	{Title: "State", Value: func(d discountRow) any { return d.badge() }},
	{Title: "Used", Value: func(d discountRow) any { return d.used() }},
	{Title: "From", Minor: true, Value: func(d discountRow) any { return d.Starts }},
	{Title: "Until", Minor: true, Value: func(d discountRow) any { return d.Ends }},
	{Title: "Minimum", Minor: true, Value: func(d discountRow) any { return d.OrderMinimum }},
	{Title: "Description", Minor: true, Value: func(d discountRow) any { return d.Description }},
}

// discountStates are the tabs of the list.
var discountStates = []adminui.Option{{Value: "", Text: "All"}, {Value: discountActive, Text: "Active"},
	{Value: discountScheduled, Text: "Scheduled"}, {Value: discountUsedUp, Text: "Used up"},
	{Value: discountEnded, Text: "Ended"}}

func (s *server) staffDiscounts(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{Filters: []string{"state", "batch"}})
	if err != nil {
		return nil, err
	}

	isState := func(o adminui.Option) bool { return o.Value == listing.Chosen["state"] }
	if !slices.ContainsFunc(discountStates, isState) {
		listing.Ignore("state", "Unknown state: showing codes in all states.")
	}
	want := discountsWanted{State: listing.Chosen["state"], Search: listing.Search, Rows: listing.Rows + 1}
	if text := listing.Chosen["batch"]; text != "" {
		batch, ok := rowID(text)
		if !ok {
			return nil, web.BadRequest("batch")
		}
		want.Batch = batch
	}

	if want.After, _, err = adminui.ReadCursor[int64](listing); err != nil {
		return nil, err
	}
	list, err := listDiscounts(r.Context(), s.pool, want)
	if err != nil {
		return nil, err
	}

	rows, now := make([]discountRow, len(list)), time.Now()
	for i, d := range list {
		rows[i] = discountRow{d, d.state(now), d.gives()}
	}
	table := adminui.NewTable(listing, "discounts", discountColumnsShown, rows, func(d discountRow) any { return d.ID })
	for _, o := range discountStates {
		table.Tabs = append(table.Tabs, adminui.Tab{Title: o.Text, To: listing.With("state", o.Value), Count: -1,
			Active: listing.Chosen["state"] == o.Value})
	}

	table.WithSearch(listing, "Code")
	table.Empty = "No matching codes."
	title := "Discounts"
	if want.Batch != 0 {
		title = "Codes of a batch"
		if len(list) > 0 && list[0].BatchName != "" {
			title = list[0].BatchName
		}
	}

	return adminui.Page{Title: title, Template: "discounts.html", Data: struct {
		Codes []discountRow `json:"codes"`
		Next  string        `json:"next,omitempty"`
		Batch int64         `json:"batch,omitempty"`
	}{rows[:len(table.Rows)], table.Next, want.Batch}, Table: table}, nil
}

var discountBatchColumns = []adminui.Column[discountBatch]{
	{Title: "Batch", Value: func(b discountBatch) any {
		return adminui.Link{Text: b.Name, To: "/discounts?batch=" + web.ID(b.ID)}
	}},
	{Title: "Codes", Value: func(b discountBatch) any { return b.Codes }},
	{Title: "Used", Value: func(b discountBatch) any { return b.Used }},
	{Title: "Made", Value: func(b discountBatch) any { return b.MadeAt }},
	{Title: "By", Minor: true, Value: func(b discountBatch) any { return b.MadeBy }},
}

func (s *server) staffDiscountBatches(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	after, _, err := adminui.ReadCursor[int64](listing)
	if err != nil {
		return nil, err
	}
	list, err := listBatches(r.Context(), s.pool, after, listing.Rows+1)
	if err != nil {
		return nil, err
	}
	table := adminui.NewTable(listing, "batches", discountBatchColumns, list, func(b discountBatch) any { return b.ID })
	table.Empty = "No codes have been made in bulk yet."
	return adminui.Page{Title: "Batches of codes", Template: "batches.html", Data: struct {
		Batches []discountBatch `json:"batches"`
		Next    string          `json:"next,omitempty"`
	}{list[:len(table.Rows)], table.Next}, Table: table}, nil
}

// discountPage is one code, or the form for a new one.
type discountPage struct {
	Discount discountRow         `json:"discount"`
	Orders   []discountUse       `json:"orders"`
	Preview  *discountPreview    `json:"preview,omitempty"`
	Errors   adminui.FieldErrors `json:"errors,omitempty"` // of the form, by field
	Form     adminui.Form        `json:"-"`
	Facts    []adminui.Detail    `json:"-"`
	Methods  []shippingMethod    `json:"-"`
	Cart     string              `json:"-"` // as typed, to try the code on
	Shipping string              `json:"-"` // the method chosen for that
	Badge    adminui.Badge       `json:"-"`
	Unused   bool                `json:"-"`
}

// shownUses is how many orders the page of a code shows; the list of orders finds them all.
const shownUses = 20

// readDiscountPage reads the code that the path names.
func (s *server) readDiscountPage(r *http.Request) (p discountPage, err error) {
	number, err := adminui.ParamID(r, "id")
	if err != nil {
		return p, err
	}
	d, err := web.OrNotFound(findDiscount(r.Context(), s.pool, number, ""))
	if err != nil {
		return p, err
	}

	p.Discount = discountRow{d, d.state(time.Now()), d.gives()}
	p.Badge = p.Discount.badge()
	if p.Orders, err = discountUses(r.Context(), s.pool, number, shownUses); err != nil {
		return p, err
	}
	if p.Methods, err = activeShippingMethods(r.Context(), s.pool); err != nil {
		return p, err
	}
	if p.Form, err = s.discountForm(r, d); err != nil {
		return p, err
	}

	p.Form.Action, p.Form.Version = "/discounts/"+web.ID(d.ID), int64(d.Version)
	p.Unused = len(p.Orders) == 0 && d.Uses == 0
	p.Facts = []adminui.Detail{{Label: "Gives", Value: p.Discount.Gives}, {Label: "Used", Value: d.used()},
		{Label: "From", Value: d.Starts}, {Label: "Until", Value: d.Ends}}

	if d.BatchID != nil {
		p.Facts = append(p.Facts, adminui.Detail{Label: "Batch",
			Value: adminui.Link{Text: d.BatchName, To: "/discounts?batch=" + web.ID(*d.BatchID)}})
	}
	if d.ChangedBy != "" {
		p.Facts = append(p.Facts, adminui.Detail{Label: "Changed", Value: d.ChangedAt},
			adminui.Detail{Label: "By", Value: d.ChangedBy})
	}
	return p, nil
}

func (p discountPage) answer(status int) adminui.Page {
	return adminui.Page{Title: p.Discount.Code, Template: "discount.html", Data: p, Status: status}
}

func (s *server) staffDiscount(r *http.Request) (adminui.Answer, error) {
	p, err := s.readDiscountPage(r)
	if err != nil {
		return nil, err
	}
	query, err := web.Query(r)
	if err != nil {
		return nil, err
	}
	if p.Cart, p.Shipping = query.Get("cart"), query.Get("shipping"); p.Cart != "" {
		if p.Preview, err = s.previewDiscount(r.Context(), p); err != nil {
			return nil, err
		}
	}
	return p.answer(http.StatusOK), nil
}

// staffEndDiscount ends a code now; staffDeleteDiscount deletes one that was never used.
func (s *server) staffEndDiscount(r *http.Request) (adminui.Answer, error) {
	return s.changeDiscount(r, "Ended code ", func(tx pgx.Tx, d discount) (adminui.Done, error) {
		return adminui.Done{To: "/discounts/" + web.ID(d.ID), Text: d.Code + " has ended."},
			endDiscount(r.Context(), tx, d.ID, adminui.Who(r).Name)
	})
}

func (s *server) staffDeleteDiscount(r *http.Request) (adminui.Answer, error) {
	return s.changeDiscount(r, "Deleted code ", func(tx pgx.Tx, d discount) (adminui.Done, error) {
		dropped, err := deleteDiscount(r.Context(), tx, d.ID)
		if err == nil && !dropped {
			err = &web.Error{Status: http.StatusConflict, Code: "used",
				Text: "This code has been used, so it cannot be deleted. End it instead."}
		}
		return adminui.Done{To: "/discounts", Text: d.Code + " is deleted."}, err
	})
}

// changeDiscount runs a command about the code of the version that the form showed.
func (s *server) changeDiscount(r *http.Request, text string,
	fn func(tx pgx.Tx, d discount) (adminui.Done, error)) (done adminui.Answer, err error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	number, err := adminui.ParamID(r, "id")
	if err != nil {
		return nil, err
	}

	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		d, err := web.OrNotFound(findDiscount(r.Context(), tx, number, "FOR UPDATE OF d"))
		switch {
		case err != nil:
			return err
		case form.CheckVersion(1, int64(d.Version)) != nil:
			return form.CheckVersion(1, int64(d.Version))
		case int64(d.Version) != form.Version:
			return &web.Error{Status: http.StatusConflict, Code: "changed", Err: adminui.ErrStale}
		}
		if done, err = fn(tx, d); err != nil {
			return err
		}
		return adminui.Record(r, tx, adminui.Act{Action: adminui.DiscountsEdit, Kind: "discount", Key: web.ID(d.ID),
			Text: text + d.Code, Before: d})
	})
	return done, err
}

func (s *server) staffEndBatch(r *http.Request) (adminui.Answer, error) {
	number, err := adminui.ParamID(r, "id")
	if err != nil {
		return nil, err
	}
	var ended int64
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		name, n, found, err := endBatch(r.Context(), tx, number, adminui.Who(r).Name)
		switch {
		case err != nil:
			return err
		case !found:
			return web.NotFound()
		case n == 0:
			return nil
		}
		ended = n
		return adminui.Record(r, tx, adminui.Act{Action: adminui.DiscountsEdit, Kind: "discount-batch",
			Key: web.ID(number), Text: fmt.Sprintf("Ended %d codes of batch %s", n, name)})
	})
	return adminui.Done{To: "/discounts?batch=" + web.ID(number), Text: fmt.Sprintf("%d codes have ended.", ended)}, err
}

// amountIn is an amount as a field shows it; empty for zero.
func amountIn(c money.Cents) string {
	if c == 0 {
		return ""
	}
	return c.String()
}
