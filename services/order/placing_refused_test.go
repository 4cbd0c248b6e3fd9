package order

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// settled is the outcome of a session that was settled as the success page and the sweep settle it.
func (e *env) settled(d *bus.Delivery) result {
	e.t.Helper()
	var ev struct {
		Data struct{ Object json.RawMessage }
	}
	if err := json.Unmarshal(d.Data, &ev); err != nil {
		e.t.Fatal(err)
	}
	paid, err := stripe.ReadSession(ev.Data.Object)
	if err != nil {
		e.t.Fatal(err)
	}
	r, err := e.server.settle(e.t.Context(), paid, "")
	if err != nil {
		e.t.Fatal(err)
	}
	return r
}

// rawly changes the text of an event.
func rawly(d *bus.Delivery, from, to string) *bus.Delivery {
	if !bytes.Contains(d.Data, []byte(from)) {
		panic(from + " is not in the event")
	}
	d.Data = bytes.ReplaceAll(d.Data, []byte(from), []byte(to))
	return d
}

// The order is made from the frozen quote: it needs neither the catalog nor the settings, and no
// text of the buyer can keep it from being stored.
func TestNothingKeepsAPaymentFromBeingAnOrder(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 4000)
	for name, test := range map[string]struct {
		before func(e *env)
		object func(o map[string]any)
		event  func(d *bus.Delivery) *bus.Delivery
	}{
		"SKU deleted":      {before: func(e *env) { e.Exec(`DELETE FROM sku WHERE id = 6`) }},
		"all SKUs deleted": {before: func(e *env) { e.Exec(`DELETE FROM sku`) }},
		"SKU gone all the same": {before: func(e *env) {
			e.Exec(`ALTER TABLE sku DISABLE TRIGGER retire_sku`)
			e.Exec(`DELETE FROM sku WHERE id = 6`)
		}},
		"catalog emptied": {before: func(e *env) {
			e.Exec(`TRUNCATE product, sku, sku_inventory, shipping_method, discount_type, discount_code CASCADE`)
		}},
		"product deleted": {before: func(e *env) { e.Exec(`DELETE FROM sku`); e.Exec(`DELETE FROM product`) }},
		"shipping method deleted": {before: func(e *env) {
			e.Exec(`UPDATE cart SET shipping_method_id = NULL`)
			e.Exec(`DELETE FROM shipping_method`)
		}},
		"first status null": {before: func(e *env) { e.Exec(`UPDATE configuration SET value = NULL`) }},
		"first status unknown": {before: func(e *env) {
			e.Exec(`UPDATE configuration SET value = 'nonsense' WHERE key = 'initial_order_status'`)
		}},
		"first status deleted":  {before: func(e *env) { e.Exec(`DELETE FROM status WHERE identifier = 'accepted'`) }},
		"no settings":           {before: func(e *env) { e.Exec(`DELETE FROM configuration`) }},
		"no status at all":      {before: func(e *env) { e.Exec(`DELETE FROM status`) }},
		"NUL":                   {object: func(o map[string]any) { everyText(o, "Pat\x00Buyer") }},
		"half a surrogate pair": {event: func(d *bus.Delivery) *bus.Delivery { return rawly(d, "Pat Buyer", `Pat \ud83d Buyer\udc00`) }},
		"invalid UTF-8":         {event: func(d *bus.Delivery) *bus.Delivery { return rawly(d, "Elm Street", "Elm \xff\xfe Street") }},
		"long":                  {object: func(o map[string]any) { everyText(o, long) }},
		"odd keys": {event: func(d *bus.Delivery) *bus.Delivery {
			return rawly(d, `"metadata":`,
				`"\u0000":"\u0000","metadata":`)
		}},
		"long payment intent": {object: func(o map[string]any) { o["payment_intent"] = "pi_" + long }},
		"NUL in the intent":   {object: func(o map[string]any) { o["payment_intent"] = "pi_\x00" }},
		"no intent":           {object: func(o map[string]any) { o["payment_intent"] = nil }},
		"odd envelope": {event: func(d *bus.Delivery) *bus.Delivery {
			return rawly(rawly(d, `"created":`, `"created":"yesterday","x":`), `"2023-10-16"`, "7")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t)
			p := e.visitor()
			p.add("6", "2")
			p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
			c := p.quoted("pat@mail.example.com")
			if test.before != nil {
				test.before(e)
			}

			d := event("evt_1", completed, c, test.object)
			if test.event != nil {
				d = test.event(d)
			}
			e.mustHandle(d)
			if n := e.Number(`SELECT count(*) FROM orders`); n != 1 {
				t.Fatalf("%d orders, for staff: %d", n, e.Number(`SELECT count(*) FROM payment_issue`))
			}
			identifier := e.Text(`SELECT identifier FROM orders`)
			if r := e.settled(d); r.identifier != identifier {
				t.Errorf("the success page says %v", r)
			}

			o := p.Get("/order/" + identifier)
			o.Want("Binder Clips", "order_data", "order_items", "product_sku_data", "0", "parent_product__title")
			o.Want("Holds up to 30 sheets", "order_data", "order_items", "product_sku_data", "0", "description")
			if !strings.Contains(name, "status at all") {
				e.Counts(1, `SELECT count(*) FROM order_status`)
			}

			e.Counts(0, `SELECT count(*) FROM payment_issue`)
			if to := e.mailOf(c).To[0]; to != "pat@mail.example.com" {
				t.Errorf("the mail goes to %s", to)
			}
		})
	}
}

