package order

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// discountForm is the form for the terms of a code, filled in with the current ones.
func (s *server) discountForm(r *http.Request, d discount) (adminui.Form, error) {
	types, err := discountTypes(r.Context(), s.pool)
	if err != nil {
		return adminui.Form{}, err
	}
	collections, err := collectionNames(r.Context(), s.pool)
	if err != nil {
		return adminui.Form{}, err
	}

	kinds := []adminui.Option{}
	for _, t := range types {
		kinds = append(kinds, adminui.Option{Value: web.ID(t.ID), Text: t.Title})
	}
	form := adminui.Form{Submit: "Save", Fields: []adminui.Field{
		{Name: "code", Label: "Code", Kind: "text", Required: true, MaxLength: maxCode,
			Hint: "As shoppers type it. Capitals matter."},
		{Name: "description", Label: "Description", Kind: "text", MaxLength: 500,
			Hint: "Shoppers see it next to the code."},
		{Name: "type", Label: "Type", Kind: "choice", Options: kinds},
		{Name: "amount", Label: "Amount", Kind: "money",
			Hint: "Percent, dollars or months, depending on the type. Not needed for free shipping."},
		{Name: "minimum", Label: "Order minimum", Kind: "money",
			Hint: "Value of the items before discounts. None if empty."},
		{Name: "from", Label: "From", Kind: "date", Hint: "Starts at 00:00 UTC. Now if empty."},
		{Name: "until", Label: "Until", Kind: "date", Hint: "Last valid day, until midnight UTC. No end if empty."},
		{Name: "uses", Label: "Uses in total", Kind: "number", Hint: "Unlimited if empty."},
		{Name: "per-person", Label: "Uses per person", Kind: "number",
			Hint: "A person is a mailbox, with or without an account. Unlimited if empty."},
		{Name: "combinable", Label: "Combinable with other codes", Kind: "check",
			Hint: "For months of a subscription. A cart takes one code on items, and free shipping with any."},
		{Name: "skus", Label: "Only these SKUs", Kind: "multiline",
			Hint: "SKU numbers, separated by commas or lines. Every SKU if empty."},
	}}

	if len(collections) > 0 {
		field := adminui.Field{Name: "collections", Label: "Only these collections", Kind: "checks",
			Checked: texts(d.Collections)}
		for _, c := range collections {
			field.Options = append(field.Options, adminui.Option{Value: web.ID(c.ID), Text: c.Title})
		}
		form.Fields = append(form.Fields, field)
	}

	if d.Restricted && len(d.Collections)+len(d.SKUs) == 0 {
		form.Fields = append(form.Fields, adminui.Field{Name: "everything", Label: "For everything", Kind: "check",
			Hint: "What the code was limited to is gone, so it takes nothing off."})
	}
	values := d.values()
	for i, f := range form.Fields {
		form.Fields[i].Value = values[f.Name]
	}
	return form, nil
}

// maxCode is the length of the longest code, in characters.
const maxCode = 100

// values are what the fields of a code's form hold.
func (d discount) values() map[string]string {
	v := map[string]string{"code": d.Code, "description": d.Description, "type": web.ID(d.TypeID),
		"amount": amountIn(d.Amount), "minimum": amountIn(d.OrderMinimum), "from": dayIn(d.Starts),
		"until": dayIn(d.Ends), "uses": countIn(d.MaxUses), "per-person": countIn(d.MaxPerPerson),
		"skus": strings.Join(texts(d.SKUs), ", ")}
	if d.Combinable {
		v["combinable"] = "on"
	}
	return v
}

