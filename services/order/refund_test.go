package order

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// intent is the payment intent of an order.
func (e *env) intent(identifier string) string {
	e.t.Helper()
	return e.Text(`SELECT payment_intent FROM orders WHERE identifier = $1`, identifier)
}

// refundEvent is an event about a refund as Stripe sends it.
func refundEvent(id, kind, refundID, intent string, cents int, status string, more map[string]any) *bus.Delivery {
	object := map[string]any{"id": refundID, "object": "refund", "amount": cents, "currency": "usd", "payment_intent": intent,
		"status": status, "created": time.Now().Unix(), "metadata": map[string]string{}}
	for name, v := range more {
		object[name] = v
	}
	return moneyEvent(id, kind, object)
}

func disputeEvent(id, kind, intent, status string, moves ...int) *bus.Delivery {
	list := []map[string]any{}
	for _, m := range moves {
		list = append(list, map[string]any{"amount": m, "currency": "usd"})
	}
	return moneyEvent(id, kind, map[string]any{
		"id":                   "dp_1",
		"object":               "dispute",
		"amount":               1355,
		"currency":             "usd",
		"payment_intent":       intent,
		"status":               status,
		"reason":               "fraudulent",
		"balance_transactions": list,
		"created":              time.Now().Unix(),
		"evidence_details":     map[string]any{"due_by": time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC).Unix()},
	})
}

func moneyEvent(id, kind string, object map[string]any) *bus.Delivery {
	raw, err := json.Marshal(map[string]any{"id": id, "object": "event", "type": kind, "api_version": "2023-10-16",
		"created": time.Now().Unix(), "data": map[string]any{"object": object}})
	if err != nil {
		panic(err)
	}
	return &bus.Delivery{Key: id, Subject: msg.StripeSubject(kind), Data: raw, Attempt: 1}
}

func (e *env) ledgerIs(identifier string, want Ledger) {
	e.t.Helper()
	got, err := LedgerOf(e.t.Context(), e.pool, e.intent(identifier))
	if err != nil || got != want {
		e.t.Errorf("the ledger says %+v, want %+v: %v", got, want, err)
	}
}

// entries are the open entries for staff, as "reason amount".
func (e *env) entries() string {
	e.t.Helper()
	return e.Text(`SELECT coalesce(string_agg(reason || ' ' || amount, ', ' ORDER BY reason), '')
		FROM payment_issue WHERE resolved_at IS NULL AND length(explanation) > 60`)
}

