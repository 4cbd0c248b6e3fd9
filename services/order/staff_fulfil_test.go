package order

import (
	"fmt"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// A parcel is sent in part or completely, corrected and undone, by forms that give the reason if
// they cannot.
func TestStaffShipAnOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.sold("ann@mail.example.com", "3")
	path := "/staff/orders/" + id
	staff := e.staff(adminui.Fulfilment)
	form := staff.Get(path + "/ship").OK()
	fields(t, form, staffFormPage{})
	e.browser(adminui.Fulfilment).Get(path+"/ship").Has(200, `name="line-0" value="3"`, `name="version" value="1"`, "UPS Ground",
		`action="/orders/`+id+`/ship"`)

	// Invalid parcels are refused; a part is sent.
	for field, value := range map[string]string{"line-0": "4", "method": "Pigeon", "tracking": strings.Repeat("9", 101)} {
		a := staff.Post(path+"/ship", "version", "1", field, value)
		a.Has(422)
		if fmt.Sprint(a.At("errors")) == "<nil>" {
			t.Errorf("%s: %s", field, a)
		}
	}

	for _, none := range []string{"0", "", "x", "-1"} {
		staff.Post(path+"/ship", "version", "1", "line-0", none).Has(422)
	}
	staff.Post(path+"/ship", "version", "1", "line-0", "2", "tracking", "1Z9", "method", "UPSGround").Has(200,
		"until then it can be undone")

	// A person with an older version keeps what they typed, and sees what was done in the meantime.
	stale := e.browser(adminui.Manager).Post(path+"/ship", "version", "1", "line-0", "1", "tracking", "MINE")
	parcel := e.Text(`SELECT id FROM shipment`)
	stale.Has(409, `value="MINE"`, "Ada (sent parcel "+parcel+") changed this", "look at it before you go on",
		`name="version" value="2"`)
	staff.Post(path+"/parcels/"+parcel, "version", "2", "tracking", "1Z8").Has(200, "Corrected")
	e.browser(adminui.Fulfilment).Get(path+"/parcels/"+parcel).Has(200, `value="1Z8"`)

	// The parcel is undone, once.
	staff.Post(path+"/undo", "version", "3", "parcel", parcel).Has(200, "Shipment undone")
	for _, version := range []string{"3", "4"} { // of two concurrent forms the second still saw it
		staff.Post(path+"/undo", "version", version, "parcel", parcel).Has(422, "already undone, by Ada")
	}
	staff.Post(path+"/undo", "version", "4", "parcel", "none").Has(422, "no parcel")
	e.browser(adminui.Manager).Post(path+"/undo", "version", "3", "parcel", "none").
		Has(409, "Ada (took parcel "+parcel+" back) changed this")
	page := staff.Get(path)
	page.Want("Took a parcel back", "timeline", "0", "text")
	page.Want("UPS Ground · 1Z8", "timeline", "0", "detail")
	page.Want("Sent a parcel, which was taken back", "timeline", "1", "text")

	// All that is left is sent; later forms say so.
	staff.Post(path+"/ship", "version", "4").OK() // all that is left
	for _, late := range []testenv.Answer{e.browser(adminui.Fulfilment).Get(path + "/ship"),
		e.browser(adminui.Manager).Post(path+"/ship", "version", "4", "tracking", "MINE")} {
		if !strings.Contains(late.Body, "Everything has been sent.") || strings.Contains(late.Body, ">Ship</button>") {
			t.Errorf("an order that is sent is offered to be sent again: %s", late)
		}
	}

	// After the mail nothing can be undone.
	e.mailParcels(1)
	parcel = e.Text(`SELECT id FROM shipment`)
	staff.Post(path+"/undo", "version", "5", "parcel", parcel).Has(422, "no longer be undone")
	staff.Post(path+"/ship", "version", "5", "line-0", "1").Has(422, "0 are left")
	if len(e.mailed(msg.MailOrderShipped)) != 1 || e.statuses(id) != "accepted shipped" {
		t.Errorf("%s", e.statuses(id))
	}

	// Other statuses are given by a form of their own.
	e.staff(adminui.Support).Post(path+"/ship", "version", "5").Has(403)
	staff.Post(path+"/status", "status", "packing").Has(400) // without a version it could not be told from a repetition
	version := func() string { return fmt.Sprint(e.version(id)) }
	staff.Post(path+"/status", "version", version(), "status", "packing").OK()
	staff.Post(path+"/status", "version", version(), "status", "shipped").Has(422, "Send a parcel")
	staff.Post(path+"/status", "version", version(), "status", "canceled").Has(422)
	staff.Post(path+"/status", "version", version(), "status", "none").Has(422, "no status")
}

