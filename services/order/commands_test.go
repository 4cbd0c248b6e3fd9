package order

import (
	"bytes"
	"strings"
	"testing"
)

// The commands list and resolve payments, move orders and print slips; repeating one changes
// nothing.
func TestCommandsForStaff(t *testing.T) {
	e := newEnv(t) // not parallel: commands read the environment
	t.Setenv("DATABASE_URL", e.databaseURL)
	run := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := Command(args, &out, &out)
		return code, out.String()
	}

	// A payment of another amount is listed, without the buyer unless -raw, until it is resolved.
	p := e.visitor()
	p.add("6", "1")
	c := p.quoted("")
	e.mustHandle(event("evt_0", completed, c, func(o map[string]any) { o["amount_total"] = 1 }))
	if code, out := run("payments"); code != 0 || !strings.Contains(out, `"reason":"amount-differs"`) || !strings.Contains(out, "evt_0") {
		t.Errorf("payments: %d %s", code, out)
	}
	if _, out := run("payments"); strings.Contains(out, "@") || strings.Contains(out, "customer_details") {
		t.Errorf("payments names the buyer: %s", out)
	}
	if code, out := run("payments", "-raw"); code != 0 || !strings.Contains(out, "customer_details") {
		t.Errorf("payments -raw: %d %s", code, out)
	}

	id := e.Text(`SELECT id::text FROM payment_issue`)
	if code, out := run("resolve", "-payment", id, "-by", "kim"); code != 0 {
		t.Errorf("resolve: %d %s", code, out)
	}
	if code, out := run("payments"); code != 0 || out != "" {
		t.Errorf("payments after resolve: %d %s", code, out)
	}

	// A payment that matches makes an order, which packing prints as it was sold.
	e.mustHandle(event("evt_1", completed, c, nil))
	identifier := e.Text(`SELECT identifier FROM orders`)
	method, found := p.Get("/order/"+identifier).At("order_data", "order_shipping_method").(map[string]any)
	if _, early := method["tracking_number"]; early || !found {
		t.Error("an order has a tracking number before it is sent")
	}

	e.Exec(`UPDATE product SET title = 'Clamps'`)
	e.Exec(`UPDATE orders SET shipping_address = shipping_address || '{"address_line2": "Apt 5B"}'`)
	for _, args := range [][]string{{"packing"}, {"packing", "-order", identifier}} {
		if code, out := run(args...); code != 0 || !strings.Contains(out, `"Apt 5B"`) || !strings.Contains(out, `"Binder Clips"`) ||
			!strings.Contains(out, `"Holds up to 30 sheets"`) || strings.Count(out, "\n") != 1 {
			t.Errorf("%v: %d %s", args, code, out)
		}
	}

	// The order is sent with a number that a blank one does not overwrite.
	for range 2 { // safe to repeat
		if code, out := run("status", "-order", identifier, "-status", "shipped", "-tracking", "1Z9"); code != 0 {
			t.Errorf("status: %d %s", code, out)
		}
	}

	for _, blank := range []string{"", " ", "\t\n", "\u00a0", "\u200b\ufeff", "\x1b"} {
		if code, out := run("status", "-order", identifier, "-status", "shipped", "-tracking", blank); code != 0 {
			t.Errorf("status with a blank tracking number: %d %s", code, out)
		}
		if number := e.Text(`SELECT tracking_number FROM orders`); number != "1Z9" {
			t.Errorf("a blank tracking number %q makes %q of it", blank, number)
		}
	}

	o := p.Get("/order/" + identifier)
	o.Want("shipped", "order_data", "order_statuses", "0", "identifier")
	o.Want("1Z9", "order_data", "order_shipping_method", "tracking_number")
	o.Want("accepted", "order_data", "order_statuses", "1", "identifier")
	e.mailParcels(1) // other services are told once, when the parcel can no longer be undone
	e.Counts(1, `SELECT count(*) FROM outbox WHERE subject = 'order.status.changed'`)

	// Help names each command, and nothing is left to pack.
	for _, command := range []string{"help", "packing", "refund"} {
		if code, out := run("help"); code != 0 || !strings.Contains(out, "\n  order "+command) || !IsCommand([]string{command}) {
			t.Errorf("help on %s: %d %s", command, code, out)
		}
	}
	if code, out := run("packing"); code != 0 || out != "" {
		t.Errorf("packing after it was shipped: %d %s", code, out)
	}

	// Unknown orders and statuses fail, invalid arguments are usage errors.
	for _, args := range [][]string{{"packing", "-order", "nope"}, {"status", "-order", "nope", "-status", "shipped"},
		{"status", "-order", identifier, "-status", "lost"}, {"resolve", "-payment", "999", "-by", "x"},
		{"refund", "-order", identifier, "-by", "x", "-all", "-amount", "1"}} {
		if code, out := run(args...); code != 1 {
			t.Errorf("%v: %d %s", args, code, out)
		}
	}

	for _, args := range [][]string{{"refund", "-payment", "7", "-by", "x", "-amount", "1"}, {"status"}, {"resolve"},
		{"payments", "x"}, {"status", "-x"},
		{"status", "-order", identifier, "-status", "shipped", "-tracking", strings.Repeat("9", 101)}} {
		if code, out := run(args...); code != 2 {
			t.Errorf("%v: %d %s", args, code, out)
		}
	}
}
