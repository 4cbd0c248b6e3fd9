package order

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/random"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// shippingShown is a method as staff see it.
type shippingShown struct {
	ID         int64        `json:"id"`
	Identifier string       `json:"identifier"`
	Carrier    string       `json:"carrier"`
	Cost       money.Cents  `json:"price"`
	PriceBy    string       `json:"price_by"`
	Steps      []stepShown  `json:"steps"`
	FreeAbove  *money.Cents `json:"free_from"`
	Tracking   string       `json:"tracking_code_base_url"`
	Active     bool         `json:"active"`
	Version    int64        `json:"version"`
	ChangedAt  time.Time    `json:"changed_at"`
	ChangedBy  string       `json:"changed_by"`
}

// stepShown is the price from a weight in grams, or from an amount, upwards.
type stepShown struct {
	From  string      `json:"from"` // grams, or an amount
	Price money.Cents `json:"price"`
}

func (m shippingSet) shown() shippingShown {
	out := shippingShown{ID: m.ID, Identifier: m.Identifier, Carrier: m.Carrier, Cost: m.Cost, PriceBy: m.PriceBy,
		FreeAbove: m.FreeAbove, Tracking: m.TrackingBaseURL, Active: m.Active, Version: m.Version,
		ChangedAt: m.ChangedAt, ChangedBy: m.ChangedBy, Steps: []stepShown{}}
	for _, s := range m.Steps {
		from := strconv.FormatInt(s.From, 10)
		if m.PriceBy == priceTotal {
			from = money.Cents(s.From).String()
		}
		out.Steps = append(out.Steps, stepShown{from, s.Cents})
	}
	return out
}

// prices describes what a method costs.
func (m shippingShown) prices() string {
	text := m.Cost.String()
	if n := len(m.Steps); n > 0 && m.PriceBy != priceFlat {
		text += " to " + m.Steps[n-1].Price.String() + " by " + m.PriceBy
	}
	if m.FreeAbove != nil {
		text += ", free from " + m.FreeAbove.String()
	}
	return text
}

var shippingColumns = []adminui.Column[shippingShown]{
	{Title: "Method", Value: func(m shippingShown) any {
		return adminui.Link{Text: m.Carrier, To: "/settings/shipping/" + web.ID(m.ID)}
	}},
	{Title: "Price", Value: func(m shippingShown) any { return m.prices() }},
	{Title: "Offered", Value: func(m shippingShown) any {
		if m.Active {
			return adminui.Badge{Text: "Offered", Tone: "good"}
		}
		return adminui.Badge{Text: "Not offered"}
	}},
	{Title: "Identifier", Minor: true, Value: func(m shippingShown) any { return m.Identifier }},
}

func (s *server) staffShipping(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	list, err := shippingSets(r.Context(), s.pool)
	if err != nil {
		return nil, err
	}
	shown := make([]shippingShown, len(list))
	for i, m := range list {
		shown[i] = m.shown()
	}
	listing.Rows = max(len(shown), 1) // a shop has only a few
	key := func(m shippingShown) any { return m.ID }
	table := adminui.NewTable(listing, "shipping-methods", shippingColumns, shown, key)
	table.Empty = "No shipping methods yet, so nothing can be sold."
	return adminui.Page{Title: "Shipping methods", Template: "shipping.html", Data: struct {
		Methods []shippingShown `json:"methods"`
	}{shown}, Table: table}, nil
}