// Many orders are sent together, typed or pasted; refused ones stay with what was typed, the rest
// is sent.
func TestStaffShipManyOrders(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	var ids []string
	for range 4 {
		ids = append(ids, e.sold("ann@mail.example.com", "1"))
	}

	staff := e.staff(adminui.Fulfilment)
	page := staff.Get("/staff/orders/ship").OK()
	fields(t, page, staffShipPage{})
	page.Want(ids[0], "orders", "0", "identifier") // has waited longest
	page.Want("1 × Binder Clips", "orders", "3", "pieces")
	staff.Get("/staff/orders/ship?status=packing").Has(200, `"orders":[]`)
	if a := staff.Get("/staff/orders/ship?id=" + ids[2]); a.Text("orders", "0", "identifier") != ids[2] || a.At("orders", "1") != nil {
		t.Error(a)
	}

	row := func(id, seen, tracking string) []string {
		return []string{"order", id, "seen", seen, "tracking", tracking}
	}
	if err := e.server.desk.Move(t.Context(), kim, Order{Identifier: ids[1]}, "packing", ""); err != nil {
		t.Fatal(err)
	}

	typed := append(row(ids[0], "1", "T0"), append(row(ids[1], "1", "T1<b>"), row(ids[2], "1", "")...)...)
	typed = append(typed, "parcels", ids[3]+"\tT3\tUPSGround\n"+"nosuchorder\tT4\n!!\tT5")
	a := staff.Post("/staff/orders/ship", typed...)
	a.Has(422)
	got := fmt.Sprintf("%v %v %v %v", a.At("sent"), a.At("orders", "0", "identifier"), a.At("orders", "0", "tracking"),
		a.At("orders", "1"))
	if want := fmt.Sprintf("[%s %s] %s T1<b> <nil>", ids[3], ids[0], ids[1]); got != want {
		t.Errorf("%s, want %s", got, want)
	}

	a.Has(422, "Line 3 does not begin", "nosuchorder: There is no such order.", "Changed meanwhile: Moved to packing, by Kim at ")
	e.browser(adminui.Fulfilment).Post("/staff/orders/ship", "parcels", "!!\tT5\nnosuch\t").Has(422, "!!\tT5\nnosuch\t</textarea>",
		"Line 2 has no tracking number.")
	again := e.browser(adminui.Fulfilment).Post("/staff/orders/ship", append(row(ids[1], "7", "T1<b>"), "method", "UPSGround")...)
	again.Has(422, `value="T1&lt;b&gt;"`, "This page does not match the order", `<option value="UPSGround" selected>`)
	staff.Post("/staff/orders/ship", append(row(ids[1], "2", "T1"), row(ids[2], "1", "T2")...)...).Has(200, "Sent 2 parcels",
		"/orders?status=shipped")
	staff.Post("/staff/orders/ship", row(ids[1], "1", "T1")...).Has(200, "Sent one parcel") // the same list twice

	staff.Post("/staff/orders/ship").Has(422, "Enter a tracking number")
	e.Counts(4, `SELECT count(*) FROM shipment WHERE tracking_number IN ('T0', 'T1', 'T2', 'T3')`)
	for _, bad := range [][]string{{"order", "a"}, row("a", "x", "T")} {
		staff.Post("/staff/orders/ship", bad...).Has(400)
	}
	e.browser(adminui.Fulfilment).Post("/staff/orders/ship", "parcels", strings.Repeat("a\tb\n", 201)).
		Has(422, "Send at most 200 orders", "a\tb")
}

// The list shows what is left to send of an order, so that nothing goes into a parcel twice.
func TestTheShipListSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	on := Order{Identifier: e.sold("ann@mail.example.com", "3")}
	if _, err := e.server.desk.Ship(t.Context(), kim, Parcel{Order: on, Lines: []Pieces{{0, 2}}}); err != nil {
		t.Fatal(err)
	}
	e.staff(adminui.Fulfilment).Get("/staff/orders/ship?id="+on.Identifier).Want("1 × Binder Clips", "orders", "0", "pieces")
}

