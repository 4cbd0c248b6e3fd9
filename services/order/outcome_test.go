package order

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// outcome asks, and returns what the answer tells edge's limits.
func (p *shopper) outcome(method, path string, pairs ...string) web.Outcome {
	p.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequestWithContext(p.t.Context(), method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := web.SignIdentity(r, p.key, p.Identity); err != nil {
		p.t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	p.service.routes().ServeHTTP(rec, r)
	if rec.Code != http.StatusOK {
		p.t.Errorf("%s %s answered %d %s", method, path, rec.Code, rec.Body)
	}
	return web.Outcome(rec.Header().Get(web.OutcomeHeader))
}

// Every answer that edge's limits count tells its outcome. Those for which Stripe is asked are in
// stripe's own tests.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.visitor()
	p.add("1", "1")
	known := s.visitor()
	known.AddressOfMember = true
	for _, c := range []struct {
		what string
		got  web.Outcome
		want web.Outcome
	}{
		{"an unknown order", p.outcome("GET", "/order/abc123"), web.OutcomeWrong},
		{"a cart", p.outcome("GET", "/order/cart-items"), web.OutcomeNothing},
		{"an unknown code", p.outcome("POST", "/order/cart-apply-discount-code", "discount_code_id", "GUESS"), web.OutcomeWrong},
		{"a code without a cart", s.visitor().outcome("POST", "/order/cart-apply-discount-code", "discount_code_id", "GUESS"), web.OutcomeNothing},
		{"a member's address", known.outcome("POST", "/order/anonymous-email-address-payment-lookup", "anonymous_email_address", "ann@mail.example.com"), web.OutcomeReveals},
		{"no address", p.outcome("POST", "/order/anonymous-email-address-payment-lookup"), web.OutcomeNothing},
		{"an empty cart's payment", s.visitor().outcome("POST", "/order/create-checkout-session"), web.OutcomeNothing},
		{"no session", p.outcome("GET", "/order/checkout-session-success"), web.OutcomeNothing},
		{"an odd session", p.outcome("GET", "/order/checkout-session-success?session_id=a-b"), web.OutcomeWrong},
	} {
		if c.got != c.want {
			t.Errorf("%s tells %q, want %q", c.what, c.got, c.want)
		}
	}
}
