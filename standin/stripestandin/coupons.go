package stripestandin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// coupon is Stripe's coupon.
type coupon struct {
	ID               string            `json:"id"`
	Object           string            `json:"object"`
	AmountOff        *int64            `json:"amount_off"`
	Created          int64             `json:"created"`
	Currency         text              `json:"currency"`
	Duration         string            `json:"duration"`
	DurationInMonths *int64            `json:"duration_in_months"`
	Livemode         bool              `json:"livemode"`
	MaxRedemptions   *int64            `json:"max_redemptions"`
	Metadata         map[string]string `json:"metadata"`
	Name             text              `json:"name"`
	PercentOff       *percent          `json:"percent_off"`
	RedeemBy         *int64            `json:"redeem_by"`
	TimesRedeemed    int64             `json:"times_redeemed"`
	Valid            bool              `json:"valid"`
	Deleted          bool              `json:"deleted,omitempty"`
}

// percent is a percentage in hundredths of a percent, 12.5 % = 1250.
type percent int64

// MarshalJSON writes the percentage as a decimal number.
func (p percent) MarshalJSON() ([]byte, error) {
	whole, part := p/100, p%100
	if part == 0 {
		return []byte(strconv.FormatInt(int64(whole), 10)), nil
	}
	return []byte(strings.TrimRight(fmt.Sprintf("%d.%02d", whole, part), "0")), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *percent) UnmarshalJSON(b []byte) error {
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	v, ok := parsePercent(n.String())
	if !ok {
		return fmt.Errorf("percentage %q", n)
	}
	*p = v
	return nil
}

// parsePercent reads a decimal above 0 and up to 100 with at most two places.
func parsePercent(s string) (percent, bool) {
	whole, part, _ := strings.Cut(s, ".")
	part = strings.TrimRight(part, "0") // stripe-go writes 12.5000
	if len(part) > 2 || len(whole) > 3 {
		return 0, false
	}
	n, err := strconv.ParseUint(whole+part+"00"[len(part):], 10, 32)
	if err != nil || n == 0 || n > 10000 {
		return 0, false
	}
	return percent(n), true
}

// off returns the discount on a subtotal, which is never more than the subtotal.
func (c *coupon) off(subtotal int64) int64 {
	if c.AmountOff != nil {
		return min(*c.AmountOff, subtotal)
	}
	return share(subtotal, int64(*c.PercentOff), 10000)
}

// usable reports whether the coupon can be used at the given time (seconds).
func (c *coupon) usable(now int64) bool {
	return !c.Deleted && (c.RedeemBy == nil || *c.RedeemBy > now) &&
		(c.MaxRedemptions == nil || *c.MaxRedemptions > c.TimesRedeemed)
}

// POST /v1/coupons
func createCoupon(t *tx, _ *http.Request, p reader) (any, error) {
	c := &coupon{
		Object:   "coupon",
		Created:  t.now.Unix(),
		Valid:    true,
		ID:       p.str("id", 200),
		Name:     text(p.str("name", 40)),
		Duration: p.enum("duration", "forever", "once", "repeating"),
		Metadata: p.metadata("metadata"),
	}

	p.readAmountOff(c)
	c.DurationInMonths = p.optional("duration_in_months", 1, 120)
	c.MaxRedemptions = p.optional("max_redemptions", 1, 1_000_000_000)
	c.RedeemBy = p.optional("redeem_by", 0, 1<<40)
	p.list("expand", 20) // a coupon has nothing to expand, but the parameter is allowed
	p.unsupported("applies_to", "currency_options")
	if c.Duration == "" {
		c.Duration = "once"
	}

	switch {
	case c.Duration == "repeating" && c.DurationInMonths == nil:
		p.fail(missing("duration_in_months"))
	case c.Duration != "repeating" && c.DurationInMonths != nil:
		p.fail(refuse("", "duration_in_months", "You cannot set duration_in_months if duration is %s.", c.Duration))
	case c.RedeemBy != nil && *c.RedeemBy <= c.Created:
		p.fail(refuse("", "redeem_by", "The redeem_by timestamp must be in the future."))
	case strings.ContainsAny(c.ID, "/?#"):
		p.fail(refuse("", "id", "Invalid id: it may not contain /, ? or #."))
	}

	if err := p.done(); err != nil {
		return nil, err
	}
	if c.ID == "" {
		c.ID = newID("", 8)
	}
	if old, ok := t.coupons.get(c.ID); ok && !old.Deleted {
		return nil, refuse("resource_already_exists", "id", "Coupon already exists.")
	}
	put(t, kindCoupon, &t.coupons, c.ID, c)
	return c, nil
}

// readAmountOff reads either amount_off with its currency or percent_off.
func (r reader) readAmountOff(c *coupon) {
	c.AmountOff = r.optional("amount_off", 1, maxAmount)
	c.Currency = text(strings.ToLower(r.str("currency", 3)))
	if v := r.str("percent_off", 10); v != "" {
		off, ok := parsePercent(v)
		if !ok {
			r.fail(refuse("", "percent_off", "Invalid percent_off: must be above 0 and at most 100, with two places."))
		}
		c.PercentOff = &off
	}
	switch _, known := currencies[string(c.Currency)]; {
	case c.AmountOff == nil && c.PercentOff == nil:
		r.fail(refuse("parameter_missing", "", "Must provide percent_off or amount_off."))
	case c.AmountOff != nil && c.PercentOff != nil:
		r.fail(refuse("", "", "Must provide either percent_off or amount_off, not both."))
	case c.AmountOff != nil && c.Currency == "":
		r.fail(missing("currency"))
	case c.AmountOff != nil && !known:
		r.fail(invalidCurrency("currency", string(c.Currency)))
	}
}

// optional is integer as a pointer, nil when the parameter is absent.
func (r reader) optional(name string, low, high int64) *int64 {
	if n, ok := r.integer(name, low, high); ok {
		return &n
	}
	return nil
}

func invalidCurrency(param, v string) *apiError {
	return refuse("", param, "Invalid currency: %s. The stand-in knows the common ones, such as usd, cad and eur.",
		shorten(v, 20))
}

// GET /v1/coupons/{id}
func retrieveCoupon(t *tx, r *http.Request, p reader) (any, error) {
	p.list("expand", 20)
	if err := p.done(); err != nil {
		return nil, err
	}
	c, ok := t.coupons.get(r.PathValue("id"))
	if !ok || c.Deleted {
		return nil, noSuch(http.StatusNotFound, "coupon", "coupon", r.PathValue("id"))
	}
	shown := *c
	shown.Valid = c.usable(t.now.Unix())
	return &shown, nil
}

// DELETE /v1/coupons/{id}
func deleteCoupon(t *tx, r *http.Request, p reader) (any, error) {
	if err := p.done(); err != nil {
		return nil, err
	}
	c, ok := t.coupons.get(r.PathValue("id"))
	if !ok || c.Deleted {
		return nil, noSuch(http.StatusNotFound, "coupon", "coupon", r.PathValue("id"))
	}
	gone := *c
	gone.Deleted, gone.Valid = true, false
	put(t, kindCoupon, &t.coupons, gone.ID, &gone)
	return map[string]any{"id": gone.ID, "object": "coupon", "deleted": true}, nil
}