// everyText is the same text wherever a buyer may write.
func everyText(object map[string]any, text string) {
	address := map[string]any{"line1": text, "line2": text, "city": text, "state": text, "postal_code": text, "country": text}
	object["customer_details"] = map[string]any{"email": "pat@mail.example.com" + text, "name": text, "address": address}
	object["shipping_details"] = map[string]any{"name": text, "address": address}
	object["metadata"] = map[string]string{"checkout_id": "none" + text, "note": text}
}

// A payment that is still refused is on the list for staff, in the same flow, and does not affect
// its neighbors; when the cause is gone the order is made automatically, unless staff have resolved
// the entry.
func TestRefusedPaymentGoesToStaffAlone(t *testing.T) {
	t.Parallel()
	const only = ` WHEN (NEW.email = 'odd@mail.example.com') EXECUTE FUNCTION stop()`
	for name, test := range map[string]struct{ breaks, mends string }{
		"class 23": {`ALTER TABLE orders ADD CONSTRAINT house CHECK (email <> 'odd@mail.example.com')`,
			`ALTER TABLE orders DROP CONSTRAINT house`},
		"class 22": {`ALTER TABLE orders ADD CONSTRAINT house CHECK (1 / (email <> 'odd@mail.example.com')::int = 1)`,
			`ALTER TABLE orders DROP CONSTRAINT house`},
		"class P0": {trigger("orders", `RAISE EXCEPTION 'not this one'`) + only, `DROP TRIGGER stop ON orders`},
		"class 42": {trigger("orders", `PERFORM * FROM nowhere`) + only, `DROP TRIGGER stop ON orders`},
		"class 54": {`CREATE INDEX big ON orders ((repeat(md5(email) || email, CASE email WHEN 'odd@mail.example.com' THEN 10000 ` +
			`ELSE 1 END) COLLATE "C"))`, `DROP INDEX big`},
		"class XX": {trigger("orders", `RAISE EXCEPTION USING errcode = 'XX000'`) + only, `DROP TRIGGER stop ON orders`},
		"the messages": {trigger("outbox", `RAISE EXCEPTION 'no'`) +
			` WHEN (convert_from(NEW.payload, 'UTF8') LIKE '%odd@mail%') EXECUTE FUNCTION stop()`, `DROP TRIGGER stop ON outbox`},
		"the status": {trigger("order_status",
			`IF EXISTS (SELECT FROM orders WHERE id = NEW.order_id AND email = 'odd@mail.example.com') THEN RAISE unique_violation; END `+
				`IF; RETURN NEW`) + ` EXECUTE FUNCTION stop()`, `DROP TRIGGER stop ON order_status`},
		"an order left out": {trigger("orders", `RETURN NULL`) + only, `DROP TRIGGER stop ON orders`},
		"a line left out": {trigger("order_line",
			`IF EXISTS (SELECT FROM orders WHERE id = NEW.order_id AND email = 'odd@mail.example.com') THEN RETURN NULL; END IF; `+
				`RETURN NEW`) + ` EXECUTE FUNCTION stop()`, `DROP TRIGGER stop ON order_line`},
		"a status left out": {trigger("order_status",
			`IF EXISTS (SELECT FROM orders WHERE id = NEW.order_id AND email = 'odd@mail.example.com') THEN RETURN NULL; END IF; `+
				`RETURN NEW`) + ` EXECUTE FUNCTION stop()`, `DROP TRIGGER stop ON order_status`},
		"quote of texts": {`UPDATE checkout SET quote = '{"lines":"none"}' WHERE email = 'odd@mail.example.com'`, ``},
		"quote of null":  {`UPDATE checkout SET quote = '{}' WHERE email = 'odd@mail.example.com'`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t)
			var events []*bus.Delivery
			var odd checkout
			for i, address := range []string{"a@mail.example.com", "b@mail.example.com", "odd@mail.example.com", "c@mail.example.com",
				"d@mail.example.com"} {
				p := e.visitor()
				p.add("6", "1")
				c := p.quoted(address)
				if i == 2 {
					odd = c
				}
				events = append(events, event(fmt.Sprintf("evt_%d", i), completed, c, func(o map[string]any) {
					o["customer_email"] = address
				}))
			}

			e.Exec(test.breaks)
			e.mustHandle(events...)
			e.mustHandle(events...)
			e.Counts(4, `SELECT count(*) FROM orders`)
			list := e.Text(`SELECT string_agg(concat_ws(' ', reason, session_id, payment_intent, event_id, amount, currency, ` +
				`payload->>'id'), ';') FROM payment_issue WHERE resolved_at IS NULL AND length(explanation) > 40`)
			if list != fmt.Sprintf("order-refused %s pi_%s evt_2 %d usd evt_2", *odd.SessionID, odd.ID, odd.Total) {
				t.Errorf("for staff: %s", list)
			}
			if r := e.settled(events[2]); r.reason != orderRefused {
				t.Errorf("the success page says %v", r)
			}
			if test.mends == "" {
				return
			}

			e.Exec(test.mends)
			if r := e.settled(events[2]); r.identifier == "" {
				t.Errorf("with the cause gone: %v", r)
			}
			e.Counts(0, `SELECT count(*) FROM payment_issue WHERE resolved_at IS NULL`)
		})
	}
}

