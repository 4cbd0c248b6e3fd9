package order

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// refusing makes the database refuse orders until it is repaired, and has a payment refused by it.
func refusing(t *testing.T) (e *env, c checkout, mend func()) {
	t.Helper()
	e = newEnv(t)
	e.Exec(`UPDATE sku SET stock = 10 WHERE id = 6`)
	stripe := e.sweeping()
	e.Exec(trigger("orders", `IF NEW.email LIKE 'refused%' THEN RAISE EXCEPTION 'not <b>this</b> one'; END IF; RETURN NEW`) +
		` EXECUTE FUNCTION stop()`)
	p := e.visitor()
	p.add("6", "1")
	c = p.quoted("refused@mail.example.com")
	stripe.set(listed(c, as("refused@mail.example.com")))
	e.mustHandle(event("evt_refused", completed, c, as("refused@mail.example.com")))
	return e, c, func() { e.Exec(`DROP TRIGGER stop ON orders`) }
}

// Staff see why a payment made no order, make the order when the cause is gone, once, and cannot do
// again what is done already; each act is on record.
func TestStaffMakeTheOrderFromAPayment(t *testing.T) {
	t.Parallel()
	e, _, mend := refusing(t)
	id := e.Text(`SELECT id::text FROM payment_issue`)
	staff := e.client.AsStaff("order", adminui.Manager)
	staff.Get("/staff/payments").Has(200, "order-refused", `href="/payments/`+id+`"`)
	staff.Get("/staff/payments/"+id).Has(200, "not &lt;b&gt;this&lt;/b&gt; one", "Make the order", "payments-for-staff.md")
	staff.Post("/staff/payments/"+id+"/order").Has(422, "It still makes no order")
	mend()
	if a := staff.Post("/staff/payments/" + id + "/order"); a.Status != http.StatusSeeOther ||
		!strings.HasPrefix(a.Header.Get("Location"), "/orders/") {
		t.Fatal(a)
	}

	for _, act := range []string{"order", "resolve", "refund"} {
		if a := staff.Post("/staff/payments/" + id + "/" + act); a.Status != http.StatusConflict {
			t.Errorf("%s: %s", act, a)
		}
	}

	e.Counts(1, `SELECT count(*) FROM orders`)
	e.Counts(1, `SELECT count(*) FROM outbox WHERE subject = 'staff.acted.order'`)
	staff.Header = http.Header{"Accept": {"application/json"}}
	staff.Get("/staff/payments/"+id).Want("order-refused", "payment", "reason")
}

// A payment is refunded or marked as resolved; what it held returns to the shelf.
func TestStaffResolveAPayment(t *testing.T) {
	t.Parallel()
	e, c, _ := refusing(t)
	id := e.Text(`SELECT id::text FROM payment_issue`)
	support := e.client.AsStaff("order", adminui.Support)
	if a := support.Post("/staff/payments/" + id + "/resolve"); a.Status != http.StatusForbidden {
		t.Error(a)
	}

	staff := e.client.AsStaff("order", adminui.Manager)
	if a := staff.Post("/staff/payments/"+id+"/refund", "note", "sorry"); a.Status != http.StatusSeeOther {
		t.Fatal(a)
	}
	e.Counts(1, `SELECT count(*) FROM refund WHERE amount = $1`, int64(c.Total))
	if n := e.Number(`SELECT count(*) FROM payment_issue WHERE resolved_by = 'Ada'`); n != 1 {
		t.Error("the entry is not resolved")
	}

	staff.Get("/staff/payments/"+id).Has(200, "The payment was given back",
		"Payment of "+c.Total.String()+" whose order could not be stored")
	for _, path := range []string{"/staff/payments/0", "/staff/payments/x", "/staff/payments/99999999999999999999"} {
		if a := staff.Get(path); a.Status != http.StatusNotFound {
			t.Errorf("%s: %s", path, a)
		}
	}
}

