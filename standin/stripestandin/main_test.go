package stripestandin

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

const (
	testKey    = "sk_test_stand_in_tests_1234"
	testSecret = "whsec_tests"
)

// env is a running stand-in, a shop's webhook that receives its events, and a client of stripe-go.
type env struct {
	*Server
	t    *testing.T
	sc   *client.API
	shop *shop
	stop func() // ends Run and waits for it; the test's end does it, too
}

func newEnv(t *testing.T, set ...func(*Config)) *env {
	t.Helper()
	sh := newShop(t)
	cfg := Config{SecretKey: testKey, WebhookSecret: testSecret, WebhookURL: sh.URL + "/order/stripe-webhook"}
	for _, f := range set {
		f(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	e := &env{Server: s, t: t, shop: sh, stop: testenv.Run(t, s.Run)}
	e.sc = stripeClient(s.URL(), testKey)
	return e
}

func stripeClient(base, key string) *client.API {
	b := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		// Without kept connections: net/http repeats calls that were cut on one.
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		URL:        stripe.String(base), MaxNetworkRetries: stripe.Int64(0), LeveledLogger: &stripe.LeveledLogger{},
	})
	return client.New(key, &stripe.Backends{API: b, Connect: b, Uploads: b})
}

// shop is a webhook endpoint that records its requests.
type shop struct {
	*httptest.Server
	mu     sync.Mutex
	got    []received
	answer func(n int) int // status for the n-th request, from 1; nil = 200
	change chan struct{}
}

type received struct {
	event  stripe.Event
	body   []byte
	header string
	valid  bool
}

func newShop(t *testing.T) *shop {
	sh := &shop{change: make(chan struct{}, 1)}
	sh.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read webhook: %v", err)
		}
		rec := received{body: body, header: r.Header.Get("Stripe-Signature")}
		rec.valid = webhook.ValidatePayload(body, rec.header, testSecret) == nil
		if err := json.Unmarshal(body, &rec.event); err != nil {
			t.Errorf("webhook body: %v", err)
		}

		sh.mu.Lock()
		sh.got = append(sh.got, rec)
		status := http.StatusOK
		if sh.answer != nil {
			status = sh.answer(len(sh.got))
		}
		sh.mu.Unlock()

		w.WriteHeader(status)
		select {
		case sh.change <- struct{}{}:
		default:
		}
	}))
	t.Cleanup(sh.Close)
	return sh
}

func (sh *shop) answers(f func(n int) int) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.answer = f
}

func (sh *shop) all() []received {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return append([]received(nil), sh.got...)
}

// until waits until the requests that the shop got satisfy ok.
func (e *env) until(what string, ok func([]received) bool) []received {
	e.t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		if got := e.shop.all(); ok(got) {
			return got
		}
		select {
		case <-e.shop.change:
		case <-deadline:
			e.t.Fatalf("waited in vain for %s; got %d webhooks", what, len(e.shop.all()))
		}
	}
}

// events waits for n webhooks of a type and returns them.
func (e *env) events(n int, eventType string) []received {
	e.t.Helper()
	var found []received
	e.until(eventType, func(all []received) bool {
		found = nil
		for _, r := range all {
			if string(r.event.Type) == eventType {
				found = append(found, r)
			}
		}
		return len(found) >= n
	})
	return found
}

// delivered waits until no delivery is pending.
func (e *env) delivered() []Delivery {
	e.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		all, pending := e.Deliveries(), 0
		for _, d := range all {
			if d.State == deliveryPending {
				pending++
			}
		}
		if pending == 0 {
			return all
		}
		select {
		case <-tick.C:
		case <-deadline:
			e.t.Fatalf("%d deliveries still pending", pending)
		}
	}
}

