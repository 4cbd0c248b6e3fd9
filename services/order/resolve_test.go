package order

import (
	"bytes"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// What is held for a payment that makes no order is given back when staff resolve it, or is gone if
// they served it; either way the shopper can buy again.
func TestResolvingGivesBackWhatWasHeld(t *testing.T) {
	e := newEnv(t) // not parallel: commands read the environment
	t.Setenv("DATABASE_URL", e.databaseURL)
	stripe := e.sweeping()
	e.Exec(`UPDATE sku SET stock = 10 WHERE id = 6`)
	e.Exec(`UPDATE discount_code SET max_uses = 3 WHERE code = 'WELCOME10'`)
	e.Exec(trigger("orders", `IF NEW.email LIKE 'refused%' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW`) +
		` EXECUTE FUNCTION stop()`)

	stock := 10
	for name, change := range map[string]func(o map[string]any){
		"refused":  nil,
		"amount":   func(o map[string]any) { o["amount_total"] = 1 },
		"currency": func(o map[string]any) { o["currency"] = "eur" },
		"nothing":  func(o map[string]any) { o["payment_status"] = "no_payment_required" },
		"odd":      func(o map[string]any) { o["customer_details"] = 7 },
	} {
		for _, served := range []bool{false, true} {
			address := fmt.Sprintf("%s%t@mail.example.com", name, served)
			p := e.visitor()
			p.add("6", "1")
			p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
			c := p.quoted(address)
			uses := e.Number(`SELECT uses FROM discount_code WHERE code = 'WELCOME10'`)
			mixed := func(o map[string]any) {
				as(address)(o)
				if change != nil {
					change(o)
				}
			}

			stripe.set(listed(c, mixed))
			e.mustHandle(event("evt_"+address, completed, c, mixed))
			e.mustHandle(event("evt_"+address, completed, c, mixed))
			if n := e.Number(`SELECT stock FROM sku WHERE id = 6`); n != stock-1 {
				t.Errorf("%s: %d pieces before staff have seen to it", address, n)
			}

			id := e.Text(`SELECT id::text FROM payment_issue WHERE session_id = $1`, *c.SessionID)
			args := []string{"resolve", "-payment", id, "-by", "kim"}
			if served {
				args = append(args, "-served")
				stock--
			} else {
				uses--
			}

			for range 2 { // safe to repeat
				var out bytes.Buffer
				if code := Command(args, &out, &out); code != 0 {
					t.Errorf("%s: resolve: %d %s", address, code, out.String())
				}
			}

			if n := e.Number(`SELECT stock FROM sku WHERE id = 6`); n != stock {
				t.Errorf("%s: %d pieces, not %d", address, n, stock)
			}
			if n := e.Number(`SELECT uses FROM discount_code WHERE code = 'WELCOME10'`); n != uses {
				t.Errorf("%s: %d uses, not %d", address, n, uses)
			}
			if n := e.Number(`SELECT count(*) FROM checkout WHERE state IN ('creating', 'open', 'pending')`); n != 0 {
				t.Errorf("%s: %d pages stand in the way of the next purchase", address, n)
			}
			e.Exec(`UPDATE discount_code SET uses = 0 WHERE code = 'WELCOME10'`)
		}
	}
	e.Counts(0, `SELECT count(*) FROM orders`)
}

// A payment intent makes one order. Another session of ours that names it is paid as well, so it
// goes to staff.
func TestTwoSessionsWithOnePaymentIntent(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE sku SET stock = 10 WHERE id = 6`)
	same := func(o map[string]any) { o["payment_intent"] = "pi_same" }
	first, second := e.buy("one@mail.example.com"), e.buy("two@mail.example.com")
	e.mustHandle(event("evt_1", completed, first, same), event("evt_2", completed, second, same))
	e.mustHandle(event("evt_3", completed, second, same))
	if orders, entries := e.Number(`SELECT count(*) FROM orders`),
		e.Number(`SELECT count(*) FROM payment_issue WHERE reason = 'paid-twice' AND session_id = $1`, *second.SessionID); orders != 1 ||
		entries != 1 {
		t.Errorf("%d orders, %d entries", orders, entries)
	}
	e.Counts(9, `SELECT stock FROM sku WHERE id = 6`)
}

// An entry that is opened and resolved again makes two acts, by page or by command; resolving a
// resolved entry makes none.
func TestEachResolvingIsOnRecord(t *testing.T) {
	e := newEnv(t) // not parallel: commands read the environment
	t.Setenv("DATABASE_URL", e.databaseURL)
	intent := e.intent(e.sold("ann@mail.example.com", "1"))
	staff := e.client.AsStaff("order", adminui.Manager)
	resolve := func() {
		id := e.Text(`SELECT id::text FROM payment_issue`)
		staff.Post("/staff/payments/"+id+"/resolve", "served", "").Has(http.StatusSeeOther)
	}
	const prefix = "charge.dispute."
	e.mustHandle(disputeEvent("evt_1", prefix+"created", intent, "warning_needs_response"))

	resolve()
	e.mustHandle(disputeEvent("evt_2", prefix+"updated", intent, "needs_response", -1355))
	resolve()
	e.Exec(`UPDATE payment_issue SET resolved_at = NULL, resolved_by = NULL, at = now()`)
	for range 2 {
		var out bytes.Buffer
		if code := Command([]string{"resolve", "-payment", e.Text(`SELECT id::text FROM payment_issue`), "-by", "Kim"}, &out,
			&out); code != 0 {
			t.Fatalf("%d: %s", code, out.String())
		}
	}

	id := e.Text(`SELECT id::text FROM payment_issue`)
	act := "work.act payment " + id + " "
	if got, want := e.acts(), act+"Ada 7\n"+act+"Ada 7\n"+act+"Kim (command) 0"; got != want {
		t.Errorf("the log of acts says\n%s\nwant\n%s", got, want)
	}
}

// A payment that came after its page had ended is refunded or becomes an order, and never both,
// whichever comes first.
func TestAPaymentIsGivenBackOrBecomesAnOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	pages := e.sweeping()
	staff := e.client.AsStaff("order", adminui.Manager)
	for round := range 12 {
		e.Exec(`UPDATE sku SET stock = 1 WHERE id = 6`)
		c := e.buy(fmt.Sprintf("late%d@mail.example.com", round))
		if err := endCheckout(t.Context(), e.pool, c.ID, stateExpired); err != nil {
			t.Fatal(err)
		}

		e.Exec(`UPDATE sku SET stock = 0 WHERE id = 6`) // another shopper has it
		pages.set(listed(c, nil))
		e.mustHandle(event("evt_"+c.ID, completed, c, nil))
		e.Exec(`UPDATE sku SET stock = 1 WHERE id = 6`)
		path := "/staff/payments/" + e.Text(`SELECT id::text FROM payment_issue WHERE session_id = $1`, *c.SessionID)
		hold, err := e.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}

		if round%2 == 0 { // the order is half made when the refund is requested
			if _, err := hold.Exec(t.Context(), `SELECT FROM sku WHERE id = 6 FOR UPDATE`); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		wg.Go(func() { staff.Post(path + "/order") })

		if round%2 == 0 {
			e.Becomes(1, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
		}
		refunded := make(chan struct{})
		wg.Go(func() { staff.Post(path+"/refund", "note", ""); close(refunded) })
		select {
		case <-refunded:
		case <-time.After(50 * time.Millisecond):
		}

		if err := hold.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		orders := e.Number(`SELECT count(*) FROM orders WHERE session_id = $1`, *c.SessionID)
		if refunds := e.Number(`SELECT count(*) FROM refund WHERE payment_intent = $1`, "pi_"+c.ID); orders+refunds != 1 {
			t.Errorf("round %d: %d orders and %d refunds of one payment", round, orders, refunds)
		}
	}
}
