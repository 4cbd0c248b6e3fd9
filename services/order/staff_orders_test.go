package order

import (
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// placed makes n paid orders, order1 the newest, three in each minute; the total of each is its number in
// cents.
func (e *env) placed(n int) {
	e.t.Helper()
	e.Exec(`INSERT INTO checkout (id, cart_id, cart_generation, quote_hash, state, agreed_at, quote, item_subtotal, item_discount,
			shipping_subtotal, shipping_discount, total, expires_at)
		SELECT 'c' || n, -n, 1, 'h', 'paid', now(), '{}', n, 0, 0, 0, n, now() FROM generate_series(1, $1::int) AS n`, n)
	e.Exec(`INSERT INTO orders (identifier, checkout_id, session_id, payment_intent, cart_id, cart_generation, email, customer_name, currency,
			item_subtotal, item_discount, shipping_subtotal, shipping_discount, total, agreed_with_terms_of_sale, placed_at)
		SELECT 'order' || n, 'c' || n, 's' || n, 'p' || n, -n, 1, 'c' || n || '@mail.example.com', 'Ada Byron', 'usd',
			n, 0, 0, 0, n, true, now() - n / 3 * interval '1 minute' FROM generate_series(1, $1::int) AS n`, n)
}

// Staff see every order once, the newest first, however the pages are cut; what a shopper typed acts on
// neither the page nor a spreadsheet.
func TestStaffListOrders(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.placed(120)
	e.Exec(`UPDATE orders SET customer_name = '=cmd|<b>x' WHERE identifier = 'order60'`)
	staff := e.client.AsStaff("order", adminui.Fulfilment)
	staff.Header = map[string][]string{"Accept": {"application/json"}}
	seen := map[string]bool{}
	next, pages := "/staff/orders", 0
	for ; next != "" && pages < 10; pages++ {
		a := staff.Get(next)
		for i := 0; ; i++ {
			id, ok := a.At("orders", itoa(int64(i)), "identifier").(string)
			if !ok {
				break
			}
			if seen[id] {
				t.Errorf("%s twice", id)
			}
			seen[id] = true
		}
		if next = a.Text("next"); next != "" {
			next = "/staff" + next
		}
	}
	if len(seen) != 120 || pages != 3 {
		t.Errorf("%d orders on %d pages", len(seen), pages)
	}
	staff.Get("/staff/orders", "q", "C7@mail.example.com").Want("order7", "orders", "0", "identifier")
	staff.Get("/staff/orders", "q", "order8").Want("0.08", "orders", "0", "total")
	if a := staff.Get("/staff/orders.csv"); !strings.Contains(a.Body, ",'=cmd|<b>x,") || strings.Count(a.Body, "\n") != 121 {
		t.Error(a)
	}
	for _, bad := range []string{"after=x", "sort=total", "q=%ff"} {
		if a := staff.Get("/staff/orders?" + bad); a.Status != 400 {
			t.Errorf("%s: %s", bad, a)
		}
	}
	staff.Header = nil
	a := staff.Get("/staff/orders", "q", "order60")
	a.Has(200, `href="/orders/order60"`, "=cmd|&lt;b&gt;x")
	if a := e.client.AsStaff("order", adminui.Marketing).Get("/staff/orders"); a.Status != 403 {
		t.Error(a)
	}
}