// params is a session as the shop creates it.
func (e *env) params() *stripe.CheckoutSessionParams {
	p := &stripe.CheckoutSessionParams{
		Mode: stripe.String("payment"),
		LineItems: []*stripe.CheckoutSessionLineItemParams{{
			PriceData: &stripe.CheckoutSessionLineItemPriceDataParams{
				Currency: stripe.String("usd"), UnitAmount: stripe.Int64(1250),
				ProductData: &stripe.CheckoutSessionLineItemPriceDataProductDataParams{
					Name: stripe.String("Mug"), Description: stripe.String("blue - large"),
					Images: stripe.StringSlice([]string{"http://shop.example/mug.jpg"}),
				},
			},
			Quantity: stripe.Int64(2),
		}, {
			PriceData: &stripe.CheckoutSessionLineItemPriceDataParams{
				Currency: stripe.String("usd"), UnitAmount: stripe.Int64(500),
				ProductData: &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripe.String("Shipping")},
			},
			Quantity: stripe.Int64(1),
		}},
		SuccessURL:               stripe.String(e.shop.URL + "/checkout/success?session_id={CHECKOUT_SESSION_ID}"),
		CancelURL:                stripe.String(e.shop.URL + "/checkout/confirm"),
		BillingAddressCollection: stripe.String("required"),
		ShippingAddressCollection: &stripe.CheckoutSessionShippingAddressCollectionParams{
			AllowedCountries: stripe.StringSlice([]string{"US", "CA"}),
		},
		PhoneNumberCollection: &stripe.CheckoutSessionPhoneNumberCollectionParams{Enabled: stripe.Bool(true)},
		ClientReferenceID:     stripe.String("checkout-1"),
		PaymentIntentData:     &stripe.CheckoutSessionPaymentIntentDataParams{Metadata: map[string]string{"checkout": "1"}},
		ExpiresAt:             stripe.Int64(time.Now().Add(time.Hour).Unix()),
	}

	p.AddMetadata("cart_id", "17")
	return p
}

// session creates a session with these parameters.
func (e *env) session(set ...func(*stripe.CheckoutSessionParams)) *stripe.CheckoutSession {
	e.t.Helper()
	p := e.params()
	for _, f := range set {
		f(p)
	}
	s, err := e.sc.CheckoutSessions.New(p)
	if err != nil {
		e.t.Fatalf("create session: %v", err)
	}
	return s
}

func (e *env) switches(set func(*Switches)) {
	e.t.Helper()
	if err := e.SetSwitches(set); err != nil {
		e.t.Fatal(err)
	}
}

// call makes an API call with form fields and returns status and decoded body.
func (e *env) call(method, path, form string, header ...string) (int, http.Header, map[string]any) {
	e.t.Helper()
	c := e.client()
	r := c.Body(method, path, form)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+testKey)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a := c.Do(r)
	var body map[string]any
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil {
		e.t.Fatalf("%s: %v", a, err)
	}
	return a.Status, a.Header, body
}

func (e *env) client() *testenv.Client { return &testenv.Client{TB: e.t, URL: e.URL()} }

// post sends a form to a page.
func (e *env) post(address string, form url.Values) testenv.Answer {
	e.t.Helper()
	c := &testenv.Client{TB: e.t}
	r := c.Body(http.MethodPost, address, form.Encode())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.Do(r)
}

func (e *env) get(address string) testenv.Answer {
	e.t.Helper()
	return (&testenv.Client{TB: e.t}).Get(address)
}

// typed is a complete form in which the given pairs replace fields.
func typed(pairs ...string) url.Values {
	f := url.Values{
		"email": {"ann@example.com"}, "phone": {"+1 555 555 0123"}, "shipping_name": {"Ann Buyer"},
		"shipping_line1": {"12 Long Road"}, "shipping_line2": {"Flat 3"}, "shipping_city": {"Denver"},
		"shipping_state": {"CO"}, "shipping_postal_code": {"80202"}, "shipping_country": {"US"},
		"billing_same": {"on"}, "method": {"card"}, "card_number": {"4242 4242 4242 4242"},
		"card_expiry": {"12/39"}, "card_cvc": {"123"},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			f.Del(pairs[i])
		}
	}
	return f
}