// shippingForm is the form for a shipping method.
func shippingForm(m shippingShown) adminui.Form {
	form := adminui.Form{Cancel: "/settings/shipping", Fields: []adminui.Field{
		{Name: "carrier", Label: "Name", Kind: "text", Required: true, MaxLength: 100, Hint: "As shoppers see it."},
		{Name: "cost", Label: "Price", Kind: "money", Required: true,
			Hint: "For every order, or for those below the first step."},
		{Name: "price_by", Label: "The price depends on", Kind: "choice", Options: []adminui.Option{
			{Value: priceFlat, Text: "Nothing: it is always the same"},
			{Value: priceWeight, Text: "The weight of the items"},
			{Value: priceTotal, Text: "The sum of the items"}}},
		{Name: "steps", Label: "Steps", Kind: "multiline",
			Hint: "One line per step: the grams or order value it starts at, and the price. 2000 14.50 means 14.50 " +
				"from two kilos."},
		{Name: "free_from", Label: "Free from", Kind: "money",
			Hint: "Value of the items before discounts. Never if empty."},
		{Name: "tracking", Label: "Address of tracking pages", Kind: "text", MaxLength: 200,
			Hint: "The tracking number is added at the end."},
		{Name: "active", Label: "Offered to shoppers", Kind: "check"},
	}}

	values := m.values()
	for i, f := range form.Fields {
		form.Fields[i].Value = values[f.Name]
	}
	if m.ID == 0 {
		form.Action, form.Submit = "/settings/shipping", "Make the method"
		form.Fields = append([]adminui.Field{{Name: "identifier", Label: "Identifier", Kind: "text", Required: true,
			MaxLength: 100,
			Hint: "Letters and digits, for programs. It is permanent. Codes for free shipping cover " + groundShipping +
				" alone."}},
			form.Fields...)
		return form
	}
	form.Action, form.Version = "/settings/shipping/"+web.ID(m.ID), m.Version
	return form
}

// values are the values of the fields of a method's form.
func (m shippingShown) values() map[string]string {
	v := map[string]string{"carrier": m.Carrier, "cost": m.Cost.String(), "price_by": m.PriceBy, "tracking": m.Tracking}
	var steps []string
	for _, s := range m.Steps {
		steps = append(steps, s.From+" "+s.Price.String())
	}
	v["steps"] = strings.Join(steps, "\n")
	if m.FreeAbove != nil {
		v["free_from"] = m.FreeAbove.String()
	}
	if m.Active {
		v["active"] = settingOn
	}
	return v
}

// readShipping reads a form about a method.
func readShipping(form adminui.PostedForm, m shippingSet) (shippingSet, adminui.FieldErrors) {
	wrong := adminui.FieldErrors{}
	m.Carrier, m.TrackingBaseURL = strings.TrimSpace(form.Get("carrier")), strings.TrimSpace(form.Get("tracking"))
	m.Active, m.PriceBy = form.Get("active") != "", form.Get("price_by")
	if n := utf8.RuneCountInString(m.Carrier); n == 0 || n > 100 {
		wrong["carrier"] = "Enter 1 to 100 characters."
	}
	if u, err := url.Parse(m.TrackingBaseURL); m.TrackingBaseURL != "" && (err != nil || u.Host == "" ||
		u.Scheme != "https" && u.Scheme != "http" || utf8.RuneCountInString(m.TrackingBaseURL) > 200) {
		wrong["tracking"] = "An address that begins with https://, of 200 characters at most."
	}

	var ok bool
	cost := strings.TrimSpace(form.Get("cost"))
	if m.Cost, ok = readAmount(cost); !ok || cost == "" || m.Cost > stripe.MaxTotal {
		wrong["cost"] = "Enter an amount such as 9.50."
	}
	m.FreeAbove = nil
	if text := strings.TrimSpace(form.Get("free_from")); text != "" {
		free, ok := readAmount(text)
		if m.FreeAbove = &free; !ok {
			wrong["free_from"] = "Enter an amount such as 50.00."
		}
	}

	switch m.PriceBy {
	case priceFlat:
		m.Steps = []shippingStep{}
	case priceWeight, priceTotal:
		if m.Steps, ok = readSteps(form.Get("steps"), m.PriceBy); !ok {
			wrong["steps"] = fmt.Sprintf("Enter 1 to %d lines such as 2000 14.50, the smallest first.", maxSteps)
		}
	default:
		wrong["price_by"] = "Choose one of these."
	}
	return m, wrong
}

// maxSteps is how many steps the price of a method has.
const maxSteps = 50

// readSteps reads the steps of a price.
func readSteps(text, by string) (steps []shippingStep, ok bool) {
	for line := range strings.SplitSeq(text, "\n") {
		words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r,;:=", r) })
		if len(words) == 0 {
			continue
		}
		if len(words) != 2 {
			return nil, false
		}

		var from int64
		var known bool
		if by == priceTotal {
			var sum money.Cents
			sum, known = readAmount(words[0])
			from = int64(sum)
		} else {
			from, known = web.Number(words[0], 1_000_000_000)
		}

		price, isPrice := readAmount(words[1])
		rises := len(steps) == 0 || from > steps[len(steps)-1].From
		if !known || !isPrice || price > stripe.MaxTotal || from < 1 || !rises {
			return nil, false
		}
		steps = append(steps, shippingStep{from, price})
	}
	return steps, len(steps) > 0 && len(steps) <= maxSteps
}

