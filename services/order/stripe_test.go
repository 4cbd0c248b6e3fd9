package order

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Stripe is asked about sessions that belong to a checkout of ours, and about no others.
func TestUnknownSessionsMakeNoStripeCalls(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path != "/v1/checkout/sessions/cs_test_known" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		if _, err := w.Write([]byte(`{"id":"cs_test_known","object":"checkout.session","status":"open",` +
			`"payment_status":"unpaid"}`)); err != nil {
			t.Error(err)
		}
	}))

	t.Cleanup(server.Close)
	e.server.stripe = newStripe(testenv.Log(t), Config{Public: boot.Public{PublicURL: "https://shop.test"}, StripeAPIBase: server.URL,
		StripeSecretKey: "sk_test_123"}, nil)
	p := e.visitor()
	success := func(session string) testenv.Answer {
		return p.Get("/order/checkout-session-success?session_id=" + session)
	}
	for range 20 {
		success("cs_test_unknown").Want("invalid-session", "errors", "error")
	}

	// A session that came by the webhook or Stripe's list, paid and not made by us, has an entry
	// for staff.
	e.Exec(`INSERT INTO payment_issue (reason, explanation, session_id, payload) VALUES ('no-quote', 'x', 'cs_test_foreign', '{}')`)
	success("cs_test_foreign").Want("cart-not-found", "errors", "error")
	if asked.Load() != 0 {
		t.Errorf("Stripe was asked %d times about sessions that no checkout knows", asked.Load())
	}

	p.add("6", "1")
	c := p.quoted("pat@mail.example.com")
	e.Exec(`UPDATE checkout SET session_id = 'cs_test_known' WHERE id = $1`, c.ID)
	success("cs_test_known").Want("payment-not-completed", "errors", "error")
	if asked.Load() != 1 {
		t.Errorf("Stripe was asked %d times about ours", asked.Load())
	}
}

// The limit of calls is 80 at Stripe and none elsewhere, unless it is set.
func TestDefaultStripeRate(t *testing.T) {
	t.Parallel()
	none, some := 0, 40
	for _, c := range []struct {
		name string
		base string
		set  *int
		want int
	}{
		{name: "Stripe", base: "https://api.stripe.com", want: 80},
		{name: "Stripe with a slash", base: "https://api.stripe.com/", want: 80},
		{name: "stand-in", base: "http://127.0.0.1:8090", want: 0},
		{name: "Stripe without a limit", base: "https://api.stripe.com", set: &none, want: 0},
		{name: "Stripe with a limit", base: "https://api.stripe.com", set: &some, want: 40},
		{name: "stand-in with a limit", base: "http://127.0.0.1:8090", set: &some, want: 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (Config{StripeAPIBase: c.base, StripeRate: c.set}).stripeRate(); got != c.want {
				t.Errorf("%d calls a second, want %d", got, c.want)
			}
		})
	}
}