func trigger(table, body string) string {
	return `CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ` + body +
		`; END $$; CREATE TRIGGER stop BEFORE INSERT ON ` + table + ` FOR EACH ROW`
}

// A payment that staff have refunded or served by hand does not become an order afterwards.
func TestResolvedPaymentMakesNoOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("6", "1")
	c := p.quoted("")
	e.Exec(`ALTER TABLE orders ADD CONSTRAINT house CHECK (total < 0)`)
	d := event("evt_1", completed, c, nil)
	e.mustHandle(d)
	e.Exec(`UPDATE payment_issue SET resolved_at = now(), resolved_by = 'kim'`)
	e.Exec(`ALTER TABLE orders DROP CONSTRAINT house`)
	e.mustHandle(d)
	if r := e.settled(d); r.reason != orderRefused || e.Number(`SELECT count(*) FROM orders`) != 0 {
		t.Errorf("refunded, and yet %v", r)
	}
	e.Exec(`UPDATE checkout SET checked_at = now() - interval '1 day'`)
	if list, err := checkoutsToSweep(t.Context(), e.pool, time.Minute); err != nil || len(list) != 0 {
		t.Errorf("the sweep goes on asking about it: %v %v", list, err)
	}
}

// A session of an undocumented shape goes to staff, and is not dropped.
func TestAnUnreadableSessionIsForStaff(t *testing.T) {
	t.Parallel()
	for _, change := range []func(o map[string]any){
		func(o map[string]any) { o["amount_total"] = "1355" },
		func(o map[string]any) { o["amount_total"] = 13.55 },
		func(o map[string]any) { o["customer_details"] = []string{"Pat"} },
		func(o map[string]any) { o["currency"] = map[string]string{"code": "usd"} },
		func(o map[string]any) { o["client_reference_id"] = 7 },
		func(o map[string]any) { o["payment_status"] = 1 },
	} {
		e := newEnv(t)
		p := e.visitor()
		p.add("6", "1")
		c := p.quoted("")
		d := event("evt_1", completed, c, change)
		e.mustHandle(d)
		if got := e.Text(`SELECT string_agg(reason || session_id, ';') FROM payment_issue`); got != "unreadable"+*c.SessionID {
			t.Errorf("%s is %s", d.Data, got)
		}
		// Once it can be read, it becomes an order.
		e.mustHandle(event("evt_2", completed, c, nil))
		e.Counts(1, `SELECT count(*) FROM orders`)
	}
}