// Refunds are computed from pieces, shipping or an amount, and never exceed what is left.
func TestRefundAmounts(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE sku SET stock = 10 WHERE id = 6`)
	desk := e.server.desk
	on := Order{Identifier: e.sold("ann@mail.example.com", "3")} // 3 at 3.99, shipping 9.56
	stock := func() int { return e.Number(`SELECT stock FROM sku WHERE id = 6`) }
	before := stock()

	for field, w := range map[string]Refund{
		"reason": {All: true, Reason: "because"}, "note": {All: true, Note: strings.Repeat("x", 1001)},
		"lines": {Lines: []Pieces{{0, 4}}}, "restock": {Amount: 100, Restock: true},
	} {
		w.Order = on
		_, err := desk.Refund(t.Context(), kim, w)
		refusedFor(t, field, err)
	}

	for _, w := range []Refund{{}, {Amount: 2154}, {Amount: -1}, {Lines: []Pieces{{0, 1}}, Amount: 400}, {Shipping: true, Amount: 957}} {
		w.Order = on
		_, err := desk.Refund(t.Context(), kim, w)
		refusedFor(t, "amount", err)
	}

	refund := func(want int, w Refund) {
		t.Helper()
		w.Order = on
		id, err := desk.Refund(t.Context(), kim, w)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Number(`SELECT amount FROM refund WHERE id = $1 AND state = 'requested' AND by_name = 'Kim'`, id); got != want {
			t.Errorf("%+v comes to %d, want %d", w, got, want)
		}
	}

	refund(399, Refund{Lines: []Pieces{{0, 1}}, Restock: true, Reason: "requested_by_customer"})
	refund(250, Refund{Lines: []Pieces{{0, 1}}, Amount: 250}) // it was damaged, and is kept
	if got := stock(); got != before+1 {
		t.Errorf("%d pieces on the shelf, want %d", got, before+1)
	}

	_, err := desk.Refund(t.Context(), kim, Refund{Order: on, Lines: []Pieces{{0, 2}}})
	refusedFor(t, "lines", err)
	refund(956, Refund{Shipping: true})
	_, err = desk.Refund(t.Context(), kim, Refund{Order: on, Shipping: true})
	refusedFor(t, "amount", err)
	e.ledgerIs(on.Identifier, Ledger{Captured: 2153, Requested: 1605})
	refund(548, Refund{All: true, Restock: true})
	if got := stock(); got != before+2 {
		t.Errorf("%d pieces on the shelf, want %d", got, before+2)
	}

	_, err = desk.Refund(t.Context(), kim, Refund{Order: on, All: true})
	refusedFor(t, "amount", err)
	if strings.Contains(e.Text(`SELECT string_agg(convert_from(payload, 'UTF8'), ' ') FROM outbox WHERE subject LIKE 'staff.%'`), "note") {
		t.Error("the log of acts has a note")
	}
}

// The shares of pieces add up to what was paid for the items, to the cent, in whichever steps they
// are refunded.
func TestSharesOfADiscountAddUp(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable
	for range 2000 {
		var lines []deskLine
		o := deskOrder{}
		for seq := range 1 + r.IntN(4) {
			l := deskLine{Seq: seq, Quantity: 1 + r.IntN(5), PriceCents: 1 + r.Int64N(99_999_999)}
			lines = append(lines, l)
			o.ItemSubtotal += l.PriceCents * int64(l.Quantity)
		}

		discounted := o.ItemSubtotal
		if r.IntN(2) == 0 { // the code was for some lines only
			lines[0].FullPrice = true
			discounted -= lines[0].PriceCents * int64(lines[0].Quantity)
		}
		o.ItemDiscount = r.Int64N(discounted + 1)

		var sum money.Cents
		for left := piecesLeft(lines); len(left) > 0; left = piecesLeft(lines) {
			p := left[r.IntN(len(left))]
			p.Quantity = 1 + r.IntN(p.Quantity)
			part := o.itemsPaid(lines, []Pieces{p})
			if part < 0 {
				t.Fatalf("%+v of %+v comes to %d", p, lines, part)
			}
			sum += part
			lines[p.Seq].Refunded += p.Quantity
		}
		if want := money.Cents(o.ItemSubtotal - o.ItemDiscount); sum != want {
			t.Fatalf("%+v come to %d, paid were %d", lines, sum, want)
		}
	}
}

// However Stripe's events about a refund arrive, the refund has the state of the latest, the
// customer is mailed once, and staff get one entry if it failed.
func TestRefundEventsInAnyOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	r := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // repeatable
	for name, test := range map[string]struct {
		statuses []string
		state    string
		mails    int
		entries  string
	}{
		"at once":        {statuses: []string{"succeeded", "succeeded"}, state: "succeeded", mails: 1},
		"after a while":  {statuses: []string{"pending", "succeeded"}, state: "succeeded", mails: 1},
		"fails":          {statuses: []string{"pending", "failed"}, state: "failed", mails: 1, entries: "refund-failed 399"},
		"fails later":    {statuses: []string{"pending", "succeeded", "failed"}, state: "failed", mails: 1, entries: "refund-failed 399"},
		"is canceled":    {statuses: []string{"pending", "canceled"}, state: "canceled", mails: 1, entries: "refund-failed 399"},
		"wants more":     {statuses: []string{"requires_action", "pending"}, state: "pending", mails: 1},
		"fails at first": {statuses: []string{"failed"}, state: "failed", entries: "refund-failed 399"},
	} {
		for _, ours := range []bool{true, false} {
			on := Order{Identifier: e.sold("ann@mail.example.com", "1")}
			id, metadata := "re_"+on.Identifier, map[string]any{}
			if ours {
				mine, err := e.server.desk.Refund(t.Context(), kim, Refund{Order: on, Lines: []Pieces{{0, 1}}})
				if err != nil {
					t.Fatal(err)
				}
				metadata["metadata"] = map[string]string{"refund": mine}
			}

			var events []*bus.Delivery
			for i, status := range test.statuses {
				for copies := range 2 {
					events = append(events, refundEvent(fmt.Sprint("evt_", on.Identifier, i, copies), "refund.updated", id,
						e.intent(on.Identifier),
						399, status, metadata))
				}
			}

			r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
			for len(events) > 0 {
				n := 1 + r.IntN(len(events))
				e.mustHandle(events[:n]...)
				events = events[n:]
			}

			state := e.Text(`SELECT string_agg(state || ' ' || origin, ',') FROM refund WHERE payment_intent = $1`, e.intent(on.Identifier))
			if want := test.state + map[bool]string{true: " shop", false: " stripe"}[ours]; state != want {
				t.Errorf("%s: %s, want %s", name, state, want)
			}

			// The failure may be the first event to arrive; then there is nothing to mail.
			if n := len(e.mailed(msg.MailOrderRefunded)); n > test.mails || n < test.mails && test.entries == "" {
				t.Errorf("%s: %d mails", name, n)
			}
			if got := e.entries(); got != test.entries {
				t.Errorf("%s: for staff: %s", name, got)
			}
			e.Exec(`DELETE FROM outbox`)
			e.Exec(`DELETE FROM payment_issue`)
		}
	}
}

// An order is refunded once all of its money is, and no longer when a part fails.
func TestFullRefundChangesTheStatus(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	identifier := e.sold("ann@mail.example.com", "1")
	at := func(refundID string, cents int, status string) *bus.Delivery {
		return refundEvent("evt_"+refundID+status, "charge.refund.updated", refundID, e.intent(identifier), cents, status, nil)
	}
	e.mustHandle(at("re_1", 1000, "succeeded"))
	if got := e.statuses(identifier); got != "accepted" {
		t.Errorf("refunded in part: %s", got)
	}

	e.mustHandle(at("re_2", 355, "pending"))
	if got := e.statuses(identifier); got != "accepted refunded" {
		t.Errorf("refunded whole: %s", got)
	}
	e.mustHandle(at("re_2", 355, "failed"))
	if got := e.statuses(identifier); got != "accepted" {
		t.Errorf("after a part came back: %s", got)
	}

	e.ledgerIs(identifier, Ledger{Captured: 1355, Refunded: 1000})
	const told = `
		SELECT coalesce(string_agg(concat_ws(' ', split_part(key, ':', 3), j->>'total', j->>'returned', j->>'email'), ', '
		  ORDER BY seq), '')
		FROM (SELECT seq, key, convert_from(payload, 'UTF8')::jsonb AS j FROM outbox WHERE subject = 'order.money') AS m`
	if got := e.Text(told); got != "1 1355 1000 ann@mail.example.com, 2 1355 1355 ann@mail.example.com, 3 1355 1000 ann@mail.example.com" {
		t.Errorf("amounts given back: %s", got)
	}

	e.visitor().Get("/order/"+identifier).Want("10.00", "order_data", "order_refunded")
	list := e.mailed(msg.MailOrderRefunded)
	if len(list) != 2 || list[0].Refund.Amount != 1000 || list[0].Order.Identifier != identifier {
		t.Errorf("%d mails", len(list))
	}
}

// An order of which one piece was sent and the other is refunded counts as sent: nothing is left to
// do. If the refund fails, there is again.
func TestRefundOfTheRestCompletesAnOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	on := Order{Identifier: e.sold("ann@mail.example.com", "2")}
	if _, err := e.server.desk.Ship(t.Context(), kim, Parcel{Order: on, Lines: []Pieces{{0, 1}}}); err != nil {
		t.Fatal(err)
	}
	id, err := e.server.desk.Refund(t.Context(), kim, Refund{Order: on, Lines: []Pieces{{0, 1}}})
	if err != nil {
		t.Fatal(err)
	}

	says := func(cents int, status string) {
		t.Helper()
		e.mustHandle(refundEvent("evt_"+id+status, "charge.refund.updated", "re_"+id, e.intent(on.Identifier), cents, status,
			map[string]any{"metadata": map[string]string{"refund": id}}))
	}
	is := func(statuses string) {
		t.Helper()
		if got := e.statuses(on.Identifier); got != statuses {
			t.Errorf("%s, want %s", got, statuses)
		}
	}

	is("accepted") // Stripe has not been asked yet
	says(399, "pending")
	is("accepted shipped")
	e.mailParcels(1)

	const told = `SELECT count(*) FROM outbox WHERE key = 'order-status:' || $1 || ':shipped'`
	if n := e.Number(told, on.Identifier); n != 1 {
		t.Errorf("told %d times", n)
	}

	// When the refund fails the piece has to be sent.
	says(399, "failed")
	is("accepted")
	if _, err := e.server.desk.Ship(t.Context(), kim, Parcel{Order: on}); err != nil {
		t.Error(err)
	}

	is("accepted shipped")

	// The other way round: the parcel leaves after the refund.
	on = Order{Identifier: e.sold("cleo@mail.example.com", "2")} // the other way round: the parcel after the refund
	if id, err = e.server.desk.Refund(t.Context(), kim, Refund{Order: on, Lines: []Pieces{{0, 1}}}); err != nil {
		t.Fatal(err)
	}
	says(399, "pending")
	if _, err := e.server.desk.Ship(t.Context(), kim, Parcel{Order: on}); err != nil {
		t.Fatal(err)
	}

	is("accepted shipped")
	says(399, "failed")
	is("accepted")

	// An order of which nothing was sent is refunded instead, even if the price of shipping is
	// kept.
	on = Order{Identifier: e.sold("bea@mail.example.com", "2")}
	if id, err = e.server.desk.Refund(t.Context(), kim, Refund{Order: on, Lines: []Pieces{{0, 2}}}); err != nil {
		t.Fatal(err)
	}

	says(798, "pending") // the price of shipping is kept
	is("accepted refunded")
	says(798, "failed")
	is("accepted")
}

// Stripe's events may come before the order, and after its buyer was erased.
func TestRefundsWithoutACustomerToTell(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("6", "1")
	c := p.quoted("pat@mail.example.com")
	e.mustHandle(refundEvent("evt_early", "refund.created", "re_1", "pi_"+c.ID, 300, "succeeded", nil))
	e.mustHandle(event("evt_paid", completed, c, nil))
	if err := e.server.followUpOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(e.mailed(msg.MailOrderRefunded)); n != 1 {
		t.Errorf("%d mails about a refund from before the order, want 1", n)
	}
	e.mustHandle(refundEvent("evt_old", "refund.created", "re_0", "pi_"+c.ID, 1, "succeeded",
		map[string]any{"created": time.Now().Add(-100 * time.Hour).Unix()}))
	e.erase(msg.Erased{Emails: []string{"pat@mail.example.com"}, At: time.Now()})
	e.mustHandle(refundEvent("evt_late", "refund.created", "re_2", "pi_"+c.ID, 300, "succeeded", nil))
	if n := e.Number(`SELECT count(*) FROM outbox WHERE subject = 'mail.send.order-refunded'`); n > 1 {
		t.Errorf("%d mails, want at most 1", n)
	}
	e.ledgerIs(e.Text(`SELECT identifier FROM orders`), Ledger{Captured: 1355, Refunded: 601})
}

// Malformed refunds and disputes are ignored. A refund with a copied id, and one of an unknown
// payment, count as made in the dashboard.
func TestInvalidRefundsAndDisputes(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	identifier := e.sold("ann@mail.example.com", "1")
	intent := e.intent(identifier)
	id, err := e.server.desk.Refund(t.Context(), kim, Refund{Order: Order{Identifier: identifier}, Amount: 100})
	if err != nil {
		t.Fatal(err)
	}

	ours := map[string]any{"metadata": map[string]string{"refund": id}}
	e.mustHandle(
		refundEvent("evt_1", "refund.updated", "re_other", intent, 99, "succeeded", ours), // in the dashboard, with our id copied into it
		refundEvent("evt_2", "refund.updated", "", intent, 99, "succeeded", nil),
		refundEvent("evt_3", "refund.updated", "re_3", intent, 99, "lost", nil),
		refundEvent("evt_4", "refund.updated", "re_4", intent, -99, "succeeded", nil),
		refundEvent("evt_5", "refund.updated", "re_5", "", 99, "succeeded", nil),
		refundEvent("evt_6", "refund.updated", "re_6", intent, 99, "succeeded", map[string]any{"amount": "99"}),
		refundEvent("evt_7", "refund.updated", "re_\x00", "pi_foreign", 5, "succeeded",
			map[string]any{"reason": "x\x00", "metadata": []int{1}}),
		moneyEvent("evt_8", "charge.dispute.created", map[string]any{"id": 7}),
		moneyEvent("evt_9", "charge.dispute.created", map[string]any{"id": "dp_9", "payment_intent": intent}),
		moneyEvent("evt_a", "charge.refunded", map[string]any{"payment_intent": []int{}, "amount_refunded": "x"}),
		moneyEvent("evt_b", "charge.refunded", map[string]any{"payment_intent": intent, "amount_refunded": 7}),
	)

	e.ledgerIs(identifier, Ledger{Captured: 1355, Requested: 100, Refunded: 99})
	if n := e.Number(`SELECT count(*) FROM refund`); n != 3 {
		t.Errorf("%d refunds, want ours, the one with our id, and the foreign one", n)
	}
}

// A dispute takes money while the bank decides; staff have an entry while they must act.
func TestDisputes(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	identifier := e.sold("ann@mail.example.com", "1")
	intent := e.intent(identifier)
	const prefix = "charge.dispute."
	events := []*bus.Delivery{
		disputeEvent("evt_1", prefix+"created", intent, "warning_needs_response"),
		disputeEvent("evt_2", prefix+"updated", intent, "warning_under_review"),
		disputeEvent("evt_3", prefix+"funds_withdrawn", intent, "needs_response", -1355),
		disputeEvent("evt_4", prefix+"updated", intent, "under_review", -1355),
		disputeEvent("evt_5", prefix+"funds_reinstated", intent, "won", -1355, 1355),
	}

	for i, want := range []struct {
		ledger  Ledger
		entries string
	}{
		{Ledger{Captured: 1355}, "dispute 1355"}, {Ledger{Captured: 1355}, ""}, {Ledger{Captured: 1355, Disputed: 1355}, "dispute 1355"},
		{Ledger{Captured: 1355, Disputed: 1355}, ""}, {Ledger{Captured: 1355}, ""},
	} {
		e.mustHandle(events[:i+1]...) // with all earlier events
		e.ledgerIs(identifier, want.ledger)
		if got := e.entries(); got != want.entries {
			t.Errorf("after event %d for staff: %q, want %q", i+1, got, want.entries)
		}
		if i == 2 {
			_, err := e.server.desk.Refund(t.Context(), kim, Refund{Order: Order{Identifier: identifier}, All: true})
			refusedFor(t, "amount", err)
			if text := e.Text(`SELECT explanation FROM payment_issue WHERE resolved_at IS NULL`); !strings.Contains(text,
				"2027-01-02 03:04 UTC") ||
				!strings.Contains(text, "order "+identifier) {
				t.Errorf("staff are told: %s", text)
			}
		}
	}

	e.mustHandle(events[0], events[3], events[1], events[2]) // repeated, late
	e.ledgerIs(identifier, Ledger{Captured: 1355})
	if got := e.entries(); got != "" {
		t.Errorf("late events bring %q back", got)
	}

	lost := e.sold("bob@mail.example.com", "1")
	e.Exec(`DELETE FROM dispute`)
	e.mustHandle(disputeEvent("evt_6", prefix+"closed", e.intent(lost), "lost", -1355), disputeEvent("evt_7", prefix+"created",
		e.intent(lost),
		"needs_response", -1355))
	e.ledgerIs(lost, Ledger{Captured: 1355, Disputed: 1355})
	if got := e.entries(); got != "dispute-lost 1355" {
		t.Errorf("after it was lost for staff: %q", got)
	}

	e.mustHandle(disputeEvent("evt_8", prefix+"closed", e.intent(lost), "won", -1355, 1355)) // Stripe was wrong, or appealed
	e.ledgerIs(lost, Ledger{Captured: 1355})
	if got := e.entries(); got != "" {
		t.Errorf("after it was won in the end for staff: %q", got)
	}
}

// Pieces that a refund put back on the shelf leave it again when the refund fails and the order
// must be sent after all; pieces that the customer had sent back stay on it.
func TestFailedRefundTakesPiecesOffTheShelf(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE sku SET stock = 10 WHERE id = 6`)
	stock := func(want int) {
		t.Helper()
		if got := e.Number(`SELECT stock FROM sku WHERE id = 6`); got != want {
			t.Errorf("%d pieces on the shelf, want %d", got, want)
		}
	}

	on := Order{Identifier: e.sold("ann@mail.example.com", "3")}
	refund := func(pieces int) (fail func()) {
		t.Helper()
		id, err := e.server.desk.Refund(t.Context(), kim, Refund{Order: on, Lines: []Pieces{{0, pieces}}, Restock: true})
		if err != nil {
			t.Fatal(err)
		}
		return func() {
			for _, again := range []string{"a", "b"} { // Stripe sends it twice
				e.mustHandle(refundEvent("evt_"+id+again, "refund.failed", "re_"+id, e.intent(on.Identifier), 399*pieces, "failed",
					map[string]any{"metadata": map[string]string{"refund": id}}))
			}
		}
	}

	stock(7)
	fail := refund(2)
	stock(9)
	fail()
	stock(7)
	fail = refund(3) // it is made once more, and fails once more
	stock(10)
	fail()
	stock(7)

	if _, err := e.server.desk.Ship(t.Context(), kim, Parcel{Order: on}); err != nil {
		t.Fatal(err)
	}
	fail = refund(1) // from the pieces that came back
	stock(8)
	fail()
	stock(8)
	refund(2) // the piece that is there, and another one
	stock(9)
}

