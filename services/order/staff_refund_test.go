package order

import (
	"net/http"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Money is refunded by pieces, by amount or completely, never more than is left, and with a fresh
// second factor.
func TestStaffRefundAnOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.sold("ann@mail.example.com", "3") // 3 × 3.99, shipping as chosen
	path := "/staff/orders/" + id + "/refund"
	staff := e.staff(adminui.Manager)
	fields(t, staff.Get(path).OK(), staffFormPage{})

	e.browser(adminui.Manager).Get(path).Has(200, `name="line-0" value="0"`, "fraudulent", `class="primary bad"`)
	for field, bad := range map[string]string{"line-0": "4", "amount": "1,50", "reason": "whim"} {
		staff.Post(path, "version", "1", field, bad).Has(422)
	}
	for _, bad := range [][]string{{"amount", "-1"}, {"amount", "0"}, {"amount", "9999"}, {}, {"all", "on", "amount", "1"},
		{"amount", "1", "restock", "on"}} {
		staff.Post(path, append(bad, "version", "1")...).Has(422)
	}

	// The amount can be seen first, and what was typed stays; errors are shown there, too.
	e.browser(adminui.Manager).Get(path).Has(200, `<button formaction="/orders/`+id+
		`/refund/total">Work out the total</button><button class="primary bad">`)
	total := e.browser(adminui.Manager).Post(path+"/total", "version", "1", "line-0", "2", "note", "typed")
	total.Has(200, "It comes to 7.98 of the ", "Nothing is refunded yet", `name="line-0" value="2"`, ">typed</textarea>")
	staff.Post(path+"/total", "version", "1", "amount", "9999").Has(422, "that is left")
	staff.Post(path+"/total", "version", "9", "amount", "1").Has(400)
	if n := e.Number(`SELECT count(*) FROM refund`); n != 0 {
		t.Errorf("working out made %d refunds", n)
	}

	staff.Post(path, "version", "1", "line-0", "1", "restock", "on", "reason", "duplicate", "note", "broken").OK()
	stale := e.browser(adminui.Owner).Post(path, "version", "1", "amount", "2.50", "note", "typed")
	stale.Has(409, `value="2.50"`, ">typed</textarea>", "Ada (refunded ", " left</strong>", "yours would come on top")
	staff.Post(path, "version", "2", "amount", "2.50").OK()
	staff.Post(path, "version", "3", "all", "on").OK()
	staff.Post(path, "version", "4", "all", "on").Has(422, "nothing left to refund")
	e.Counts(3, `SELECT count(*) FROM refund WHERE by_name = 'Ada' AND by_person = 7`)
	e.Counts(e.Number(`SELECT total FROM orders`), `SELECT sum(amount) FROM refund`)

	for _, role := range []adminui.Role{adminui.Support, adminui.Fulfilment, adminui.ReadOnly} {
		e.staff(role).Post(path, "version", "4", "amount", "1").Has(403)
	}
	staff.Staff.FreshUntil = time.Now().Add(-time.Second)
	for _, act := range []string{"refund", "cancel"} {
		staff.Post("/staff/orders/"+id+"/"+act, "version", "4").Has(403, "confirm-it-is-you")
		staff.Get("/staff/orders/"+id+"/"+act).Has(403, "confirm-it-is-you")
	}
}

// An order is canceled in one act, unless something of it was sent.
func TestStaffCancelAnOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id, sent := e.sold("ann@mail.example.com", "1"), e.sold("bob@mail.example.com", "1")
	if _, err := e.server.desk.Ship(t.Context(), kim, Parcel{Order: Order{Identifier: sent}}); err != nil {
		t.Fatal(err)
	}

	for _, role := range []adminui.Role{adminui.Support, adminui.Fulfilment, adminui.ReadOnly} { // canceling refunds money
		e.staff(role).Post("/staff/orders/"+id+"/cancel", "version", "1").Has(403)
	}
	staff := e.staff(adminui.Manager)
	staff.Get("/staff/orders/" + id + "/cancel").OK()
	staff.Post("/staff/orders/"+id+"/cancel", "version", "9").Has(400) // it never had this version, so this is not a conflict
	if a := staff.Post("/staff/orders/"+id+"/cancel", "version", "1", "note", "rang\x00\xff"); a.Status != http.StatusBadRequest {
		t.Error(a)
	}

	staff.Post("/staff/orders/"+id+"/cancel", "version", "1", "reason", "requested_by_customer").Has(200, "Canceled. The money is refunded")
	staff.Post("/staff/orders/"+id+"/cancel", "version", "2").Has(422, "already canceled")
	for i := range 2 { // the refund and the status
		staff.Get("/staff/orders/"+id).Want("Ada", "timeline", web.ID(int64(i)), "who")
	}
	staff.Post("/staff/orders/"+sent+"/cancel", "version", "2").Has(422, "refund it instead")
	if len(e.mailed(msg.MailOrderCanceled)) != 1 {
		t.Error("the customer is not told")
	}
	staff.Get("/staff/orders/"+id).Want("canceled", "status")
}

// A conflicting correction of the address keeps what was typed beside what another person stored in
// the meantime.
func TestStaffCorrectAnAddress(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.sold("ann@mail.example.com", "1")
	path := "/staff/orders/" + id + "/address"
	staff := e.staff(adminui.Support)
	address := []string{"name", "Pat", "address_line1", "14 Elm Street", "city", "Springfield", "state", "IL", "zip", "62704",
		"country_code", "us"}
	e.browser(adminui.Support).Get(path).Has(200, `value="12 Elm Street"`)
	staff.Post(path, append(address, "version", "1")...).Has(200, "The old one is kept too")
	mine := e.browser(adminui.Fulfilment).Post(path, "version", "1", "name", "Pat", "address_line1", "16 Elm <b>", "city", "Springfield",
		"country_code", "US")
	mine.Has(409, `value="16 Elm &lt;b&gt;"`, "Now: <strong>14 Elm Street</strong>", "Ada (corrected the shipping address: ")
	staff.Post(path, "version", "2", "name", "", "address_line1", "x", "city", "y", "country_code", "US").Has(422, "An address needs this")
	staff.Post(path, "version", "2", "name", "x", "address_line1", "x", "city", "y", "country_code", "USA").
		Has(422, "two-letter country code")
	a := staff.Get("/staff/orders/" + id)
	a.Want("14 Elm Street", "shipping_address", "address_line1")
	a.Want("Corrected the shipping address", "timeline", "0", "text")
}