// An order does not return to an earlier status, and no one is told that it did.
func TestAnOrderDoesNotGoBack(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.sold("ann@mail.example.com", "1")
	staff := e.staff(adminui.Fulfilment)
	staff.Post("/staff/orders/"+id+"/status", "status", "packing", "version", "1").OK()
	why := "Order " + id + " was accepted before, and is packing now: an order does not go back."
	staff.Post("/staff/orders/"+id+"/status", "status", "accepted", "version", "2").Has(422, why)
	staff.Post("/staff/orders/bulk/move/accepted", "id", id).Has(422, why)
	staff.Post("/staff/orders/"+id+"/status", "status", "packing", "version", "2").OK() // the same form twice
	if n := e.version(id); n != 2 {
		t.Errorf("version %d after one change", n)
	}
}

// Orders that were chosen in the list are moved, picked and packed.
func TestStaffActOnChosenOrders(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	a, b := e.sold("ann@mail.example.com", "2"), e.sold("bob@mail.example.com", "3")
	staff := e.staff(adminui.Fulfilment)
	chosen := []string{"id", a, "id", b}
	for _, status := range []string{"shipped", "canceled", "none", "%3Cb%3E"} {
		staff.Post("/staff/orders/bulk/move/"+status, chosen...).Has(422, "cannot be moved")
	}

	for _, page := range []string{"move/packing", "ship", "slips", "pick"} {
		path := "/staff/orders/bulk/" + page
		staff.Post(path).Has(422, "Choose rows first")
		staff.Post(path, append(chosen, "id", "none")...).Has(422, "Some of what you chose")
		staff.Post(path, strings.Fields(strings.Repeat("id "+a+" ", 201))...).Has(422, "At most 200")
		staff.Post(path, append(chosen, "id", "\xff")...).Has(400)
	}
	if e.version(a)+e.version(b) != 2 {
		t.Error("a refused form has moved an order")
	}

	e.browser(adminui.Fulfilment).Post("/staff/orders/bulk/pick").Has(422, "That was not done", "Choose rows first")
	e.Exec(`UPDATE orders SET canceled_at = now() WHERE identifier = $1`, b)
	staff.Post("/staff/orders/bulk/move/packing", chosen...).Has(200, "Moved 1 of 2. "+b+": Order "+b+" was canceled.")
	staff.Post("/staff/orders/bulk/move/packing", "id", b).Has(422, "No order was moved. "+b)
	e.Exec(`UPDATE orders SET canceled_at = NULL`)
	staff.Post("/staff/orders/bulk/move/packing", chosen...).Has(200, "Moved 2 of 2.")
	for _, page := range []string{"ship", "slips", "pick"} {
		if got := staff.Post("/staff/orders/bulk/"+page, chosen...).Text("to"); got != "/orders/"+page+"?id="+a+"&id="+b {
			t.Errorf("%s leads to %s", page, got)
		}
	}

	query := "?id=" + a + "&id=" + b
	if _, err := e.server.desk.Ship(t.Context(), kim, Parcel{Order: Order{Identifier: b}, Lines: []Pieces{{0, 1}}}); err != nil {
		t.Fatal(err)
	}
	pick := staff.Get("/staff/orders/pick" + query)
	pick.Want(4, "picks", "0", "pieces")
	staff.Get("/staff/orders/pick.csv"+query).Has(200, "Binder Clips")

	slips := staff.Get("/staff/orders/slips" + query)
	slips.Want("12 Elm Street", "slips", "0", "shipping_address", "address_line1")
	slips.Want(2, "slips", "1", "lines", "0", "quantity")
	e.browser(adminui.ReadOnly).Get("/staff/orders/slips"+query+"&size=label").Has(200, `class="slip label"`, "Pat&#39;s Office")
	e.browser(adminui.Fulfilment).Get("/staff/orders").Has(200, `formaction="/orders/bulk/move/packing"`, `value="`+a+`" aria-label`)
	many := "?id=" + strings.Repeat("a&id=", 200) + "a"
	for _, page := range []string{"ship", "slips", "pick"} {
		staff.Get("/staff/orders/" + page + many).Has(400)
	}
}
