package stripestandin

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// outcome returns the outcome that the page's header names, or the status if it is not 200.
func outcome(resp testenv.Answer) string {
	if resp.Status != http.StatusOK {
		return fmt.Sprint(resp.Status)
	}
	return resp.Header.Get("Standin-Outcome")
}

func TestPageShowsTheOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	fixed := e.session(func(p *stripe.CheckoutSessionParams) {
		p.CustomerEmail = stripe.String("member@example.com")
		p.LineItems[0].PriceData.ProductData.Name = stripe.String(`<script>alert("x")</script>`)
	})
	resp := e.get(fixed.URL)
	if resp.Status != 200 || strings.Contains(resp.Body, "<script") {
		t.Errorf("status %d, or a script in the page", resp.Status)
	}

	for _, want := range []string{"member@example.com", "blue - large", "2 × $12.50", "$25.00", "$30.00", "http://shop.example/mug.jpg",
		"Canada", e.shop.URL + "/checkout/confirm", `id="pay"`, `name="viewport"`} {
		if !strings.Contains(html.UnescapeString(resp.Body), want) {
			t.Errorf("the page lacks %q", want)
		}
	}

	if strings.Contains(resp.Body, `name="email"`) {
		t.Error("an e-mail field although the address is given")
	}
	for _, path := range []string{"/assets/page.css", "/assets/icon.svg", "/favicon.ico", "/", "/healthz"} {
		if resp := e.get(e.URL() + path); resp.Status != 200 {
			t.Errorf("%s: %d", path, resp.Status)
		}
	}

	if resp := e.get(e.URL() + "/c/pay/cs_test_none"); resp.Status != 404 {
		t.Errorf("unknown session: %d", resp.Status)
	}
	if resp := e.get(e.URL() + "/assets/../doc.go"); resp.Status == 200 {
		t.Error("files outside the assets are served")
	}
}

func TestPageRefusesInput(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	s := e.session()
	for _, c := range []struct{ name, field, value, also string }{
		{name: "no email", field: "email"},
		{name: "odd email", field: "email", value: "ann@"},
		{name: "no phone", field: "phone"},
		{name: "odd phone", field: "phone", value: "call me"},
		{name: "no name", field: "shipping_name"},
		{name: "no street", field: "shipping_line1"},
		{name: "no city", field: "shipping_city"},
		{name: "no state", field: "shipping_state"},
		{name: "odd zip", field: "shipping_postal_code", value: "8020"},
		{name: "country not allowed", field: "shipping_country", value: "DE"},
		{name: "odd method", field: "method", value: "gold"},
		{name: "odd number", field: "card_number", value: "4242 4242 4242 4241"},
		{name: "letters for a number", field: "card_number", value: "forty two"},
		{name: "past", field: "card_expiry", value: "01/20"},
		{name: "odd expiry", field: "card_expiry", value: "13/40"},
		{name: "no cvc", field: "card_cvc"},
		{name: "odd cvc", field: "card_cvc", value: "12"},
		{name: "own billing, but none", field: "billing_name", also: "billing_same"},
		{name: "too long", field: "shipping_line1", value: strings.Repeat("x", 301)},
		{name: "odd bytes", field: "shipping_line1", value: "a\xffb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp := e.post(s.URL, typed(c.field, c.value, c.also, ""))
			if outcome(resp) != "invalid" || !strings.Contains(resp.Body, `id="`+c.field+`_error"`) && c.field != "method" {
				t.Errorf("status %d, or no message at the field", resp.Status)
			}
			if c.field != "shipping_name" && !strings.Contains(resp.Body, `value="Ann Buyer"`) {
				t.Error("what was typed is gone")
			}
		})
	}

	for number, message := range map[string]string{"4000000000000002": "declined", "4000 0000 0000 9995": "insufficient funds",
		"4000000000000069": "expired", "4111111111111111": "not one of the test cards"} {
		resp := e.post(s.URL, typed("card_number", number))
		if outcome(resp) != "declined" || !strings.Contains(resp.Body, message) || !strings.Contains(resp.Body, `value="Ann Buyer"`) {
			t.Errorf("%s: status %d, or not %q", number, resp.Status, message)
		}
	}

	if l := e.Sessions()[0]; l.Status != "open" || l.PaymentIntent != "" || len(e.Deliveries()) != 0 {
		t.Errorf("refused input had an effect: %+v", l)
	}
	if resp := e.post(s.URL, typed("shipping_country", "CA", "shipping_state", "BC", "shipping_postal_code", "v6b 1a1", "billing_same", "",
		"billing_name", "Al Payer", "billing_line1", "Kanzleistr. 1", "billing_city", "Bonn", "billing_country",
		"DE")); resp.Status != 303 {
		t.Errorf("own billing address: %d", resp.Status)
	}
	got, err := e.sc.CheckoutSessions.Get(s.ID, nil)
	if err != nil || got.CustomerDetails.Name != "Al Payer" || got.CustomerDetails.Address.Country != "DE" ||
		got.ShippingDetails.Address.Country != "CA" {
		t.Errorf("%+v, %v", got.CustomerDetails, err)
	}
}

