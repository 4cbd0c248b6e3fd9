package order

import (
	"bytes"
	"fmt"
	"testing"
)

// What is held for a payment that makes no order goes back when staff have seen to it, or is gone when they
// served it; either way the shopper can buy again.
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
	if n := e.Number(`SELECT count(*) FROM orders`); n != 0 {
		t.Errorf("%d orders", n)
	}
}

// A payment intent makes one order. Another session of ours that names it is paid as well, so it is for staff.
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
	if n := e.Number(`SELECT stock FROM sku WHERE id = 6`); n != 9 {
		t.Errorf("%d pieces left", n)
	}
}
