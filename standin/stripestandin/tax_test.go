package stripestandin

import (
	"testing"

	"github.com/stripe/stripe-go/v76"
)

// Automatic tax follows the address that was typed, applies to each line after its discount, and is
// equal in session, payment and event.
func TestAutomaticTax(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	off, err := e.sc.Coupons.New(&stripe.CouponParams{AmountOff: stripe.Int64(300), Currency: stripe.String("usd"),
		Duration: stripe.String("once")})
	if err != nil {
		t.Fatal(err)
	}
	s := e.session(func(p *stripe.CheckoutSessionParams) {
		p.AutomaticTax = &stripe.CheckoutSessionAutomaticTaxParams{Enabled: stripe.Bool(true)}
		p.Discounts = []*stripe.CheckoutSessionDiscountParams{{Coupon: stripe.String(off.ID)}}
	})
	if s.AmountTotal != 2700 || s.TotalDetails.AmountTax != 0 || s.AutomaticTax.Status != "requires_location_inputs" {
		t.Errorf("before an address is known: %d, tax %d, %s", s.AmountTotal, s.TotalDetails.AmountTax, s.AutomaticTax.Status)
	}

	e.post(s.URL, typed("shipping_state", "CA"))
	e.events(1, "checkout.session.completed")
	p := &stripe.CheckoutSessionParams{}
	p.AddExpand("line_items")
	p.AddExpand("payment_intent")
	paid, err := e.sc.CheckoutSessions.Get(s.ID, p)
	if err != nil {
		t.Fatal(err)
	}

	var tax int64
	for _, l := range paid.LineItems.Data {
		tax += l.AmountTax
		if want := (l.AmountSubtotal-l.AmountDiscount)*725 + 5000; l.AmountTax != want/10_000 {
			t.Errorf("line %s: tax %d", l.Description, l.AmountTax)
		}
	}

	if tax == 0 || paid.TotalDetails.AmountTax != tax || paid.AmountTotal != 2700+tax || paid.PaymentIntent.Amount != 2700+tax ||
		paid.AutomaticTax.Status != "complete" {
		t.Errorf("tax %d: %+v", tax, paid.TotalDetails)
	}
}
