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
	err = pgx.BeginFunc(e.t.Context(), e.db, func(tx pgx.Tx) error {
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

func TestAnEventUnderWayBringsNobodyBack(t *testing.T) {
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
		t.Errorf("%d rows name the erased buyer", n)
	}
}

func TestWhoBuysAfterAnErasureIsANewCustomer(t *testing.T) {
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

// What staff did with an order keeps its figures, and nothing that says whose it was.
func TestWhatStaffDidIsErased(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	on := Order{Identifier: e.sold("pat@mail.example.com", "2")}
	to := msg.Address{Name: "Pat Buyer", Line1: "12 Elm Court", City: "Salem", CountryCode: "US"}
	if err := e.service.desk.Readdress(t.Context(), kim, Readdress{on, to}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.service.desk.Refund(t.Context(), kim, Refund{Order: on, Lines: []Pieces{{0, 1}}, Note: "Pat Buyer rang"}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.service.desk.Ship(t.Context(), kim, Parcel{Order: on}); err != nil {
		t.Fatal(err)
	}
	e.staff(adminui.Support).Post("/staff/orders/"+on.Identifier+"/notes", "text", "Pat Buyer wants it in blue", "mail", "on").OK()
	person := erasure.Person{Emails: []string{"pat@mail.example.com"}}
	raw, err := ExportOrders(t.Context(), e.db, person)
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
			t.Errorf("%d rows of %s name the buyer", n, table)
		}
	}
	e.tell(1)
	if n := e.Number(`SELECT count(*) FROM refund JOIN orders USING (payment_intent)`); n != 1 || len(e.mailed(msg.MailOrderShipped)) != 0 {
		t.Errorf("%d refunds, %d mails", n, len(e.mailed(msg.MailOrderShipped)))
	}
}
