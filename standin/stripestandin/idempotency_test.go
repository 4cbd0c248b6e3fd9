package stripestandin

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
)

// For a day the repeat of a call gets the same answer, and another call under the key is refused.
// Refused calls leave no answer.
func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	const key = "checkout-7-v1"
	status, head, first := e.call("POST", "/v1/checkout/sessions", formOf("client_reference_id", "7"), "Idempotency-Key", key)
	if status != 200 || head.Get("Idempotent-Replayed") != "" || head.Get("Idempotency-Key") != key {
		t.Fatalf("first: %d %v", status, head)
	}

	// The same fields in another order make the same request.
	fields := strings.Split(formOf("client_reference_id", "7"), "&")
	status, head, again := e.call("POST", "/v1/checkout/sessions", strings.Join(append(fields[1:], fields[0]), "&"), "Idempotency-Key", key)
	if status != 200 || again["id"] != first["id"] || head.Get("Idempotent-Replayed") != "true" {
		t.Errorf("repeat: %d %v %v", status, again["id"], head)
	}
	status, _, other := e.call("POST", "/v1/checkout/sessions", formOf("client_reference_id", "8"), "Idempotency-Key", key)
	if refusal := other["error"].(map[string]any); status != 400 || refusal["type"] != "idempotency_error" {
		t.Errorf("other body: %d %v", status, refusal)
	}

	// A refused request leaves nothing under its key.
	if status, _, _ := e.call("POST", "/v1/checkout/sessions", formOf("mode", "-"), "Idempotency-Key", "k2"); status != 400 {
		t.Errorf("refused: %d", status)
	}
	if status, head, _ := e.call("POST", "/v1/checkout/sessions", formOf(), "Idempotency-Key", "k2"); status != 200 ||
		head.Get("Idempotent-Replayed") != "" {
		t.Errorf("corrected under the same key: %d %v", status, head)
	}
	if status, _, _ := e.call("POST", "/v1/checkout/sessions", formOf(), "Idempotency-Key", strings.Repeat("k", 256)); status != 400 {
		t.Errorf("long key: %d", status)
	}
	if n := len(e.Sessions()); n != 2 {
		t.Errorf("%d sessions", n)
	}

	if err := e.AdvanceClock(25 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, head, later := e.call("POST", "/v1/checkout/sessions", formOf("client_reference_id", "8"), "Idempotency-Key",
		key); head.Get("Idempotent-Replayed") != "" || later["id"] == first["id"] {
		t.Error("the key is remembered for more than a day")
	}

	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state.dropAnswers(time.Now().Add(100 * time.Hour)); len(e.state.answers.rows)+len(e.state.answers.order) != 0 {
		t.Errorf("%d answers kept", len(e.state.answers.rows))
	}
}

func TestParallelCallsUnderOneKeyMakeOneSession(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.switches(func(sw *Switches) { sw.APILatencyMS = 200 })
	var wg sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for range 6 {
		wg.Go(func() {
			status, _, _ := e.call("POST", "/v1/checkout/sessions", formOf(), "Idempotency-Key", "same")
			mu.Lock()
			statuses[status]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if statuses[200] == 0 || statuses[409] == 0 || statuses[200]+statuses[409] != 6 || len(e.Sessions()) != 1 {
		t.Errorf("statuses %v, %d sessions", statuses, len(e.Sessions()))
	}
}

func TestFaultsBeforeAndAfterTheEffect(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	try := func(kind string, after bool, key string) (*stripe.CheckoutSession, error) {
		t.Helper()
		e.switches(func(sw *Switches) {
			sw.APIFaults = []APIFault{{Kind: kind, After: after, Method: "POST", Path: "/v1/checkout", HangMS: 20}}
		})
		p := e.params()
		p.SetIdempotencyKey(key)
		if _, err := e.sc.CheckoutSessions.New(p); err == nil {
			t.Errorf("%s, after=%v: no error", kind, after)
		}
		return e.sc.CheckoutSessions.New(p)
	}

	for i, c := range []struct {
		kind  string
		after bool
		made  int  // number of sessions after the first try
		again bool // whether the repeat under the same key succeeds
	}{
		{kind: "429", again: true},
		{kind: "500", again: true},
		{kind: "timeout", again: true},
		{kind: "429", after: true, made: 1, again: true},
		{kind: "timeout", after: true, made: 1, again: true},
		{kind: "500", after: true, made: 1}, // the key keeps the 500 as its answer
	} {
		t.Run(fmt.Sprint(c.kind, c.after), func(t *testing.T) {
			before := len(e.Sessions())
			s, err := try(c.kind, c.after, fmt.Sprint("key-", i))
			if (err == nil) != c.again {
				t.Errorf("repeat: %v", err)
			}
			if n := len(e.Sessions()) - before; n != 1 {
				t.Errorf("%d sessions", n)
			}
			if c.again && c.made == 1 && s.LastResponse.Header.Get("Idempotent-Replayed") != "true" {
				t.Error("the repeat was not a replay")
			}
		})
	}

	e.switches(func(sw *Switches) { sw.APIFaults = []APIFault{{Kind: "500", Times: Always, Path: "/v1/events"}} })
	for range 3 {
		if status, _, _ := e.call(http.MethodGet, "/v1/events", ""); status != 500 {
			t.Errorf("always failing: %d", status)
		}
	}

	if status, _, _ := e.call(http.MethodGet, "/v1/checkout/sessions", ""); status != 200 {
		t.Errorf("another path: %d", status)
	}
}
