package order

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// A flood of new pages at two processes stays below the rate of both together, and leaves room for
// payments under way.
func TestTheWholeShopBrakesBelowStripesLimit(t *testing.T) {
	t.Parallel()
	const rate = 80
	broker := testenv.NewBroker(t)
	first := broker.Bus("order")
	testenv.Eventually(t, 30*time.Second, "a first count", func() bool {
		_, err := first.Count(t.Context(), "stripe", "ready", time.Second)
		return err == nil
	})
	processes := []*brake{newBrake(first, rate), newBrake(broker.Bus("order"), rate)}
	ctx, stop := context.WithCancel(t.Context())
	var made, refused atomic.Int64
	var flood sync.WaitGroup
	began := time.Now()
	for i := range 40 {
		flood.Go(func() {
			for ctx.Err() == nil {
				switch err := processes[i%2].take(onLane(ctx, laneNew)); {
				case err == nil:
					made.Add(1)
				case errors.Is(err, errStripeBusy):
					refused.Add(1)
				}
			}
		})
	}
	kept := 0
	for ; kept < 20; kept++ {
		asked := time.Now()
		if err := processes[kept%2].take(t.Context()); err != nil {
			t.Fatalf("a question about a payment under way: %v", err)
		}
		if waited := time.Since(asked); waited > 10*time.Second {
			t.Errorf("a question about a payment under way waited %v", waited)
		}
	}
	for i := range 4 {
		if err := processes[i%2].take(onLane(t.Context(), laneAsk)); err != nil {
			t.Errorf("a success page: %v", err)
		}
	}
	took := time.Since(began)
	stop()
	flood.Wait()
	if most := int64((took+2*brakeWindow).Seconds()*rate/2) + 1; made.Load() > most || made.Load() == 0 {
		t.Errorf("%d new pages in %v, %d refused; the room is %d", made.Load(), took, refused.Load(), most)
	}
}

func TestTheBrakeWithoutABroker(t *testing.T) {
	t.Parallel()
	var none *brake
	if err := none.take(t.Context()); err != nil || newBrake(nil, 0) != nil {
		t.Errorf("no brake: %v", err)
	}
	away, err := bus.Connect(testenv.Log(t), "nats://127.0.0.1:1", "order")
	if err != nil {
		t.Fatal(err)
	}
	defer away.Close()
	b := newBrake(away, brakeLeast)
	began := time.Now()
	for range 5 {
		if err := b.take(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < brakeWindow/8 || took > 20*time.Second {
		t.Errorf("five calls took %v", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 4 {
		err = errors.Join(err, b.take(ctx))
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("who went away: %v", err)
	}
}

// Stripe is asked about sessions that a checkout of ours knows, and about no others.
func TestUnknownSessionsCostNoQuestion(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var asked atomic.Int64
	stripe := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path != "/v1/checkout/sessions/cs_test_known" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		if _, err := w.Write([]byte(`{"id":"cs_test_known","object":"checkout.session","status":"open","payment_status":"unpaid"}`)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(stripe.Close)
	s.service.stripe = newStripeAPI(Config{Public: boot.Public{PublicURL: "https://shop.test"}, StripeAPIBase: stripe.URL, StripeSecretKey: "sk_test_123"}, testenv.Log(t))
	p := s.visitor()
	success := func(session string) body { return p.get("/order/checkout-session-success?session_id=" + session) }
	for range 20 {
		want(t, success("cs_test_unknown"), "invalid-session", "errors", "error")
	}
	// One that came by the webhook or Stripe's list, paid and not made by us, is with staff.
	s.exec(`INSERT INTO payment_issue (reason, explanation, session_id, payload) VALUES ('no-quote', 'x', 'cs_test_foreign', '{}')`)
	want(t, success("cs_test_foreign"), "cart-not-found", "errors", "error")
	if asked.Load() != 0 {
		t.Errorf("Stripe was asked %d times about sessions that no checkout knows", asked.Load())
	}
	p.add("6", "1")
	c := p.quoted("pat@mail.example.com")
	s.exec(`UPDATE checkout SET session_id = 'cs_test_known' WHERE id = $1`, c.ID)
	want(t, success("cs_test_known"), "payment-not-completed", "errors", "error")
	if asked.Load() != 1 {
		t.Errorf("Stripe was asked %d times about ours", asked.Load())
	}
}

func TestTheRateAtStripe(t *testing.T) {
	t.Parallel()
	none, some := 0, 40
	for _, c := range []struct {
		base string
		set  *int
		want int
	}{
		{"https://api.stripe.com", nil, 80}, {"https://api.stripe.com/", nil, 80}, {"http://127.0.0.1:8090", nil, 0},
		{"https://api.stripe.com", &none, 0}, {"https://api.stripe.com", &some, 40}, {"http://127.0.0.1:8090", &some, 40},
	} {
		if got := (Config{StripeAPIBase: c.base, StripeRate: c.set}).stripeRate(); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