// Order's work list names payments, disputes, failed refunds, late orders and held stock by kind,
// each with its page and runbook; resolved entries are not in it.
func TestWorkOfOrder(t *testing.T) {
	t.Parallel()
	e, _, _ := refusing(t)
	e.server.cfg.LateDays = 3
	e.placed(2)
	e.Exec(`INSERT INTO order_status (order_id, status) SELECT id, 'accepted' FROM orders ON CONFLICT DO NOTHING`)
	e.Exec(`UPDATE orders SET placed_at = now() - interval '4 days' WHERE identifier = 'order1'`)
	lost, failed := e.sold("ann@mail.example.com", "1"), e.sold("bob@mail.example.com", "1")
	e.mustHandle(disputeEvent("evt_d", "charge.dispute.closed", e.intent(lost), "lost", -1355))

	for i, state := range []string{"succeeded", "failed"} {
		e.mustHandle(refundEvent("evt_r"+web.ID(int64(i)), "refund.updated", "re_1", e.intent(failed), 100, state, nil))
	}
	are := func(counts map[string]int64) {
		t.Helper()
		kinds, err := e.server.work(t.Context(), adminui.WorkShown)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range kinds {
			if k.Count != counts[k.Name] || int64(len(k.Items)) != counts[k.Name] || k.Runbook == "" {
				t.Errorf("%s: %+v, want %d", k.Name, k, counts[k.Name])
			}
		}
	}
	are(map[string]int64{"payments": 1, "late-orders": 1, "held-stock": 1, "disputes": 1, "failed-refunds": 1})
	staff := e.staff(adminui.Manager)

	// Each kind is described, and its page offers and shows only what applies to it.
	for reason, has := range map[string][]string{
		"refund-failed": {"<h1>Refund of 1.00 failed</h1>", "<dt>Refund</dt><dd>re_1</dd>"},
		"dispute-lost":  {"<h1>Dispute of 13.55 lost</h1>", "<dt>Dispute</dt>"},
		"order-refused": {"whose order could not be stored</h1>", "<dt>Session</dt>", "The goods were sent by hand", "What Stripe said"}} {
		a := e.browser(adminui.Manager).Get("/staff/payments/" + e.Text(`SELECT id::text FROM payment_issue WHERE reason = $1`, reason))
		a.Has(200, has...)
		for _, not := range []string{"The goods were sent by hand", "go back on the shelf", "What Stripe said", "{}"} {
			if reason != "order-refused" && strings.Contains(a.Body, not) {
				t.Errorf("%s: the page has %q", reason, not)
			}
		}
	}
	if text := staff.Get("/staff/orders/" + lost).OK().Body; !strings.Contains(text, `"Dispute about 13.55: lost"`) {
		t.Errorf("the order of a lost dispute: %s", text)
	}

	var entries []string
	for i := range 3 {
		entries = append(entries, staff.Get("/staff/payments").OK().Text("payments", web.ID(int64(i)), "reason"))
	}
	if slices.Sort(entries); strings.Join(entries, " ") != "dispute-lost order-refused refund-failed" {
		t.Errorf("for staff: %q", entries)
	}

	staff.Post("/staff/payments/" + e.Text(`SELECT id::text FROM payment_issue WHERE reason = 'dispute-lost'`) + "/resolve").OK()
	are(map[string]int64{"payments": 1, "late-orders": 1, "held-stock": 1, "failed-refunds": 1})
	staff.Get("/staff/payments/"+e.Text(`SELECT id::text FROM payment_issue WHERE reason = 'dispute-lost'`)).
		Want("by-hand", "payment", "resolution")

	// The pages that the list links to show as many as it counts.
	kinds, err := e.server.work(t.Context(), adminui.WorkShown)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds {
		if k.Name == "late-orders" {
			if got, _ := shownOrders(staff, strings.TrimPrefix(k.To, "/orders?")); strings.Join(got, " ") != "order1" {
				t.Errorf("%s leads to %q", k.To, got)
			}
		}
	}

	e.Exec(`UPDATE refund SET state = 'pending'`)
	for i, to := 0, ""; to == ""; i++ {
		a := staff.Get("/staff/home").OK()
		if a.Text("tiles", web.ID(int64(i)), "title") == "Refunds under way" {
			to = a.Text("tiles", web.ID(int64(i)), "to")
			if got, _ := shownOrders(staff, strings.TrimPrefix(to, "/orders?")); strings.Join(got, " ") != failed {
				t.Errorf("%q leads to %q", to, got)
			}
		}
	}
}

// The trail of an order is found by each of its keys, and gives the keys by which other services
// know it.
func TestTrailOfAnOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("6", "1")
	c := p.quoted("ann@mail.example.com")
	e.mustHandle(event("evt_1", completed, c, as("ann@mail.example.com")))
	identifier := e.Text(`SELECT identifier FROM orders`)
	on, desk := Order{Identifier: identifier}, e.server.desk

	e.staff(adminui.Owner).Post("/staff/orders/"+identifier+"/notes", "text", "Hello.", "mail", "on").OK()
	parcel, err := desk.Ship(t.Context(), kim, Parcel{Order: on, Tracking: "1"})
	if err != nil {
		t.Fatal(err)
	}
	e.mailParcels(1)
	if err := desk.Correct(t.Context(), kim, Correction{Order: on, Shipment: parcel, Tracking: "2", Mail: true}); err != nil {
		t.Fatal(err)
	}

	e.mustHandle(refundEvent("evt_2", "refund.created", "re_1", "pi_"+c.ID, 1, "succeeded", nil),
		disputeEvent("evt_3", "charge.dispute.created", "pi_"+c.ID, "needs_response"))
	sent := strings.Fields(e.Text(`SELECT string_agg(key, ' ') FROM outbox
		WHERE subject NOT LIKE 'staff.%' AND subject NOT LIKE 'catalog.%'`))
	for _, key := range []string{identifier, c.ID, *c.SessionID, "pi_" + c.ID, "ANN@mail.example.com", web.ID(c.CartID)} {
		trail, err := e.server.trail(t.Context(), []string{key})
		if err != nil {
			t.Fatal(err)
		}
		var steps []string
		for _, h := range trail.Hops {
			steps = append(steps, h.Step)
		}
		if got := strings.Join(steps, " "); !strings.Contains(got, "checkout") || !strings.Contains(got, "order") ||
			!strings.Contains(got, "status") || !strings.Contains(got, "entry") {
			t.Errorf("%s: steps %s", key, got)
		}
		for _, want := range append(sent, identifier) { // each message about the order is found by its key
			if !slices.Contains(trail.Keys, want) {
				t.Errorf("%s: no key %s among %q", key, want, trail.Keys)
			}
		}
	}

	if trail, err := e.server.trail(t.Context(), []string{"nothing", "7777", "x@y.example"}); err != nil || len(trail.Hops) > 0 {
		t.Errorf("%+v, %v", trail, err)
	}
}