func dayIn(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

func countIn(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

func texts(ids []int64) []string {
	list := make([]string, len(ids))
	for i, n := range ids {
		list[i] = web.ID(n)
	}
	return list
}

// readDiscount reads a form about a code, whose former terms are was, and says what is wrong with
// it. Within a transaction db is that transaction: a handler that holds a connection must not wait
// for another.
func readDiscount(ctx context.Context, db pg.DB, form adminui.PostedForm,
	was discount) (d discount, wrong adminui.FieldErrors, err error) {
	d, wrong = was, adminui.FieldErrors{}
	d.Code, d.Description = strings.TrimSpace(form.Get("code")), strings.TrimSpace(form.Get("description"))
	if n := utf8.RuneCountInString(d.Code); n == 0 || n > maxCode || strings.ContainsFunc(d.Code, oddInCode) {
		wrong["code"] = fmt.Sprintf("Enter 1 to %d characters, without spaces.", maxCode)
	}
	if utf8.RuneCountInString(d.Description) > 500 {
		wrong["description"] = "A description has at most 500 characters."
	}
	types, err := discountTypes(ctx, db)
	if err != nil {
		return d, nil, err
	}
	i := slices.IndexFunc(types, func(t discountType) bool { return web.ID(t.ID) == form.Get("type") })
	if i < 0 {
		wrong["type"] = "Choose a type."
		return d, wrong, nil
	}
	t := types[i]
	d.TypeID, d.TypeTitle, d.AppliesTo, d.Action = t.ID, t.Title, t.AppliesTo, t.Action
	d.readAmounts(form, wrong)
	d.readLimits(form, was, wrong)
	return d, wrong, d.readScope(ctx, db, form, wrong)
}

func oddInCode(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// readAmounts reads what a code takes off, and from which order total.
func (d *discount) readAmounts(form adminui.PostedForm, wrong adminui.FieldErrors) {
	var ok bool
	if d.Amount, ok = readAmount(form.Get("amount")); !ok {
		wrong["amount"] = "Enter an amount such as 12.50."
	}
	switch {
	case d.Action == actionShipping:
		d.Amount = 0
	case !ok:
	case d.Amount == 0:
		wrong["amount"] = "Please enter an amount."
	case d.Action == actionPercent && d.Amount > 100_00:
		wrong["amount"] = "At most 100 per cent."
	}
	if d.OrderMinimum, ok = readAmount(form.Get("minimum")); !ok {
		wrong["minimum"] = "Enter an amount such as 20.00."
	}
	if d.Combinable = form.Get("combinable") != ""; d.void() {
		wrong["combinable"] = "A combinable code on items takes nothing off: a cart takes one code on items, and " +
			"free shipping with any."
	}
}

// readAmount reads an amount that is not negative; empty is 0.
func readAmount(text string) (money.Cents, bool) {
	if text = strings.TrimSpace(text); text == "" {
		return 0, true
	}
	c, err := money.Parse(text)
	return c, err == nil && c >= 0
}

// readLimits reads when and how often a code can be used. If a day is the stored one it keeps its
// time of day.
func (d *discount) readLimits(form adminui.PostedForm, was discount, wrong adminui.FieldErrors) {
	var ok bool
	if d.MaxUses, ok = readCount(form.Get("uses")); !ok {
		wrong["uses"] = wrongCount
	}
	if d.MaxPerPerson, ok = readCount(form.Get("per-person")); !ok {
		wrong["per-person"] = wrongCount
	}
	if d.Starts, ok = readDayOf(form.Get("from"), was.Starts, 0); !ok {
		wrong["from"] = "Enter a day such as 2026-11-28."
	} else if d.Starts.IsZero() {
		d.Starts = time.Now().UTC().Truncate(time.Second)
	}
	const lastMoment = 24*time.Hour - time.Microsecond // PostgreSQL counts microseconds
	if d.Ends, ok = readDayOf(form.Get("until"), was.Ends, lastMoment); !ok {
		wrong["until"] = "Enter a day such as 2026-12-24."
	}
	if !d.Ends.IsZero() && d.Ends.Before(d.Starts) && wrong["until"] == "" {
		wrong["until"] = "The code would end before it begins."
	} else if was.ID == 0 && !d.Ends.IsZero() && d.Ends.Before(time.Now()) && wrong["until"] == "" {
		wrong["until"] = "This day has passed: no one could use the code."
	}
}

// wrongCount is the message for input that readCount refuses.
const wrongCount = "Enter a whole number from 1 up, or leave it empty."

// readCount reads a limit; empty is no limit. 0 is refused: it would make a code that no one can
// use.
func readCount(text string) (*int, bool) {
	if text = strings.TrimSpace(text); text == "" {
		return nil, true
	}
	n, ok := web.Number(text, 1_000_000_000)
	count := int(n)
	return &count, ok && count > 0
}

// readDayOf reads a day as a time within it; the stored time if the day is the same.
func readDayOf(text string, was time.Time, within time.Duration) (time.Time, bool) {
	if text = strings.TrimSpace(text); text == "" {
		return time.Time{}, true
	}
	if text == dayIn(was) {
		return was, true
	}
	day, err := time.Parse(time.DateOnly, text)
	return day.Add(within), err == nil && day.Year() >= 2000 && day.Year() < 9999
}

// maxScope is how many SKUs and how many collections a code can be for.
const maxScope = 500

// readScope reads what a code is for. An empty choice means everything, unless the code had a scope
// of which nothing exists any longer: staff did not change that, so it stays.
func (d *discount) readScope(ctx context.Context, db pg.DB, form adminui.PostedForm, wrong adminui.FieldErrors) error {
	had := len(d.Collections) + len(d.SKUs)
	d.Collections, d.SKUs = nil, nil
	for _, text := range form.Values.Values["collections"] {
		if n, ok := rowID(text); ok {
			d.Collections = append(d.Collections, n)
		} else {
			wrong["collections"] = "There is no such collection."
		}
	}

	between := func(r rune) bool { return r == ',' || unicode.IsSpace(r) }
	for _, text := range strings.FieldsFunc(form.Get("skus"), between) {
		n, ok := rowID(text)
		if !ok {
			wrong["skus"] = pg.Clip(text, 40) + " is not the number of a SKU."
			return nil
		}
		d.SKUs = append(d.SKUs, n)
	}

	slices.Sort(d.Collections)
	slices.Sort(d.SKUs)
	d.Collections, d.SKUs = slices.Compact(d.Collections), slices.Compact(d.SKUs)
	if len(d.SKUs) > maxScope || len(d.Collections) > maxScope {
		wrong["skus"] = fmt.Sprintf("At most %d; make a collection of them instead.", maxScope)
		return nil
	}

	unknown, err := findUnknown(ctx, db, d.Collections, d.SKUs)
	if len(unknown.Collections) > 0 {
		wrong["collections"] = "This collection no longer exists."
	}
	if len(unknown.SKUs) > 0 {
		wrong["skus"] = "There is no SKU " + strings.Join(texts(unknown.SKUs), ", ") + "."
	}
	d.Restricted = len(d.Collections)+len(d.SKUs) > 0 || d.Restricted && had == 0 && form.Get("everything") == ""
	return err
}

// staffNewDiscount shows the form for a new code.
func (s *server) staffNewDiscount(r *http.Request) (adminui.Answer, error) {
	form, err := s.newDiscountForm(r)
	return newDiscountPage(form, http.StatusOK, nil), err
}

func (s *server) newDiscountForm(r *http.Request) (adminui.Form, error) {
	form, err := s.discountForm(r, discount{TypeID: 1, Starts: time.Now().UTC()})
	form.Action, form.Cancel, form.Submit = "/discounts", "/discounts", "Make the code"
	return form, err
}

func newDiscountPage(form adminui.Form, status int, errs adminui.FieldErrors) adminui.Page {
	return adminui.Page{Title: "New code", Template: "form.html", Data: formPage{Form: form, Errors: errs},
		Status: status, Narrow: true}
}

// staffCreateDiscount makes a new code.
func (s *server) staffCreateDiscount(r *http.Request) (adminui.Answer, error) {
	sent, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	d, wrong, err := readDiscount(r.Context(), s.pool, sent, discount{})
	if err == nil && len(wrong) == 0 {
		err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
			d.ID, err = insertDiscounts(r.Context(), tx, d, []string{d.Code}, adminui.Who(r).Name)
			if err != nil {
				return err
			}
			return adminui.Record(r, tx, adminui.Act{Action: adminui.DiscountsEdit, Kind: "discount", Key: web.ID(d.ID),
				Text: "Made code " + d.Code, After: d})
		})
	}

	wrong, err = wrong.OnConflict(err, "code", "This code already exists.")
	if err != nil {
		return nil, err
	}
	if len(wrong) > 0 {
		form, err := s.newDiscountForm(r)
		return newDiscountPage(form.WithInput(sent).WithErrors(wrong), http.StatusUnprocessableEntity, wrong), err
	}
	return adminui.Done{To: "/discounts/" + web.ID(d.ID), Text: "Made " + d.Code + "."}, nil
}

// staffUpdateDiscount changes a code. Carts follow the change at once, existing quotes stay as they
// are.
func (s *server) staffUpdateDiscount(r *http.Request) (adminui.Answer, error) {
	sent, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	number, err := adminui.ParamID(r, "id")
	if err != nil {
		return nil, err
	}

	wrong := adminui.FieldErrors{}
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		was, err := web.OrNotFound(findDiscount(r.Context(), tx, number, "FOR UPDATE OF d"))
		switch {
		case err != nil:
			return err
		case int64(was.Version) != sent.Version:
			return adminui.ErrStale
		}
		var d discount
		if d, wrong, err = readDiscount(r.Context(), tx, sent, was); err != nil || len(wrong) > 0 {
			return err
		}
		if err := updateDiscount(r.Context(), tx, d, adminui.Who(r).Name); err != nil {
			return err
		}
		return adminui.Record(r, tx, adminui.Act{Action: adminui.DiscountsEdit, Kind: "discount", Key: web.ID(d.ID),
			Text: "Changed code " + d.Code, Before: was, After: d})
	})

	wrong, err = wrong.OnConflict(err, "code", "This code already exists.")
	if err == nil && len(wrong) == 0 {
		return adminui.Done{To: "/discounts/" + web.ID(number), Text: "Saved."}, nil
	}
	p, perr := s.readDiscountPage(r)
	if perr != nil {
		return nil, perr
	}

	now := p.Discount
	var status int
	p.Form, p.Errors, status, err = refusedForm(p.Form, sent, wrong, err,
		rowNow{int64(now.Version), now.ChangedBy, now.ChangedAt, now.values()})
	return p.answer(status), err
}
