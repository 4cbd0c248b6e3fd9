package order

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// An order is sent in parcels, each with a mail, until nothing is left.
func TestShipInParcels(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	desk, shopper := e.server.desk, e.visitor()
	on := Order{Identifier: e.sold("ann@mail.example.com", "3")}
	first, err := desk.Ship(t.Context(), kim, Parcel{Order: on, Tracking: " 1Z 9&x\n", Method: "UPSGround", Lines: []Pieces{{0, 2}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := e.statuses(on.Identifier); got != "accepted" {
		t.Errorf("sent in part, the order is %s", got)
	}

	// More pieces than are left, unknown methods and long numbers are refused.
	for _, bad := range [][]Pieces{{{0, 2}}, {{0, 0}}, {{1, 1}}, {{-1, 1}}, {{0, 1}, {0, 1}}} {
		_, err := desk.Ship(t.Context(), kim, Parcel{Order: on, Lines: bad})
		refusedFor(t, "lines", err)
	}
	_, err = desk.Ship(t.Context(), kim, Parcel{Order: on, Method: "Pigeon"})
	refusedFor(t, "method", err)
	_, err = desk.Ship(t.Context(), kim, Parcel{Order: on, Tracking: strings.Repeat("9", 101)})
	refusedFor(t, "tracking", err)

	// Once the customer is mailed the parcel cannot be undone, but the rest can be sent.
	e.mailParcels(1)

	if n := e.Number(`SELECT count(*) FROM outbox WHERE subject = 'order.status.changed'`); n != 0 {
		t.Errorf("%d messages that the order is sent, want 0", n)
	}
	if err := desk.Undo(t.Context(), kim, on, first); err == nil {
		t.Error("a parcel of which the customer knows was taken back")
	}
	if _, err := desk.Ship(t.Context(), kim, Parcel{Order: on}); err != nil { // the rest, as the customer chose
		t.Fatal(err)
	}

	_, err = desk.Ship(t.Context(), kim, Parcel{Order: on})
	refusedFor(t, "lines", err)
	if got := e.statuses(on.Identifier); got != "accepted shipped" {
		t.Errorf("sent whole, the order is %s", got)
	}

	// There is one mail for each parcel, and one message that the order is sent.
	e.mailParcels(1)
	e.mailParcels(0)
	mails := e.mailed(msg.MailOrderShipped)
	if len(mails) != 2 || e.Number(`SELECT count(*) FROM outbox WHERE subject = 'order.status.changed'`) != 1 {
		t.Fatalf("%d mails about two parcels", len(mails))
	}
	s := mails[0].Shipment
	if s.Carrier != "UPS Ground" || s.TrackingNumber != "1Z 9&x" || !strings.HasSuffix(s.TrackingURL, "&trackNums=1Z+9%26x") ||
		len(s.Lines) != 1 || s.Lines[0].Quantity != 2 || s.Lines[0].Product != "Binder Clips" || len(s.Rest) != 1 ||
		s.Rest[0].Quantity != 1 ||
		mails[0].To[0] != "ann@mail.example.com" || mails[0].Order.ShippingAddress.Line1 != "12 Elm Street" || mails[0].ProspectCode == "" {
		t.Errorf("the first mail: %+v %+v", mails[0], s)
	}
	if s = mails[1].Shipment; s.Carrier != "USPS Retail Ground" || s.TrackingURL != "" || s.Rest != nil {
		t.Errorf("the second mail: %+v", s)
	}

	// The order's page shows both parcels.
	page := shopper.Get("/order/" + on.Identifier)
	page.Want("1Z 9&x", "order_data", "order_shipments", "0", "tracking_number")
	page.Want("UPS Ground", "order_data", "order_shipments", "0", "carrier")
	page.Want(2, "order_data", "order_shipments", "0", "quantity")
	page.Want("USPS Retail Ground", "order_data", "order_shipments", "1", "carrier")
	if method := page.At("order_data", "order_shipping_method").(map[string]any); method["tracking_number"] != nil {
		t.Errorf("UPS's number stands beside the page of USPS: %v", method)
	}
}

// A parcel can be undone until its mail leaves, and its pieces can be sent again.
func TestUndoParcel(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.server.cfg.ShippingMailAfter = 0
	desk := NewDesk(e.pool, 1e10, nil)
	on := Order{Identifier: e.sold("ann@mail.example.com", "1")}
	id, err := desk.Ship(t.Context(), kim, Parcel{Order: on, Tracking: "1"})
	if err != nil {
		t.Fatal(err)
	}

	if n, err := e.server.mailDueShipments(t.Context()); n != 0 || err != nil {
		t.Errorf("the customer hears of it too early: %d, %v", n, err)
	}
	other := Order{Identifier: e.sold("bob@mail.example.com", "1")}
	if err := desk.Undo(t.Context(), kim, other, id); err == nil {
		t.Error("a parcel of another order was taken back")
	}

	if err := desk.Undo(t.Context(), kim, on, id); err != nil {
		t.Fatal(err)
	}
	if err := desk.Undo(t.Context(), kim, on, id); err == nil {
		t.Error("taken back twice")
	}
	if got := e.statuses(on.Identifier); got != "accepted" || e.Number(`SELECT count(*) FROM shipment_line`) != 0 ||
		e.Number(`SELECT count(*) FROM orders WHERE tracking_number IS NOT NULL`) != 0 {
		t.Errorf("afterwards the order is %s", got)
	}

	e.mailParcels(0)
	if _, err := desk.Ship(t.Context(), kim, Parcel{Order: on, Tracking: "2"}); err != nil {
		t.Errorf("sent again: %v", err)
	}
	e.mailParcels(1)
	if list := e.mailed(msg.MailOrderShipped); len(list) != 1 || list[0].Shipment.TrackingNumber != "2" {
		t.Errorf("%d mails", len(list))
	}
}

// Undoing and mailing race: either the parcel is gone, or the customer is mailed about it.
func TestUndoRacesWithTheMail(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	var parcels []string
	var orders []Order
	for range 8 {
		on := Order{Identifier: e.sold("ann@mail.example.com", "1")}
		id, err := NewDesk(e.pool, 1e10, nil).Ship(t.Context(), kim, Parcel{Order: on})
		if err != nil {
			t.Fatal(err)
		}
		parcels, orders = append(parcels, id), append(orders, on)
	}

	e.Exec(`UPDATE shipment SET mail_at = now() + interval '30 milliseconds'`)
	undone := make([]bool, len(parcels))
	var all sync.WaitGroup
	for i := range parcels {
		all.Go(func() { undone[i] = e.server.desk.Undo(t.Context(), kim, orders[i], parcels[i]) == nil })
		all.Go(func() {
			if _, err := e.server.mailDueShipments(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}

	all.Wait()
	e.Becomes(0, `SELECT count(*) FROM shipment WHERE mail_at > now()`)
	if _, err := e.server.mailDueShipments(t.Context()); err != nil {
		t.Fatal(err)
	}

	gone := 0
	for i, id := range parcels {
		mails := e.Number(`SELECT count(*) FROM outbox WHERE key = 'order-shipped:' || $1`, id)
		if undone[i] {
			gone++
		}
		if undone[i] == (mails == 1) {
			t.Errorf("parcel %d: undone %t, %d mails", i, undone[i], mails)
		}
	}
	t.Logf("%d of %d were taken back", gone, len(parcels))
}

// A correction before the mail is mailed as the only number, a later one only on request.
func TestCorrectTrackingNumber(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	desk := e.server.desk
	on := Order{Identifier: e.sold("ann@mail.example.com", "1")}
	id, err := NewDesk(e.pool, 1e12, nil).Ship(t.Context(), kim, Parcel{Order: on, Tracking: "wrong"})
	if err != nil {
		t.Fatal(err)
	}

	correct := func(tracking, method string, mail bool) {
		t.Helper()
		if err := desk.Correct(t.Context(), kim, Correction{Order: on, Shipment: id, Tracking: tracking, Method: method,
			Mail: mail}); err != nil {
			t.Fatal(err)
		}
	}

	correct("right", "", true) // no one was mailed the wrong one
	e.Exec(`UPDATE shipment SET mail_at = now()`)
	correct("righter", "", true) // nor just before the mail is enqueued
	e.mailParcels(1)
	correct("righter", "", true)
	correct("quiet", "FedExGround", false)
	correct("loud", "", true)

	list := e.mailed(msg.MailOrderShipped)
	if len(list) != 2 || list[0].Shipment.TrackingNumber != "righter" || list[0].Shipment.Corrected ||
		list[1].Shipment.TrackingNumber != "loud" ||
		!list[1].Shipment.Corrected || list[1].Shipment.Carrier != "FedEx Ground" {
		t.Errorf("%d mails: %+v", len(list), list)
	}
	if err := desk.Correct(t.Context(), kim, Correction{Order: on, Shipment: "none", Tracking: "x"}); err == nil {
		t.Error("an unknown parcel was corrected")
	}
	if n := e.version(on.Identifier); n != 6 || e.Number(`SELECT count(*) FROM outbox WHERE subject = 'order.status.changed'`) != 1 {
		t.Errorf("version %d after five changes", n)
	}
}

// Lines from a spreadsheet are sent one by one; invalid ones are left, with the reason.
func TestShipPastedOrders(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	a, b := e.sold("ann@mail.example.com", "1"), e.sold("bob@mail.example.com", "1")
	parcels, left, refused := PastedParcels(a + "\t1Z1\tUPSGround\r\n\n" + b + "\n=cmd()\tx\nnosuch, 77 \n" + a + ";again\n" +
		b + "\t\n" + b + ",1,2,3\n" + a + `,"A,7"`)
	if said := fmt.Sprint(refused); len(parcels) != 5 || len(refused) != 3 || !strings.Contains(said, "Line 4 does not begin") ||
		!strings.Contains(said, "Line 7 has no tracking") || !strings.Contains(said, "Line 8 has more") ||
		strings.Join(left, "|") != "=cmd()\tx|"+b+"\t|"+b+",1,2,3" || parcels[4].Tracking != "A,7" {
		t.Fatalf("%+v %q %v", parcels, left, refused)
	}

	parcels = parcels[:4]
	var got []string
	for _, s := range e.server.desk.ShipAll(t.Context(), kim, parcels) {
		what := "sent"
		if s.Err != nil {
			what = s.Err.Error()
		}
		got = append(got, s.Identifier+" "+s.Tracking+": "+what)
	}

	want := []string{a + " 1Z1: sent", b + " : sent", "nosuch 77: " + ErrUnknownOrder.Error(),
		a + " again: This order has nothing left to send."}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

// An address can be corrected until something is sent; both addresses are kept.
func TestReaddressOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	desk := e.server.desk
	on := Order{Identifier: e.sold("ann@mail.example.com", "1")}
	to := msg.Address{Name: "Ann Lee", Line1: "7 Oak\u2028 Street", City: "Salem", State: "OR", Zip: "97301", Country: "US",
		CountryCode: "us"}
	if err := desk.Readdress(t.Context(), kim, Readdress{on, to}); err != nil {
		t.Fatal(err)
	}

	o := e.visitor().Get("/order/" + on.Identifier)
	o.Want("7 Oak  Street", "order_data", "order_shipping_address", "address_line1")
	o.Want("US", "order_data", "order_shipping_address", "country_code")
	if got := e.Text(`SELECT before->>'address_line1' || ' > ' || (after->>'address_line1') || ' ' || by_name || version
			FROM address_change`); got !=
		"12 Elm Street > 7 Oak  Street Kim2" {
		t.Errorf("kept: %s", got)
	}
	var acted struct {
		Text          string
		Before, After loggedAddress
		Whose         []string
	}
	if err := json.Unmarshal([]byte(e.Text(`SELECT convert_from(payload, 'UTF8') FROM outbox WHERE subject = 'staff.acted.order'`)),
		&acted); err != nil {
		t.Fatal(err)
	}

	for _, a := range []loggedAddress{acted.Before, acted.After} { // an erasure finds them by these
		if a.Customer != "ann@mail.example.com" || a.Code == "" || !slices.Equal(acted.Whose, []string{a.Customer, a.Code}) {
			t.Errorf("the log of acts names %q, of %q", a, acted.Whose)
		}
	}
	if acted.Before.Address.Line1 != "12 Elm Street" || acted.After.Address.Line1 != "7 Oak  Street" ||
		acted.Text != "Corrected the shipping address: name, address_line1, city, state, zip" {
		t.Errorf("the log of acts: %+v", acted)
	}

	refusedFor(t, "city", desk.Readdress(t.Context(), kim, Readdress{on, msg.Address{Name: "A", Line1: "B", CountryCode: "US"}}))
	to.Line2 = strings.Repeat("x", 201)
	refusedFor(t, "address_line2", desk.Readdress(t.Context(), kim, Readdress{on, to}))
	if _, err := desk.Ship(t.Context(), kim, Parcel{Order: on}); err != nil {
		t.Fatal(err)
	}
	to.Line2 = ""
	to.City = "Portland"
	refusedFor(t, "", desk.Readdress(t.Context(), kim, Readdress{on, to}))
}