func shippingPage(m shippingShown, form adminui.Form, status int, errs adminui.FieldErrors) adminui.Page {
	title := "New shipping method"
	if m.ID != 0 {
		title = m.Carrier
	}
	return adminui.Page{Title: title, Template: "form.html", Data: struct {
		Method *shippingShown `json:"method,omitempty"`
		formPage
	}{&m, formPage{Form: form, Errors: errs, Edit: adminui.SettingsEdit}}, Status: status, Narrow: true}
}

func (s *server) staffNewShipping(*http.Request) (adminui.Answer, error) {
	m := shippingShown{PriceBy: priceFlat, Active: true, Steps: []stepShown{}}
	return shippingPage(m, shippingForm(m), http.StatusOK, nil), nil
}

func (s *server) staffCreateShipping(r *http.Request) (adminui.Answer, error) {
	sent, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	m, wrong := readShipping(sent, shippingSet{})
	m.Identifier = strings.TrimSpace(sent.Get("identifier"))
	if m.Identifier == "" || len(m.Identifier) > 100 || strings.Trim(m.Identifier, random.Letters) != "" {
		wrong["identifier"] = "Enter 1 to 100 letters and digits."
	}

	if len(wrong) == 0 {
		err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
			if m.ID, err = insertShipping(r.Context(), tx, m, adminui.Who(r).Name); err != nil {
				return err
			}
			return adminui.Record(r, tx, adminui.Act{Action: adminui.SettingsEdit, Kind: "shipping-method",
				Key: m.Identifier, Text: "Made shipping method " + m.Carrier, After: m.shown()})
		})
	}

	wrong, err = wrong.OnConflict(err, "identifier", "This method already exists.")
	if err != nil {
		return nil, err
	}
	if len(wrong) > 0 {
		form := shippingForm(shippingShown{}).WithInput(sent).WithErrors(wrong)
		return shippingPage(shippingShown{}, form, http.StatusUnprocessableEntity, wrong), nil
	}
	return adminui.Done{To: "/settings/shipping", Text: "Made " + m.Carrier + "."}, nil
}

func (s *server) shippingFromPath(r *http.Request) (shippingSet, error) {
	number, err := adminui.ParamID(r, "id")
	if err != nil {
		return shippingSet{}, err
	}
	return web.OrNotFound(findShippingSet(r.Context(), s.pool, number))
}

func (s *server) staffShippingMethod(r *http.Request) (adminui.Answer, error) {
	m, err := s.shippingFromPath(r)
	if err != nil {
		return nil, err
	}
	return shippingPage(m.shown(), shippingForm(m.shown()), http.StatusOK, nil), nil
}

func (s *server) staffUpdateShipping(r *http.Request) (adminui.Answer, error) {
	sent, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	was, err := s.shippingFromPath(r)
	if err != nil {
		return nil, err
	}
	if err := sent.CheckVersion(1, was.shown().Version); err != nil {
		return nil, err
	}

	m, wrong := readShipping(sent, was)
	if len(wrong) == 0 {
		err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
			changed, err := updateShipping(r.Context(), tx, m, sent.Version, adminui.Who(r).Name)
			switch {
			case err != nil:
				return err
			case !changed:
				return adminui.ErrStale
			}
			return adminui.Record(r, tx, adminui.Act{Action: adminui.SettingsEdit, Kind: "shipping-method",
				Key: m.Identifier, Text: "Changed shipping method " + m.Carrier, Before: was.shown(), After: m.shown()})
		})
		if err == nil {
			return adminui.Done{To: "/settings/shipping", Text: "Saved. Carts use it from now on."}, nil
		}
	}

	m, perr := s.shippingFromPath(r)
	if perr != nil {
		return nil, perr
	}
	now := m.shown()
	form, errs, status, err := refusedForm(shippingForm(now), sent, wrong, err,
		rowNow{now.Version, now.ChangedBy, now.ChangedAt, now.values()})
	return shippingPage(now, form, status, errs), err
}
