package stripestandin

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
	"github.com/stripe/stripe-go/v76/webhook"
)

const (
	testKey    = "sk_test_stand_in_tests_1234"
	testSecret = "whsec_tests"
)

// world is a running stand-in, a shop's webhook that listens to it, and stripe-go pointed at it.
type world struct {
	*Server
	t    *testing.T
	sc   *client.API
	shop *shop
	stop func() // ends Run and waits for it; also done at the test's end
}

func newWorld(t *testing.T, set ...func(*Config)) *world {
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
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	w := &world{Server: s, t: t, shop: sh}
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(w.stop)
	w.sc = stripeClient(s.URL(), testKey)
	return w
}

func stripeClient(base, key string) *client.API {
	b := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		// On a kept connection net/http would itself repeat a call that was cut.
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		URL:        stripe.String(base), MaxNetworkRetries: stripe.Int64(0), LeveledLogger: &stripe.LeveledLogger{},
	})
	return client.New(key, &stripe.Backends{API: b, Connect: b, Uploads: b})
}

// shop is a webhook endpoint that keeps what it gets.
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

// until waits for what the shop has got to satisfy ok.
func (w *world) until(what string, ok func([]received) bool) []received {
	w.t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		if got := w.shop.all(); ok(got) {
			return got
		}
		select {
		case <-w.shop.change:
		case <-deadline:
			w.t.Fatalf("waited in vain for %s; got %d webhooks", what, len(w.shop.all()))
		}
	}
}

// events waits for n webhooks of a type and returns them.
func (w *world) events(n int, eventType string) []received {
	w.t.Helper()
	var found []received
	w.until(eventType, func(all []received) bool {
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
func (w *world) delivered() []Delivery {
	w.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		all, pending := w.Deliveries(), 0
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
			w.t.Fatalf("%d deliveries still pending", pending)
		}
	}
}

// params is a session as the shop creates it.
func (w *world) params() *stripe.CheckoutSessionParams {
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
		SuccessURL:               stripe.String(w.shop.URL + "/checkout/success?session_id={CHECKOUT_SESSION_ID}"),
		CancelURL:                stripe.String(w.shop.URL + "/checkout/confirm"),
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

// session creates a session as the shop does.
func (w *world) session(set ...func(*stripe.CheckoutSessionParams)) *stripe.CheckoutSession {
	w.t.Helper()
	p := w.params()
	for _, f := range set {
		f(p)
	}
	s, err := w.sc.CheckoutSessions.New(p)
	if err != nil {
		w.t.Fatalf("create session: %v", err)
	}
	return s
}

func (w *world) switches(set func(*Switches)) {
	w.t.Helper()
	if err := w.SetSwitches(set); err != nil {
		w.t.Fatal(err)
	}
}

// call makes an API call with form fields and returns status and decoded body.
func (w *world) call(method, path, form string, header ...string) (int, http.Header, map[string]any) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.URL()+path, strings.NewReader(form))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+testKey)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		w.t.Fatalf("%s %s: status %d, body no JSON: %v", method, path, resp.StatusCode, err)
	}
	return resp.StatusCode, resp.Header, body
}

// noRedirect shows redirects instead of following them.
var noRedirect = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// post sends a form to a page.
func (w *world) post(address string, form url.Values) (*http.Response, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.fetch(req)
}

func (w *world) get(address string) (*http.Response, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.fetch(req)
}

func (w *world) fetch(req *http.Request) (*http.Response, string) {
	w.t.Helper()
	resp, err := noRedirect.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp, string(body)
}

// typed is a complete form, with fields changed as pairs.
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
