package stripestandin

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"
)

func (e *env) paid() string {
	e.t.Helper()
	id := e.session().ID
	if _, err := e.Pay(id, PayOptions{}); err != nil {
		e.t.Fatal(err)
	}
	return id
}

const completed = "checkout.session.completed"

// only lets the webhook switches act on the completed event.
func only(set func(*Switches)) func(*Switches) {
	return func(sw *Switches) {
		sw.WebhookTypes = []string{completed}
		set(sw)
	}
}

func TestWebhookIsRepeated(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.switches(func(sw *Switches) { sw.WebhookTypes, sw.WebhookDrop = []string{"payment_intent.succeeded"}, Always })
	e.shop.answers(func(n int) int { return []int{0, 503, 302, 400, 200}[min(n, 4)] })
	e.paid()
	// The pauses grow from a second; moving the clock shortens them.
	for n := 1; n < 4; n++ {
		e.events(n, completed)
		e.pendingAfter(n)
		if err := e.AdvanceClock(time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	got := e.events(4, completed)
	if got[0].event.ID != got[3].event.ID || string(got[0].body) != string(got[3].body) {
		t.Error("the repeats differ")
	}
	for _, d := range e.delivered() {
		if d.Type == completed && (d.State != deliveryDelivered || d.Attempts != 4 || d.LastStatus != 200) {
			t.Errorf("%+v", d)
		}
	}
}

// pendingAfter waits until n attempts are recorded.
func (e *env) pendingAfter(n int) {
	e.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		for _, d := range e.Deliveries() {
			if d.Type == completed && d.Attempts == n {
				return
			}
		}
		select {
		case <-tick.C:
		case <-deadline:
			e.t.Fatalf("attempt %d was never noted", n)
		}
	}
}

// After three days without success the delivery has failed.
func TestWebhookPausesDoubleUpToAMinute(t *testing.T) {
	t.Parallel()
	start := time.Now()
	d := delivery{State: deliveryPending, Since: start.UnixMilli(), LastStatus: 500}
	for n, want := range []int64{1, 2, 4, 8, 16, 32, 60, 60} {
		d.Attempts = n + 1
		d.after(start)
		if got := (d.Next - start.UnixMilli()) / 1000; got != want {
			t.Errorf("pause %d: %d s, want %d s", n+1, got, want)
		}
	}
	if d.after(start.Add(73 * time.Hour)); d.State != deliveryFailed {
		t.Errorf("after three days: %s", d.State)
	}
}

func TestWebhookDropAndResend(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.switches(only(func(sw *Switches) { sw.WebhookDrop = 1 }))
	e.paid()
	e.events(1, "payment_intent.succeeded")
	var lost string
	for _, d := range e.delivered() {
		if d.State == deliveryDropped {
			lost = d.EventID
		}
	}
	if n := len(e.shop.all()); lost == "" || n != 1 {
		t.Fatalf("dropped %q, %d webhooks", lost, n)
	}
	if err := e.Resend(lost); err != nil {
		t.Fatal(err)
	}
	if got := e.events(1, completed)[0]; got.event.ID != lost {
		t.Errorf("got %s", got.event.ID)
	}
	e.paid()
	e.events(2, completed) // the switch acted once
}

func TestWebhookDoubleAndTwoIDs(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.switches(only(func(sw *Switches) { sw.WebhookDouble, sw.WebhookTwoIDs = Always, 1 }))
	e.paid()
	ids := map[string]int{}
	for _, r := range e.events(4, completed) {
		ids[r.event.ID]++
		if !r.valid {
			t.Error("signature")
		}
	}
	if len(ids) != 2 {
		t.Errorf("events %v, want two ids twice each", ids)
	}
}

func TestWebhookSignatureAndDate(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.switches(only(func(sw *Switches) { sw.WebhookWrongSignature = 1 }))
	e.paid()
	if got := e.events(1, completed)[0]; got.valid {
		t.Error("the wrong signature passes")
	}
	e.switches(func(sw *Switches) { sw.WebhookDateOffsetSeconds = -301 })
	e.paid()
	got := e.events(2, completed)[1]
	if err := webhook.ValidatePayload(got.body, got.header, testSecret); !errors.Is(err, webhook.ErrTooOld) {
		t.Errorf("old date: %v", err)
	}
	if webhook.ValidatePayloadIgnoringTolerance(got.body, got.header, testSecret) != nil {
		t.Error("the misdated event is not signed")
	}
}

func TestWebhookReorder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.switches(func(sw *Switches) { sw.WebhookReorderMS = 3_600_000 })
	e.paid()
	// The later event is sent a tenth of the time before the earlier one.
	for _, step := range []time.Duration{117 * time.Minute, time.Hour} {
		if err := e.AdvanceClock(step); err != nil {
			t.Fatal(err)
		}
		e.events(1, completed)
		if n := len(e.shop.all()); step > time.Hour && n != 1 {
			t.Errorf("%d webhooks have arrived, want %s alone", n, completed)
		}
	}
	if n := len(e.delivered()); n != 2 {
		t.Errorf("%d webhooks", n)
	}
}

func TestWebhookDelay(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.switches(only(func(sw *Switches) { sw.WebhookDelayMS, sw.RedirectWaitMS = 3_600_000, 20 }))
	s := e.session()
	// The page does not wait longer than the switch says.
	if resp := e.post(s.URL, typed()); resp.Status != 303 {
		t.Fatalf("status %d", resp.Status)
	}
	e.events(1, "payment_intent.succeeded")
	if n := len(e.shop.all()); n != 1 {
		t.Errorf("%d webhooks", n)
	}
	if err := e.AdvanceClock(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	e.events(1, completed)
}

// Switches give events a newer API version, another account and the newer place of the address.
func TestWebhookOfNewerAPIVersion(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.switches(func(sw *Switches) {
		sw.WebhookAPIVersion, sw.WebhookAccount, sw.ShippingShape = "2025-03-31.basil", "acct_other", ShapeCollected
	})
	e.paid()
	got := e.events(1, completed)[0]
	if got.event.APIVersion != "2025-03-31.basil" || got.event.Account != "acct_other" ||
		!strings.Contains(string(got.body), `"shipping_details":null`) ||
		!strings.Contains(string(got.body), `"collected_information":{"shipping_details":{"address":{"city":"Springfield"`) {
		t.Errorf("%s", got.body)
	}
	e.switches(func(sw *Switches) { *sw = Switches{ShippingShape: ShapeDetails} })
	e.paid()
	if got := e.events(2, completed)[1]; strings.Contains(string(got.body), "collected_information") {
		t.Errorf("%s", got.body)
	}
}

// Without a webhook address the events are listed as having no endpoint.
func TestEventsWithoutWebhookAddress(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *Config) { c.WebhookURL = "" })
	e.paid()
	for _, d := range e.Deliveries() {
		if d.State != deliveryNowhere {
			t.Errorf("%+v", d)
		}
	}
}
