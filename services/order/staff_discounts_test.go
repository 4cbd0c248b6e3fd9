package order

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// with is a form with some of its fields changed.
func with(form []string, pairs ...string) []string {
	out := append([]string{}, form...)
	for i := 0; i < len(pairs); i += 2 {
		found := false
		for k := 0; k < len(out); k += 2 {
			if out[k] == pairs[i] {
				out[k+1], found = pairs[i+1], true
			}
		}
		if !found {
			out = append(out, pairs[i], pairs[i+1])
		}
	}
	return out
}

var tenOff = []string{"code", "TEN", "description", "Ten off", "type", "1", "amount", "10"}

// A code is made, tried, changed by two people at once, ended and deleted on its page. Carts follow
// it at once; quotes stay.
func TestStaffMakeACode(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`INSERT INTO collection (id, address, title) VALUES (101, 'some-clips', 'Some clips')`)
	e.Exec(`INSERT INTO product_collection (collection_id, product_id) VALUES (101, 2)`)

	// Invalid terms are refused, each at its field.
	staff := e.staff(adminui.Marketing)
	for _, bad := range [][]string{{"code", ""}, {"code", "A B"}, {"code", strings.Repeat("x", 101)}, {"type", "9"}, {"amount", "101"},
		{"amount", "-1"}, {"amount", "1e9"}, {"minimum", "x"}, {"uses", "1.5"}, {"uses", strings.Repeat("9", 30)}, {"per-person", "-1"},
		{"uses", "0"}, {"per-person", "0"},
		{"from", "yesterday"}, {"until", "2020-01-01"}, {"skus", "3"}, {"skus", "x"}, {"collections", "999"}, {"code", "WELCOME10"},
		{"combinable", "on"}} {
		if a := staff.Post("/staff/discounts", with(tenOff, bad...)...); a.Status != 422 || a.At("errors", bad[0]) == nil {
			t.Errorf("%v: %s", bad, a)
		}
	}

	staff.Post("/staff/discounts", with(tenOff, "from", "2019-01-01", "until", "2020-01-01")...).Has(422, "This day has passed")
	staff.Post("/staff/discounts", "code", "\xff").Has(400)

	// A code is made, and listed as text.
	page := "/staff" + staff.Post("/staff/discounts", with(tenOff, "code", "=TEN<b>")...).OK().Text("to")
	a := staff.Get(page).OK()
	a.Want("10% off", "discount", "gives")
	a.Want("active", "discount", "state")
	e.Exec(`UPDATE discount_code SET combinable = true WHERE code = '=TEN<b>'`) // as old codes are
	staff.Get(page).Want("10% off: takes nothing off, as it is combinable", "discount", "gives")
	staff.Get("/staff/discounts", "q", "=ten").Want("10% off: takes nothing off, as it is combinable", "codes", "0", "gives")
	e.Exec(`UPDATE discount_code SET combinable = false WHERE code = '=TEN<b>'`)
	e.browser(adminui.Marketing).Get(page).Has(200, "=TEN&lt;b&gt;", "Try it on a cart", "Delete")
	if list := staff.Get("/staff/discounts.csv"); !strings.Contains(list.Body, "'=TEN<b>") {
		t.Error(list)
	}

	staff.Get("/staff/discounts", "q", "=ten").Want("=TEN<b>", "codes", "0", "code")
	for _, q := range []string{"batch=x", "after=x", "q=%00", "state=odd"} {
		if a := staff.Get("/staff/discounts?" + q); a.Status >= 500 {
			t.Error(a)
		}
	}

	// It is narrowed to the clips while another person changes it, too.
	narrow := with(tenOff, "amount", "50", "collections", "101", "skus", "7", "version", "1")
	staff.Post(page, narrow...).OK()
	e.browser(adminui.Owner).Post(page, with(tenOff, "amount", "33", "version", "1")...).
		Has(409, "Ada changed this", `value="33"`, "Now: <strong>50.00")
	var held []*pgxpool.Conn // a save takes no more than one connection
	for range e.pool.Config().MaxConns - 1 {
		c, err := e.pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}

	staff.Post(page, with(narrow, "version", "2", "amount", "")...).Has(422)
	for _, c := range held {
		c.Release()
	}

	// Carts follow it, and the preview computes the same totals.
	shopper := e.visitor()
	shopper.add("1", "2") // 2 × 3.50, not in the collection
	shopper.add("6", "1") // 3.99, in it
	shopper.Post("/order/cart-apply-discount-code", "discount_code_id", "TEN").Want("2.00", "cart_totals_data", "item_discount")
	staff.Get(page, "cart", "1 x 2, 6", "shipping", "USPSRetailGround").Want("18.55", "preview", "total")
	shopper.Get("/order/cart-shipping-methods")
	shopper.Get("/order/cart-totals").Want("18.55", "cart_totals_data", "cart_total")
	staff.Get(page, "cart", "1").Want(false, "preview", "applied")
	for _, odd := range []string{"x", "6 x 0", "6 x 100", "99999999999999999999", "6x1x1"} {
		if a := staff.Get(page, "cart", odd).OK(); a.Text("preview", "problem") == "" {
			t.Errorf("%s: %s", odd, a)
		}
	}

	// A quote keeps the code as it was.
	quote := shopper.quoted("ann@mail.example.com")
	staff.Post(page, with(narrow, "version", "2", "amount", "100")...).OK()
	staff.Post(page+"/delete", "version", "3").Has(409) // a checkout uses it
	e.mustHandle(event("evt_ten", completed, quote, nil))
	if got := e.Text(`SELECT item_discount || ' ' || total FROM orders`); got != "200 1855" {
		t.Errorf("the order has %s", got)
	}

	// Items that the code was not for are refunded at their full price, the rest as it was paid.
	for seq, want := range map[int]int64{0: 700, 1: 199} {
		p := []Pieces{{seq, 2 - seq}}
		lines, err := orderLines(t.Context(), e.pool, 1)
		o := deskOrder{OrderAmounts: msg.OrderAmounts{ItemSubtotal: 1099, ItemDiscount: 200}}
		if got := o.itemsPaid(lines, p); err != nil || int64(got) != want {
			t.Errorf("line %d comes to %s, %v", seq, got, err)
		}
	}
	staff.Get(page).Want(true, "orders", "0", "applied")

	// Without its collection the code is for nothing, not for everything.
	e.Exec(`DELETE FROM collection`)
	staff.Post(page, with(tenOff, "version", "3")...).OK()
	shopper.add("6", "1")
	shopper.Post("/order/cart-apply-discount-code", "discount_code_id", "TEN").Want("0.40", "cart_totals_data", "item_discount")
	staff.Post(page+"/end", "version", "1").Has(409)
	staff.Post(page+"/end", "version", "4").OK()
	shopper.Get("/order/cart-totals").Want("0", "cart_totals_data", "item_discount")
	staff.Post(page+"/delete", "version", "5").Has(409)

	for _, bad := range []string{"/staff/discounts/0", "/staff/discounts/x", "/staff/discounts/9999"} {
		staff.Get(bad).Has(404)
		staff.Post(bad, tenOff...).Has(404)
	}
	e.staff(adminui.Support).Post(page, narrow...).Has(403)
	if got := e.acts(); strings.Count(got, "discounts.edit discount") != 5 { // made, three changes, the end
		t.Errorf("acts: %s", got)
	}
}