// An entry for staff can be stored whatever the payment contains.
func TestAnyEntryForStaffCanBeStored(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	long := strings.Repeat("é", 4000)
	for i, id := range []string{"cs_\x00", "cs_" + long, "cs_" + long + "2", "cs_\xff", "cs_1"} {
		amount := money.Cents(-5)
		paid := stripe.Session{ID: id, PaymentStatus: "paid", PaymentIntent: long, Currency: "\x00" + long, AmountTotal: &amount}
		paid.Clean()
		for range 2 {
			err := e.server.outbox.Tx(t.Context(), func(tx pgx.Tx) error {
				_, err := e.server.place(t.Context(), tx, []payment{{Session: paid, eventID: "evt\x00" + long, raw: []byte(outsides[i])}})
				return err
			})
			if err != nil {
				t.Errorf("%.40q: %v", id, err)
			}
		}
	}
	e.Counts(5, `SELECT count(*) FROM payment_issue WHERE reason = 'no-quote'`)
}

var outsides = []string{`{"a":"\u0000"}`, "\xff\x00", `{"n":1e999999}`, strings.Repeat("[", 9000) + strings.Repeat("]", 9000), `["\ud800"]`}

// SKUs that were ever quoted are retired instead of deleted, in psql, too; the others are deleted.
func TestQuotedSKUsAreRetired(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("6", "1")
	p.add("7", "1")
	e.Exec(`UPDATE sku SET stock = 5 WHERE id = 7`)
	p.quoted("")
	e.Exec(`DELETE FROM sku`)
	if got := e.Text(`SELECT string_agg(id::text || ' ' || coalesce(product_id::text, 'none') || ' ' || (retired_at IS NOT NULL), ';' ` +
		`ORDER BY id) FROM sku`); got != "6 none true;7 none true" {
		t.Errorf("left: %s", got)
	}
	if n := e.Number(`SELECT count(*) FROM sku_now`); n != 0 {
		t.Errorf("%d SKUs are on sale, want 0", n)
	}
	e.visitor().add("6", "1").Want("sku-not-found", "errors", "error")
	e.Exec(`DELETE FROM product`)
}

// However staff have changed the counts in the meantime, a checkout that ends is over, and gives
// back what fits.
func TestACheckoutEndsWhateverTheCountsAre(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE sku SET stock = 5 WHERE id = 6`)
	e.Exec(`UPDATE discount_code SET max_uses = 5`)
	p := e.visitor()
	p.add("6", "2")
	p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
	c := p.quoted("pat@mail.example.com")
	if n := e.Number(`SELECT count(*) FROM reservation`) + e.Number(`SELECT count(*) FROM code_use`); n != 2 {
		t.Fatalf("%d things are held, want 2", n)
	}
	e.Exec(`UPDATE sku SET stock = 2147483647 WHERE id = 6`)
	e.Exec(`UPDATE discount_code SET uses = 0`)
	e.mustHandle(event("evt_1", "checkout.session.expired", c,
		func(o map[string]any) { o["payment_status"], o["status"] = "unpaid", "expired" }))
	if n := e.Number(`SELECT count(*) FROM checkout WHERE state = 'expired'`); n != 1 || e.Number(`SELECT count(*) FROM reservation`) != 0 {
		t.Error("the checkout goes on")
	}
}