func TestPage3DSecure(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	s := e.session()
	token := func() string {
		t.Helper()
		resp := e.post(s.URL, typed("card_number", "4000002500003155"))
		m := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(resp.Body)
		if outcome(resp) != "confirm" || m == nil {
			t.Fatalf("status %d, token %v", resp.Status, m)
		}
		return m[1]
	}

	resp := e.post(s.URL+"/confirm", map[string][]string{"token": {token()}, "outcome": {"reject"}})
	if outcome(resp) != "declined" || !strings.Contains(resp.Body, "unable to authenticate") ||
		!strings.Contains(resp.Body, `value="12 Long Road"`) {
		t.Errorf("rejected: %d", resp.Status)
	}
	if resp := e.post(s.URL+"/confirm", map[string][]string{"token": {"3ds_forged"}, "outcome": {"authorize"}}); outcome(
		resp) != "declined" {
		t.Errorf("forged token: %d", resp.Status)
	}
	once := token()
	if resp := e.post(s.URL+"/confirm", map[string][]string{"token": {once}, "outcome": {"authorize"}}); resp.Status != 303 {
		t.Errorf("authorized: %d", resp.Status)
	}

	if resp := e.post(s.URL+"/confirm", map[string][]string{"token": {once}, "outcome": {"authorize"}}); resp.Status != 200 ||
		!strings.Contains(resp.Body, "You have paid already") {
		t.Errorf("again: %d", resp.Status)
	}
	if n := len(e.events(1, "checkout.session.completed")); n != 1 {
		t.Errorf("%d events", n)
	}
}

func TestDelayedMethod(t *testing.T) {
	t.Parallel()
	for _, succeed := range []bool{true, false} {
		e := newEnv(t)
		s := e.session()
		if resp := e.post(s.URL, typed("method", "delayed", "card_number", "")); resp.Status != 303 {
			t.Fatalf("status %d", resp.Status)
		}
		if l := e.Sessions()[0]; l.Status != "complete" || l.Paid() || !l.AsyncPending {
			t.Errorf("ledger %+v", l)
		}
		if err := e.SettleDebit(s.ID, succeed); err != nil {
			t.Fatal(err)
		}
		want := map[bool]string{true: "checkout.session.async_payment_succeeded", false: "checkout.session.async_payment_failed"}[succeed]
		e.events(1, want)
		if l := e.Sessions()[0]; l.Paid() != succeed || l.AsyncPending {
			t.Errorf("ledger %+v", l)
		}
		if err := e.SettleDebit(s.ID, succeed); err == nil {
			t.Error("settled twice")
		}
	}
}

func TestDelayedPaymentSettlesByItself(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.switches(func(sw *Switches) { sw.AsyncAfterMS, sw.AsyncOutcome = 50, "fail" })
	if _, err := e.Pay(e.session().ID, PayOptions{Method: "delayed"}); err != nil {
		t.Fatal(err)
	}
	e.events(1, "checkout.session.async_payment_failed")
}

