package order

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// fields compares the data of a page with its struct: a field that is missing from the answer, or
// is not in the struct, must be a decision.
func fields(t *testing.T, a testenv.Answer, page any) {
	t.Helper()
	want := map[string]bool{}
	for f := range reflect.TypeOf(page).Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); f.IsExported() && name != "-" {
			want[name] = true
		}
	}
	got, ok := a.At().(map[string]any)
	if !ok {
		t.Fatalf("no object: %s", a)
	}
	for name := range got {
		if !want[name] {
			t.Errorf("%s is in the answer alone", name)
		}
		delete(want, name)
	}
	for name := range want {
		if name != "errors" && name != "next" {
			t.Errorf("%s is missing", name)
		}
	}
}

// browser sends requests as browsers do.
func (e *env) browser(roles ...adminui.Role) *testenv.Client {
	c := e.client.AsStaff("order", roles...)
	c.Header = http.Header{"Accept": {"text/html,application/xhtml+xml"}}
	return c
}

// odd is text that a shopper may enter and that must be shown as text.
const odd = `<script>alert(1)</script>"'>{{.}}`

// The page of an order shows all of it, and whatever a shopper entered as text.
func TestStaffSeeAnOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id, other := e.sold("ann@mail.example.com", "3"), e.sold("ann@mail.example.com", "1")
	e.sold("bob@mail.example.com", "1")
	path := "/staff/orders/" + id

	// The order has a parcel, a refund, a dispute and a code, and markup in every text.
	desk := e.server.desk
	on := Order{Identifier: id}
	parcel, err := desk.Ship(t.Context(), kim, Parcel{Order: on, Tracking: "1Z9", Method: "UPSGround", Lines: []Pieces{{0, 1}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := desk.Refund(t.Context(), kim, Refund{Order: on, Lines: []Pieces{{0, 1}}, Note: odd}); err != nil {
		t.Fatal(err)
	}

	e.Exec(`UPDATE orders SET customer_name = $1, shipping_address = jsonb_set(shipping_address, '{city}', to_jsonb($1::text))
		WHERE identifier = $2`, odd, id)
	e.Exec(`UPDATE order_line SET product_title = $1, color = $1`, odd)
	e.Exec(`INSERT INTO order_code SELECT id, 0, 1, true, jsonb_build_object('code', $1::text, 'description', $1::text)
		FROM orders WHERE identifier = $2`, odd, id)
	e.Exec(`INSERT INTO dispute (id, payment_intent, amount, withdrawn, moves, currency, reason, status, created_at)
		SELECT 'dp_1', payment_intent, 100, 100, 1, 'usd', $1, 'needs_response', now() FROM orders WHERE identifier = $2`, odd, id)

	// Its data is complete.
	staff := e.staff(adminui.Owner)
	staff.Post(path+"/notes", "text", odd+"\r\nsecond line").OK()
	a := staff.Get(path).OK()
	fields(t, a, staffOrderPage{})
	for want, keys := range map[string][]string{
		odd: {"customer", "name"}, "ann@mail.example.com": {"customer", "email"}, other: {"customer", "other_orders", "0", "identifier"},
		parcel: {"parcels", "0", "id"}, "requested": {"refunds", "0", "state"}, "needs_response": {"disputes", "0", "status"},
		odd + "\nsecond line": {"notes", "0", "text"}, "accepted": {"status"}, "12 Elm Street": {"shipping_address", "address_line1"},
		"3.99": {"money", "requested"},
	} {
		a.Want(want, keys...)
	}

	a.Want(3, "lines", "0", "quantity")
	a.Want(1, "lines", "0", "to_ship")
	a.Want(true, "consent", "terms_of_sale")
	if pi := a.Text("payment", "payment_intent"); a.Text("payment", "dashboard") != "https://dashboard.stripe.com/test/payments/"+pi {
		t.Errorf("at Stripe: %s", a.Text("payment", "dashboard"))
	}

	// The timeline has each event, the newest first.
	var what []string
	for i := range 6 {
		what = append(what, a.Text("timeline", fmt.Sprint(i), "text"))
	}
	if got := strings.Join(what,
		"|"); got != "Note|Dispute about 1.00: needs response|Refund of 3.99: requested|Sent a parcel|Accepted|Paid "+
		a.Text("money", "total") {
		t.Errorf("timeline: %s", got)
	}

	// The page shows the texts as text, and links to the parts of other services.
	page := e.browser(adminui.Owner).Get(path)
	page.Has(200, "&lt;script&gt;", "/orders/"+id+"/ship", "/orders/"+id+"/refund", "SKU 6", "Mail it to the customer",
		`hx-get="/mails/panel/order/`+id+`"`, `href="/mails/panel/order/`+id+`"`, `hx-get="/audit/order/`+id+`"`,
		`hx-get="/customers/panel?code=`, `hx-get="/stripe/panel?key=cs_test_`)
	page.Has(200, "Answer it in Stripe's dashboard")
	for status, outcome := range map[string]string{"won": "the money is back", "lost": "There is nothing left to answer",
		"warning_closed": "no money was taken", "under_review": "has the shop&#39;s answer"} {
		e.Exec(`UPDATE dispute SET status = $1`, status)
		if a := e.browser(adminui.Owner).Get(path); !strings.Contains(a.Body, outcome) || strings.Contains(a.Body, "Answer it in") {
			t.Errorf("a dispute that is %s does not say %q", status, outcome)
		}
	}

	e.browser(adminui.Owner).Get("/staff/orders/ship?id="+id).Has(200, ">disputed<")
	if packer := e.browser(adminui.Fulfilment).Get(path); strings.Contains(packer.Body, "/customers/panel") {
		t.Error("a person without the right to see customers is shown the buyer")
	}
	if strings.Contains(page.Body, "<script>alert") {
		t.Error("a shopper's text is markup")
	}
	if strings.Contains(page.Body, "/orders/"+id+"/cancel") {
		t.Error("an order that was sent in part can be canceled")
	}

	// A person with the right to read only is offered no act.
	look := e.browser(adminui.ReadOnly).Get(path)
	for _, not := range []string{"/ship", "/refund", "/cancel", "/undo", "/notes", "/status"} {
		if strings.Contains(look.Body, "/orders/"+id+not) {
			t.Errorf("a person with the right to read only sees %s", not)
		}
	}
	staff.Get("/staff/orders/none").Has(404)
}

// A note is kept for staff, or mailed as well; neither invalidates other people's forms.
func TestStaffWriteNotes(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.sold("ann@mail.example.com", "1")
	path := "/staff/orders/" + id + "/notes"
	staff := e.staff(adminui.Support)
	staff.Post(path, "text", " Rang, will ring again ").Has(200, "Note added")
	for range 2 { // the second time is a repetition
		staff.Post(path, "text", "Your mug comes\r\nin blue.", "mail", "on").Has(200, "Mailed")
	}

	for text, want := range map[string]string{" \n": "Write something", strings.Repeat("a", 2001): "at most 2000"} {
		staff.Post(path, "text", text).Has(422, want)
	}
	mails := e.mailed(msg.MailOrderNote)
	if len(mails) != 1 || mails[0].Note != "Your mug comes\nin blue." || mails[0].To[0] != "ann@mail.example.com" ||
		mails[0].Order.Identifier != id {
		t.Errorf("mailed: %+v", mails)
	}
	if got := e.acts(); got != "orders.edit order "+id+" Ada 7\norders.edit order "+id+" Ada 7" || e.version(id) != 1 {
		t.Errorf("version %d, acts:\n%s", e.version(id), got)
	}
	if n := e.Number(`SELECT count(*) FROM outbox WHERE subject = 'staff.acted.order'
		AND convert_from(payload, 'UTF8') LIKE '%mug%'`); n != 0 {
		t.Error("the log of acts contains the text to a customer")
	}

	e.Exec(`UPDATE orders SET email = NULL`)
	staff.Post(path, "text", "x", "mail", "on").Has(422, "no address")
	staff.Post("/staff/orders/none/notes", "text", "x").Has(404)
	e.staff(adminui.ReadOnly).Post(path, "text", "x").Has(403)
}
