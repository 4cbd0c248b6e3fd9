package order

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// outcome sends a request, and returns what the answer reports to edge's limits.
func (p *shopper) outcome(method, path string, pairs ...string) web.Outcome {
	p.t.Helper()
	return web.Outcome(p.Client.Ask(method, path, pairs...).OK().Header.Get(web.OutcomeHeader))
}

// Every answer that edge's limits count reports its outcome. Answers that need Stripe are in
// stripe's own tests.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("1", "1")
	known := e.visitor()
	known.AddressOfMember = true
	for _, c := range []struct {
		name      string
		got, want web.Outcome
	}{
		{"an unknown order", p.outcome("GET", "/order/abc123"), web.OutcomeWrong},
		{"a cart", p.outcome("GET", "/order/cart-items"), web.OutcomeNothing},
		{"an unknown code", p.outcome("POST", "/order/cart-apply-discount-code", "discount_code_id", "GUESS"), web.OutcomeWrong},
		{"a code without a cart", e.visitor().outcome("POST", "/order/cart-apply-discount-code", "discount_code_id", "GUESS"),
			web.OutcomeNothing},
		{"a member's address", known.outcome("POST", "/order/anonymous-email-address-payment-lookup", "anonymous_email_address",
			"ann@mail.example.com"), web.OutcomeReveals},
		{"no address", p.outcome("POST", "/order/anonymous-email-address-payment-lookup"), web.OutcomeNothing},
		{"an empty cart's payment", e.visitor().outcome("POST", "/order/create-checkout-session"), web.OutcomeNothing},
		{"no session", p.outcome("GET", "/order/checkout-session-success"), web.OutcomeNothing},
		{"an odd session", p.outcome("GET", "/order/checkout-session-success?session_id=a-b"), web.OutcomeWrong},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("outcome %q, want %q", c.got, c.want)
			}
		})
	}
}