// A session expires on request and when its time is over.
func TestSessionsExpire(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	by := e.session()
	if _, err := e.sc.CheckoutSessions.Expire(by.ID, nil); err != nil {
		t.Fatal(err)
	}

	e.events(1, "checkout.session.expired")
	s := e.session()
	if err := e.AdvanceClock(2 * time.Hour); err != nil {
		t.Fatal(err)
	}

	e.events(2, "checkout.session.expired")
	if got, err := e.sc.CheckoutSessions.Get(s.ID, nil); err != nil || got.Status != "expired" || got.URL != "" {
		t.Errorf("%+v, %v", got, err)
	}
	resp := e.get(s.URL)
	if outcome(resp) != "expired" || !strings.Contains(resp.Body, "expired") {
		t.Errorf("page of an expired session: %d", resp.Status)
	}
	if resp := e.post(s.URL, typed()); outcome(resp) != "expired" {
		t.Errorf("paying an expired session: %d", resp.Status)
	}
	if _, err := e.Pay(s.ID, PayOptions{}); err == nil {
		t.Error("an expired session was paid")
	}
}

func TestFreeOrderNeedsNoCard(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	free, err := e.sc.Coupons.New(&stripe.CouponParams{PercentOff: stripe.Float64(100)})
	if err != nil {
		t.Fatal(err)
	}
	s := e.session(func(p *stripe.CheckoutSessionParams) {
		p.Discounts = []*stripe.CheckoutSessionDiscountParams{{Coupon: stripe.String(free.ID)}}
	})
	if page := e.get(s.URL).Body; strings.Contains(page, "card_number") {
		t.Error("the page asks for a card")
	}
	if resp := e.post(s.URL, typed("card_number", "", "method", "")); resp.Status != 303 {
		t.Errorf("status %d", resp.Status)
	}
	got, err := e.sc.CheckoutSessions.Get(s.ID, nil)
	if err != nil || got.PaymentStatus != "no_payment_required" || got.PaymentIntent != nil || got.AmountTotal != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestShopperPicksShipping(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	rate := func(name string, cents int64) *stripe.CheckoutSessionShippingOptionParams {
		return &stripe.CheckoutSessionShippingOptionParams{ShippingRateData: &stripe.CheckoutSessionShippingOptionShippingRateDataParams{
			DisplayName: stripe.String(name), Type: stripe.String("fixed_amount"),
			FixedAmount: &stripe.CheckoutSessionShippingOptionShippingRateDataFixedAmountParams{Amount: stripe.Int64(cents),
				Currency: stripe.String("usd")},
		}}
	}
	s := e.session(func(p *stripe.CheckoutSessionParams) {
		p.ShippingOptions = []*stripe.CheckoutSessionShippingOptionParams{rate("Ground", 400), rate("Air", 1900)}
	})
	if s.AmountTotal != 3400 || s.TotalDetails.AmountShipping != 400 {
		t.Errorf("total %d", s.AmountTotal)
	}
	if resp := e.post(s.URL, typed("shipping_option", "1")); resp.Status != 303 {
		t.Fatalf("status %d", resp.Status)
	}
	got, err := e.sc.CheckoutSessions.Get(s.ID, nil)
	if err != nil || got.AmountTotal != 4900 || got.ShippingCost.AmountTotal != 1900 {
		t.Errorf("%+v, %v", got, err)
	}
}

// Two tabs that pay at the same time make one payment.
func TestPaidOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	s := e.session()
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if resp := e.post(s.URL, typed()); resp.Status != 303 && resp.Status != 200 {
				t.Errorf("status %d", resp.Status)
			}
		})
	}
	wg.Wait()
	e.delivered()
	if n := len(e.Deliveries()); n != 2 {
		t.Errorf("%d events, want payment_intent.succeeded and checkout.session.completed", n)
	}
}

func TestOtherSitesCannotPost(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	s := e.session()
	for _, path := range []string{"/_/sessions/" + s.ID + "/pay", "/_/switches", "/c/pay/" + s.ID} {
		req := e.client().Body(http.MethodPost, path, "")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		req.Header.Set("Origin", "http://evil.example")
		if resp := e.client().Do(req); resp.Status != http.StatusForbidden {
			t.Errorf("%s: %d", path, resp.Status)
		}
	}
}
