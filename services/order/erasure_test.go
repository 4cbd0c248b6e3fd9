package order

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

func (e *env) erase(person msg.Erased) {
	e.t.Helper()
	data, err := json.Marshal(person)
	if err != nil {
		e.t.Fatal(err)
	}
	err = pgx.BeginFunc(e.t.Context(), e.pool, func(tx pgx.Tx) error {
		return erasure.Receive(e.t.Context(), tx, &bus.Delivery{Subject: msg.UserErased, Data: data}, eraseOrders)
	})
	if err != nil {
		e.t.Fatal(err)
	}
}

// traces counts the rows that name the buyer of event.
func (e *env) traces() (n int) {
	e.t.Helper()
	for _, table := range []string{"orders", "checkout", "payment_event", "payment_issue", "prospect", "cart", "code_use"} {
		n += e.Number(`SELECT count(*) FROM ` + table + ` t WHERE t::text ~* 'pat@mail|Pat Buyer|Pat''s Office|12 Elm'`)
	}
	return n + e.Number(`SELECT count(*) FROM outbox WHERE encode(payload, 'escape') ~* 'pat@mail|Pat Buyer|12 Elm'`)
}

// An event that was sent before an erasure stores nothing about the person after it.
func TestLateEventDoesNotRestoreAnErasedBuyer(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("6", "1")
	c := p.quoted("pat@mail.example.com")
	paid := event("evt_1", completed, c, nil)
	e.erase(msg.Erased{Emails: []string{"Pat@mail.example.com"}, At: time.Now()})
	e.mustHandle(paid)
	refund := fmt.Sprintf(`{"id":"evt_2","type":"charge.refunded","created":%d,"data":{"object":{"payment_intent":"pi_%s",`+
		`"amount_refunded":300,"currency":"usd","billing_details":{"email":"pat@mail.example.com"}}}}`, time.Now().Unix(), c.ID)
	e.mustHandle(&bus.Delivery{Key: "evt_2", Subject: msg.StripeSubject("charge.refunded"), Data: []byte(refund)})
	if n := e.Number(`SELECT count(*) FROM orders JOIN payment_event USING (payment_intent) WHERE total = 1355 AND amount = 300`); n != 1 {
		t.Errorf("%d orders with a refund, want 1: the money counts all the same", n)
	}
	if n := e.traces(); n != 0 {
		t.Errorf("%d rows name the erased buyer, want 0", n)
	}
}

// Orders that are paid after an erasure keep their buyer.
func TestBuyerAfterAnErasureIsANewCustomer(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.erase(msg.Erased{Emails: []string{"pat@mail.example.com"}, At: time.Now().Add(-time.Minute)})
	p := e.visitor()
	p.add("6", "1")
	e.mustHandle(event("evt_1", completed, p.quoted("pat@mail.example.com"), nil))
	if n := e.Number(`SELECT count(*) FROM orders WHERE email = 'pat@mail.example.com' AND shipping_address ->> 'address_line1' = '12 ` +
		`Elm Street'`); n != 1 {
		t.Errorf("%d orders with their buyer, want 1", n)
	}
}

