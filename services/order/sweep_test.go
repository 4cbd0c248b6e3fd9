package order

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// oddStripe is a Stripe whose answers do not follow Stripe's description, which the stand-in cannot
// be. It lists sessions, newest first, and knows each by its id.
type oddStripe struct {
	mu       sync.Mutex
	sessions []string // as JSON
	asked    []string
}

func (o *oddStripe) set(sessions ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sessions, o.asked = sessions, nil
}

func (o *oddStripe) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, r.URL.String())
	w.Header().Set("Content-Type", "application/json")
	id, one := strings.CutPrefix(r.URL.Path, "/v1/checkout/sessions/")
	if !one {
		from := 0
		for i, s := range o.sessions {
			if after := r.URL.Query().Get("starting_after"); after != "" && strings.Contains(s, `"id":"`+after+`"`) {
				from = i + 1
			}
		}
		to := min(from+2, len(o.sessions)) // small pages
		fmt.Fprintf(w, `{"object":"list","has_more":%t,"data":[%s]}`, to < len(o.sessions), strings.Join(o.sessions[from:to], ","))
		return
	}

	for _, s := range o.sessions {
		if strings.Contains(s, `"id":"`+id+`"`) {
			fmt.Fprint(w, s)
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprint(w, `{"error":{"type":"invalid_request_error","message":"No such checkout session"}}`)
}

// sweeping gives a shop such a Stripe.
func (e *env) sweeping() *oddStripe {
	e.t.Helper()
	o := &oddStripe{}
	server := httptest.NewServer(o)
	e.t.Cleanup(server.Close)
	e.server.cfg = Config{Public: boot.Public{PublicURL: "http://shop.test"}, StripeAPIBase: server.URL, StripeSecretKey: "sk_test_1",
		SweepEvery: time.Second, SweepAfter: time.Hour}
	e.server.stripe = newStripe(testenv.Log(e.t), e.server.cfg, nil)
	return o
}

// listed is a paid session of a quote as Stripe lists it.
func listed(c checkout, change func(o map[string]any)) string {
	var ev struct {
		Data struct{ Object json.RawMessage }
	}
	err := json.Unmarshal(event("evt_x", completed, c, func(o map[string]any) {
		o["created"] = time.Now().Add(-time.Hour).Unix()
		if change != nil {
			change(o)
		}
	}).Data, &ev)
	if err != nil {
		panic(err)
	}
	return string(ev.Data.Object)
}

func (e *env) buy(address string) checkout {
	p := e.visitor()
	p.add("6", "1")
	return p.quoted(address)
}

func as(address string) func(o map[string]any) {
	return func(o map[string]any) { o["customer_email"] = address }
}

// Undocumented sessions in Stripe's list are noted, and the sessions behind them are reached all
// the same.
func TestOneOddSessionDoesNotStopTheSweep(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	stripe := e.sweeping()
	stuck, odd, broken, good := e.buy("stuck@mail.example.com"), e.buy("odd@mail.example.com"), e.buy("broken@mail.example.com"),
		e.buy("good@mail.example.com")

	// A temporary failure for one payment only: the worst kind, since it looks like a database in
	// trouble.
	e.Exec(trigger("orders", `IF NEW.email = 'stuck@mail.example.com' THEN RAISE EXCEPTION USING errcode = '57014'; END IF; RETURN NEW`) +
		` EXECUTE FUNCTION stop()`)
	e.Exec(`UPDATE checkout SET quote = '7' WHERE id = $1`, broken.ID)
	stripe.set(
		listed(stuck, as("stuck@mail.example.com")),
		`{"object":"checkout.session"}`, // this and the next two have no id
		listed(odd, func(o map[string]any) { o["amount_total"] = "x" }),
		`7`,
		listed(broken, nil),
		`null`,
		listed(good, as("good@mail.example.com")),
	)

	began := time.Now()
	sweep := func() {
		t.Helper()
		e.Exec(`UPDATE sweep SET lease_until = '-infinity', listed_to = now() - interval '1 hour'`)
		if err := e.server.sweepOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	sweep()
	sweep()
	if got := e.Text(`SELECT string_agg(session_id, ';') FROM orders`); got != *good.SessionID {
		t.Errorf("orders of %s", got)
	}
	if got := e.Text(`SELECT string_agg(reason || ' ' || session_id, ';' ORDER BY reason) FROM payment_issue`); got != "order-refused "+
		*broken.SessionID+";unreadable "+*odd.SessionID {
		t.Errorf("for staff: %s", got)
	}
	if n := e.Number(`SELECT count(*) FROM sweep WHERE listed_to >= $1`, began); n != 1 {
		t.Error("the list will be read again")
	}
	if age, err := oldestUnsettled(t.Context(), e.pool); err != nil || age < 59*time.Minute || age > 61*time.Minute {
		t.Errorf("the oldest is %s old, %v", age, err)
	}

	e.server.measure(t.Context())
	if v := testutil.ToFloat64(unsettledAge); v < 59*60 {
		t.Errorf("shop_paid_unsettled_seconds is %v", v)
	}

	// It is tried again, even if Stripe's list no longer reaches back to it.
	e.Exec(`DROP TRIGGER stop ON orders`)
	e.Exec(`UPDATE checkout SET state = 'expired'`)
	e.Exec(`UPDATE sweep SET listed_to = now() + interval '30 hours'`)
	e.Exec(`UPDATE sweep SET lease_until = '-infinity', listed_to = now() - interval '1 hour'`)
	stripe.set(listed(good, nil), listed(stuck, as("stuck@mail.example.com")))
	sweep()
	if n := e.Number(`SELECT count(*) FROM orders WHERE session_id = $1`, *stuck.SessionID); n != 1 {
		t.Error("it made no order")
	}

	sweep()
	if age, err := oldestUnsettled(t.Context(), e.pool); err != nil || age != 0 || e.Number(`SELECT count(*) FROM unsettled`) != 0 {
		t.Errorf("still unsettled: %s %v", age, err)
	}
}

// Checkouts of ours that cannot be settled keep no others waiting, however many follow each other,
// and do not block the list either.
func TestOddCheckoutsDoNotStopTheSweep(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	stripe := e.sweeping()
	var sessions []string
	for i := range 2 * sweepFailures {
		address := fmt.Sprintf("stuck%d@mail.example.com", i)
		sessions = append(sessions, listed(e.buy(address), as(address)))
	}

	e.Exec(`UPDATE checkout SET checked_at = now() - interval '3 days'`)
	good, onlyListed := e.buy("good@mail.example.com"), e.buy("listed@mail.example.com")
	e.Exec(`UPDATE checkout SET checked_at = now() - interval '2 days' WHERE id = $1`, good.ID)
	e.Exec(`UPDATE checkout SET state = 'expired' WHERE id = $1`, onlyListed.ID)
	e.Exec(trigger("orders", `IF NEW.email LIKE 'stuck%' THEN RAISE EXCEPTION USING errcode = '53100'; END IF; RETURN NEW`) +
		` EXECUTE FUNCTION stop()`)
	stripe.set(append(sessions, listed(good, nil), listed(onlyListed, nil))...)

	if err := e.server.sweepOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.Counts(2, `SELECT count(*) FROM orders WHERE session_id IN ($1, $2)`, *good.SessionID, *onlyListed.SessionID)
	e.Counts(2*sweepFailures, `SELECT count(*) FROM unsettled`)
}

// The success page of a payment that goes to staff says that it is safe; it neither fails nor
// waits.
func TestTheSuccessPageOfAPaymentForStaff(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	stripe := e.sweeping()
	refusedOne, changed := e.buy("refused@mail.example.com"), e.buy("changed@mail.example.com")
	e.Exec(`ALTER TABLE orders ADD CONSTRAINT house CHECK (email <> 'refused@mail.example.com')`)
	e.Exec(`UPDATE checkout SET quote = '[]' WHERE id = $1`, changed.ID)
	strange := changed

	unknown := "cs_test_unknown"
	strange.SessionID, strange.ID = &unknown, "unknown"
	stripe.set(listed(refusedOne, as("refused@mail.example.com")), listed(changed, nil))
	e.mustHandle(event("evt_strange", completed, strange, nil))
	for session, code := range map[string]string{*refusedOne.SessionID: "unexpected-error", *changed.SessionID: "unexpected-error",
		unknown: "cart-not-found"} {
		for range 2 {
			a := e.visitor().Get("/order/checkout-session-success?session_id=" + session)
			a.Want(code, "errors", "error")
			a.Want(nil, "errors", "payment") // old pages get the contract's shape
			asked, mark := e.visitor().Get("/order/checkout-session-success?payment=true&session_id="+session), any("with-staff")
			if code == codeCartNotFound { // the code alone says so
				mark = nil
			}
			asked.Want(mark, "errors", "payment")
			if text, ok := a.At("errors", "description").(string); code == "unexpected-error" &&
				(!ok || !strings.Contains(text, "safe") || !strings.Contains(text, "staff have been told")) {
				t.Errorf("the page says %v", text)
			}
		}
	}

	e.Counts(3, `SELECT count(*) FROM payment_issue`)
	e.Exec(`ALTER TABLE orders DROP CONSTRAINT house`)
	e.visitor().Get("/order/checkout-session-success?session_id="+*refusedOne.SessionID).Want("success", "checkout_session_success")
}
