package order

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// shippingMethod is a way to send an order, as clients see it.
type shippingMethod struct {
	ID              int64       `json:"-"`
	Identifier      string      `json:"identifier"`
	Carrier         string      `json:"carrier"`
	Cost            money.Cents `json:"shipping_cost" db:"shipping_cost_cents"`
	TrackingBaseURL string      `json:"tracking_code_base_url" db:"tracking_code_base_url"`

	// PriceBy, Steps and FreeAbove turn Cost into the price that a cart pays (price).
	PriceBy   string         `json:"-"`
	Steps     []shippingStep `json:"-"`
	FreeAbove *money.Cents   `json:"-" db:"free_above_cents"`

	listed *money.Cents // the original Cost, once charge has changed it
}

// What the price of a method can depend on.
const (
	priceFlat   = "flat"
	priceWeight = "weight"
	priceTotal  = "total"
)

// shippingStep is the price from a weight, or from a sum of items, upwards.
type shippingStep struct {
	From  int64       `json:"from"` // grams or cents
	Cents money.Cents `json:"-"`
}

// stepStored is a step as the table has it.
type stepStored struct {
	From  int64 `json:"from"`
	Cents int64 `json:"cents"`
}

// MarshalJSON implements json.Marshaler.
func (s shippingStep) MarshalJSON() ([]byte, error) {
	return json.Marshal(stepStored{s.From, int64(s.Cents)}) //nolint:wrapcheck // two numbers
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *shippingStep) UnmarshalJSON(raw []byte) error {
	var read stepStored
	if err := json.Unmarshal(raw, &read); err != nil {
		return fmt.Errorf("read a step of a shipping price: %w", err)
	}
	*s = shippingStep{read.From, money.Cents(read.Cents)}
	return nil
}

// price is what a method costs for lines: nothing from FreeAbove upwards, otherwise the price of
// the last step that their weight or sum reaches. Both are computed from the items before
// discounts, so that a code never makes shipping more expensive.
func (m *shippingMethod) price(lines []pricedLine) money.Cents {
	cost := m.Cost
	if m.listed != nil {
		cost = *m.listed
	}
	var subtotal money.Cents
	var grams int64
	for _, l := range lines {
		subtotal += l.Price.Times(l.Quantity)
		grams += int64(l.Grams) * int64(l.Quantity)
	}

	if m.FreeAbove != nil && subtotal >= *m.FreeAbove {
		return 0
	}
	var reached int64
	switch m.PriceBy {
	case priceWeight:
		reached = grams
	case priceTotal:
		reached = int64(subtotal)
	default:
		return cost
	}

	for _, s := range m.Steps {
		if reached >= s.From {
			cost = s.Cents
		}
	}
	return cost
}

// charge sets the price that is shown and frozen to the price for lines. It may be called again.
func (m *shippingMethod) charge(lines []pricedLine) {
	price := m.price(lines)
	if m.listed == nil {
		listed := m.Cost
		m.listed = &listed
	}
	m.Cost = price
}

// depends reports whether the price depends on what is in the cart.
func (m *shippingMethod) depends() bool { return m.PriceBy != priceFlat || m.FreeAbove != nil }

// chargeAll sets the prices of methods to those for a cart, the most expensive first.
func chargeAll(ctx context.Context, db pg.DB, cartID int64, list []shippingMethod) error {
	if !slices.ContainsFunc(list, func(m shippingMethod) bool { return m.depends() }) {
		return nil
	}
	lines, err := cartLines(ctx, db, cartID)
	if err != nil {
		return err
	}
	for i := range list {
		list[i].charge(priced(lines))
	}
	slices.SortStableFunc(list, func(a, b shippingMethod) int { return cmp.Compare(b.Cost, a.Cost) })
	return nil
}

// cartShippingMethods lists the active methods, the most expensive first, and gives a cart without
// a method the default one.
func (s *server) cartShippingMethods(w http.ResponseWriter, r *http.Request) error {
	c, list, err := findCartAndMethods(r.Context(), s.pool, web.Who(r))
	if err != nil {
		return err
	}

	methods, selected := web.Object{}, (*string)(nil)
	if c != nil {
		if err := withDefaultShipping(r.Context(), s.pool, c); err != nil {
			return err
		}
		if err := chargeAll(r.Context(), s.pool, c.ID, list); err != nil {
			return err
		}
		switch {
		case c.Shipping != nil:
			methods, selected = web.Numbered(0, list), &c.Shipping.Identifier
		case len(list) > 0:
			c = nil // it was deleted or paid in the meantime
		}
	}

	return answer(w, struct {
		CartFound bool       `json:"cart_found"`
		Methods   web.Object `json:"cart_shipping_methods"`
		Selected  *string    `json:"shipping_method_selected"`
		versioned
	}{CartFound: c != nil, Methods: methods, Selected: selected})
}

func (s *server) cartUpdateShippingMethod(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "cart_update_shipping_method"
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}

	identifier, sent := form.Lookup("shipping_method_identifier")
	var c *cart
	var lines []line
	if sent {
		c, lines, err = chooseShipping(r.Context(), s.pool, web.Who(r), identifier)
	} else {
		c, err = findCart(r.Context(), s.pool, web.Who(r))
	}
	switch {
	case err != nil:
		return err
	case c == nil:
		return refuse(w, endpoint, codeCartNotFound)
	case !sent:
		return refuse(w, endpoint, codeShippingIDRequired)
	case c.Shipping == nil:
		return refuse(w, endpoint, codeShippingNotSet, web.Field{Key: "shipping_method_identifier", Value: identifier})
	}

	contents, err := withCodes(r.Context(), s.pool, c, lines)
	if err != nil {
		return err
	}
	after := contents.changeAnswer(c)
	return answer(w, struct {
		Outcome    web.Success `json:"cart_update_shipping_method"`
		CartFound  bool        `json:"cart_found"`
		Identifier string      `json:"shipping_method_identifier"`
		cartChangeAnswer
	}{CartFound: true, Identifier: identifier, cartChangeAnswer: after})
}