// Codes are made in bulk once however often the form is sent, each for one order; all of them end
// together.
func TestStaffMakeCodesInBulk(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	staff := e.staff(adminui.Owner)
	form := []string{"once", strings.Repeat("A", 26), "name", "Flyers", "many", "300", "prefix", "MAY-", "type", "2", "amount", "2.00",
		"skus", "6"}
	for _, bad := range [][]string{{"name", ""}, {"many", "0"}, {"many", "10001"}, {"prefix", "A B"}, {"amount", ""}} {
		staff.Post("/staff/discounts/bulk", with(form, bad...)...).Has(422)
	}
	staff.Post("/staff/discounts/bulk", with(form, "once", "x")...).Has(400)

	to := staff.Post("/staff/discounts/bulk", form...).OK().Text("to")
	if again := staff.Post("/staff/discounts/bulk", form...).OK().Text("to"); again != to {
		t.Errorf("%s and %s", to, again)
	}
	file := staff.Get("/staff" + strings.Replace(to, "?", ".csv?", 1)).OK()
	if n := strings.Count(file.Body, "\nMAY-"); n != 300 {
		t.Errorf("%d codes in the file, want 300", n)
	}
	if a := staff.Get("/staff/discounts"); a.At("codes", "0", "code") != "WELCOME10" || a.At("codes", "1") != nil {
		t.Errorf("the list has codes of the batch: %s", a)
	}

	code := e.Text(`SELECT min(code) FROM discount_code WHERE batch_id IS NOT NULL`)
	p := e.visitor()
	p.add("6", "1")
	p.Post("/order/cart-apply-discount-code", "discount_code_id", code).Want("2.00", "cart_totals_data", "item_discount")
	p.quoted("ann@mail.example.com")
	staff.Get("/staff/discounts/batches").Want(1, "batches", "0", "used")
	staff.Post("/staff/discounts/batches/1/end").OK()
	staff.Post("/staff/discounts/batches/2/end").Has(404)
	if n := e.Number(`SELECT count(*) FROM discount_code WHERE batch_id = 1 AND end_date_time > now()`); n != 0 {
		t.Errorf("%d codes have not ended, want 0", n)
	}
}

// Of twenty concurrent carts exactly one gets the only use of a code. A canceled order gives it
// back.
func TestACodeWithOneUse(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	staff := e.staff(adminui.Owner)
	staff.Post("/staff/discounts", with(tenOff, "uses", "1", "per-person", "1")...).OK()
	var got atomic.Int32
	var winner checkout
	var wg sync.WaitGroup
	for n := range 20 {
		p := e.visitor()
		p.add("6", "1")
		p.Post("/order/cart-apply-discount-code", "discount_code_id", "TEN").OK()
		wg.Go(func() {
			c, err := p.tryQuote(fmt.Sprintf("buyer%d@mail.example.com", n))
			switch {
			case err != nil && !errors.Is(err, errCodeUsedUp):
				t.Error(err)
			case err == nil && c.ItemDiscount > 0:
				got.Add(1)
				winner = c
			}
		})
	}

	wg.Wait()
	if got.Load() != 1 {
		t.Fatalf("%d carts got it", got.Load())
	}

	e.mustHandle(event("evt_winner", completed, winner, nil))
	p := e.visitor()
	p.add("6", "1")
	p.Post("/order/cart-apply-discount-code", "discount_code_id", "TEN").Want("cart-discount-code-not-active", "errors", "error")
	order := e.Text(`SELECT identifier FROM orders`)
	staff.Post("/staff/orders/"+order+"/cancel", "version", "1").OK()
	p.Post("/order/cart-apply-discount-code", "discount_code_id", "TEN").Want("0.40", "cart_totals_data", "item_discount")
	e.Counts(0, `SELECT uses + (SELECT count(*) FROM code_use) FROM discount_code WHERE code = 'TEN'`)
}