// Canceling refunds what is left, restocks the pieces and mails once; a shipped order is refused.
func TestCancelOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE sku SET stock = 10 WHERE id = 6`)
	desk := e.server.desk
	stock := func() int { return e.Number(`SELECT stock FROM sku WHERE id = 6`) }
	on := Order{Identifier: e.sold("ann@mail.example.com", "3")}
	before := stock()

	if _, err := desk.Refund(t.Context(), kim, Refund{Order: on, Lines: []Pieces{{0, 1}}}); err != nil { // not restocked
		t.Fatal(err)
	}
	id, err := desk.Cancel(t.Context(), kim, on, "requested_by_customer", "rang\x00us")
	if err != nil || e.Text(`SELECT note FROM refund WHERE id = $1`, id) != "rang\uFFFDus" {
		t.Fatal(err)
	}
	if got := e.statuses(on.Identifier); got != "accepted canceled" || stock() != before+2 {
		t.Errorf("the order is %s, %d pieces on the shelf, want %d", got, stock(), before+2)
	}

	e.ledgerIs(on.Identifier, Ledger{Captured: 2153, Requested: 2153})
	e.mustHandle(refundEvent("evt_r", "refund.created", "re_1", e.intent(on.Identifier), 1754, "succeeded",
		map[string]any{"metadata": map[string]string{"refund": id}}))
	mails := e.mailed(msg.MailOrderCanceled)
	if len(mails) != 1 || mails[0].Refund.Amount != 1754 || len(e.mailed(msg.MailOrderRefunded)) != 0 {
		t.Errorf("%d mails that it is canceled, %d of the refund", len(mails), len(e.mailed(msg.MailOrderRefunded)))
	}

	_, err = desk.Cancel(t.Context(), kim, on, "", "")
	refusedFor(t, "", err)
	_, err = desk.Ship(t.Context(), kim, Parcel{Order: on})
	refusedFor(t, "", err)
	if n := len(e.mailed(msg.MailOrderCanceled)); n != 1 {
		t.Errorf("%d mails, want 1", n)
	}
	sent := Order{Identifier: e.sold("bob@mail.example.com", "1")}
	if _, err := desk.Ship(t.Context(), kim, Parcel{Order: sent}); err != nil {
		t.Fatal(err)
	}

	_, err = desk.Cancel(t.Context(), kim, sent, "", "")
	refusedFor(t, "", err)
	free := Order{Identifier: e.sold("cat@mail.example.com", "1")}
	e.Exec(`UPDATE orders SET payment_intent = NULL WHERE identifier = $1`, free.Identifier)
	if id, err := desk.Cancel(t.Context(), kim, free, "", ""); err != nil || id != "" || stock() != before+1 {
		t.Errorf("a free order: refund %q, %d on the shelf, %v", id, stock(), err)
	}
}

// Pieces that a refund has put on the shelf are not put there twice when it fails and is made
// again.
func TestAFailedRefundRestocksOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE sku SET stock = 10 WHERE id = 6`)
	on := Order{Identifier: e.sold("ann@mail.example.com", "2")}
	if _, err := e.server.desk.Ship(t.Context(), kim, Parcel{Order: on}); err != nil {
		t.Fatal(err)
	}
	for i := range 2 { // the customer sent them back
		id, err := e.server.desk.Refund(t.Context(), kim, Refund{Order: on, All: true, Restock: true})
		if err != nil {
			t.Fatal(err)
		}
		e.mustHandle(refundEvent(fmt.Sprint("evt_", i), "refund.failed", fmt.Sprint("re_", i), e.intent(on.Identifier), 1754, "failed",
			map[string]any{"metadata": map[string]string{"refund": id}}))
	}
	if n := e.Number(`SELECT stock FROM sku WHERE id = 6`); n != 10 {
		t.Errorf("%d pieces on the shelf, want 10", n)
	}
}

// A payment that made no order is refunded once, which resolves its entry.
func TestRefundPaymentWithoutAnOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("6", "1")
	c := p.quoted("")
	e.mustHandle(event("evt_0", completed, c, func(o map[string]any) { o["amount_total"] = 7 }))

	entry := int64(e.Number(`SELECT id FROM payment_issue`))
	id, err := e.server.desk.RefundPayment(t.Context(), kim, entry, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Text(`SELECT amount || state || payment_intent FROM refund WHERE id = $1`, id); got != "7requestedpi_"+c.ID {
		t.Errorf("refund: %s", got)
	}
	if n := e.Number(`SELECT count(*) FROM payment_issue JOIN checkout USING (session_id)
		WHERE resolved_by = 'Kim' AND state = 'failed'`); n != 1 {
		t.Error("the entry is open, or holds its checkout")
	}

	_, err = e.server.desk.RefundPayment(t.Context(), kim, entry, "")
	refusedFor(t, "", err)
	e.mustHandle(refundEvent("evt_r", "refund.failed", "re_1", "pi_"+c.ID, 7, "failed",
		map[string]any{"metadata": map[string]string{"refund": id}}))
	if got := e.entries(); got != "refund-failed 7" {
		t.Errorf("for staff: %s", got)
	}
}