// The record of what staff did with an order keeps its figures, and nothing that identifies the
// buyer.
func TestActsOfStaffAreErased(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	on := Order{Identifier: e.sold("pat@mail.example.com", "2")}
	to := msg.Address{Name: "Pat Buyer", Line1: "12 Elm Court", City: "Salem", CountryCode: "US"}
	if err := e.server.desk.Readdress(t.Context(), kim, Readdress{on, to}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.server.desk.Refund(t.Context(), kim, Refund{Order: on, Lines: []Pieces{{0, 1}}, Note: "Pat Buyer rang"}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.server.desk.Ship(t.Context(), kim, Parcel{Order: on}); err != nil {
		t.Fatal(err)
	}

	e.staff(adminui.Support).Post("/staff/orders/"+on.Identifier+"/notes", "text", "Pat Buyer wants it in blue", "mail", "on").OK()
	person := erasure.Person{Emails: []string{"pat@mail.example.com"}}
	raw, err := ExportOrders(t.Context(), e.pool, person)
	if err != nil {
		t.Fatal(err)
	}

	for _, want := range []string{"12 Elm Court", "12 Elm Street", "Pat Buyer rang", "in blue", `"shipments": [{`, `"refund_lines": [{`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("the export lacks %s", want)
		}
	}

	e.erase(msg.Erased{Emails: person.Emails, At: time.Now()})
	for _, table := range []string{"orders", "refund", "refund_line", "shipment", "shipment_line", "address_change", "staff_note",
		"outbox"} {
		if n := e.Number(`SELECT count(*) FROM ` + table + ` t WHERE t::text ~* 'pat@mail|Pat Buyer|12 Elm'`); n != 0 {
			t.Errorf("%d rows of %s name the buyer, want 0", n, table)
		}
	}

	e.mailParcels(1)
	if n := e.Number(`SELECT count(*) FROM refund JOIN orders USING (payment_intent)`); n != 1 || len(e.mailed(msg.MailOrderShipped)) != 0 {
		t.Errorf("%d refunds, %d mails, want 1 and 0", n, len(e.mailed(msg.MailOrderShipped)))
	}
}

// Disputes and failed refunds leave entries without a payload. Erasing one customer clears what
// Stripe and staff wrote about their payments, with and without an order, and leaves what was
// written about others.
func TestErasingOneCustomerLeavesTheDisputesOfOthers(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE sku SET stock = 20 WHERE id = 6`)
	people := []string{"ann", "bob"}
	for _, name := range people {
		address := name + "@mail.example.com"
		said := map[string]any{"billing_details": map[string]any{"email": address}}
		for i, identifier := range []string{e.sold(address, "1"), e.sold(address, "1")} {
			key := fmt.Sprint(name, i)
			refund, err := e.server.desk.Refund(t.Context(), kim, Refund{Order: Order{Identifier: identifier}, Amount: 100,
				Note: key + " rang"})
			if err != nil {
				t.Fatal(err)
			}
			said["metadata"] = map[string]string{"refund": refund}
			e.mustHandle(refundEvent("evt_r"+key, "refund.failed", "re_"+key, e.intent(identifier), 100, "failed", said),
				moneyEvent("evt_d"+key, "charge.dispute.created", map[string]any{"id": "dp_" + key, "object": "dispute", "amount": 1,
					"currency": "usd", "payment_intent": e.intent(identifier), "status": "needs_response", "reason": "fraudulent",
					"created": time.Now().Unix(), "billing_details": said["billing_details"]}))
		}

		c := e.buy(address) // a payment without an order
		e.mustHandle(event("evt_n"+name, completed, c, func(o map[string]any) { as(address)(o); o["amount_total"] = 7 }))
		entry := int64(e.Number(`SELECT id FROM payment_issue WHERE session_id = $1`, *c.SessionID))
		if _, err := e.server.desk.RefundPayment(t.Context(), kim, entry, name+"2 rang"); err != nil {
			t.Fatal(err)
		}
		e.mustHandle(refundEvent("evt_p"+name, "refund.created", "re_"+name, "pi_"+c.ID, 7, "succeeded", said))
	}

	raw, err := ExportOrders(t.Context(), e.pool, erasure.Person{Emails: []string{"ann@mail.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"ann0 rang": true, "ann1 rang": true, "ann2 rang": true, `"evt_pann"`: true, "evt_dann1": true,
		"bob": false} {
		if strings.Contains(string(raw), text) != want {
			t.Errorf("%q in the export: %t", text, !want)
		}
	}

	e.erase(msg.Erased{Emails: []string{"ann@mail.example.com"}, At: time.Now()})
	for name, want := range map[string]string{"ann": "0 events, 0 notes, 0 entries", "bob": "5 events, 3 notes, 1 entries"} {
		got := e.Text(`SELECT format('%s events, %s notes, %s entries',
			(SELECT count(*) FROM payment_event WHERE payload::text LIKE '%' || $1 || '@mail%'),
			(SELECT count(*) FROM refund WHERE note LIKE $1 || '% rang'),
			(SELECT count(*) FROM payment_issue WHERE payload::text LIKE '%' || $1 || '@mail%'))`, name)
		if got != want {
			t.Errorf("of %s are left %s, want %s", name, got, want)
		}
	}
}
