package order

import (
	"fmt"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// The badge counts what the cart shows, even if a SKU was taken off sale: it stays in the cart as
// no longer sold, costs nothing, and goes when the shopper removes it.
func TestALineThatIsNoLongerSold(t *testing.T) {
	t.Parallel()
	for name, takeOff := range map[string]string{
		"no product": `UPDATE sku SET product_id = NULL WHERE id = 7`,
		"no price":   `DELETE FROM sku_price WHERE sku_id = 7`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t)
			for _, p := range []*shopper{e.visitor(), e.member(1)} {
				p.add("7", "2")
				p.add("6", "1")
			}

			e.Exec(takeOff)
			for i, p := range []*shopper{e.visitor(), e.member(1)} {
				if i == 0 {
					p.Cart = e.Text(`SELECT anonymous_id FROM cart WHERE anonymous_id IS NOT NULL`)
				}
				counted := func(n int) {
					t.Helper()
					b := p.Get("/internal/cart-counts?member=1&cart=" + p.Cart)
					if p.Member() {
						b.Want(n, "members", "1")
					} else {
						b.Want(n, "carts", p.Cart)
					}
					for _, path := range []string{"cart-items", "confirm-items"} {
						lines, _ := p.Get("/order/"+path).At("item_data", "product_sku_data").(map[string]any)
						if len(lines) != n {
							t.Errorf("%s shows %d lines, the badge %d", path, len(lines), n)
						}
					}
				}

				counted(2)
				items := p.Get("/order/cart-items")
				items.Want("off-sale", "item_data", "product_sku_data", "0", "sku_inventory__identifier")
				items.Want("No longer sold", "item_data", "product_sku_data", "0", "sku_inventory__title")
				items.Want(7, "item_data", "product_sku_data", "0", "sku_id")
				items.Want("0.00", "item_data", "product_sku_data", "0", "price")
				p.Get("/order/cart-totals").Want("3.99", "cart_totals_data", "item_subtotal")
				p.add("6", "1").Want(2, "cart_item_count")

				p.add("7", "1").Want("sku-not-found", "errors", "error")
				pay := func() testenv.Answer {
					return p.Post("/order/create-checkout-session", "agree_to_terms_of_sale", "true", "anonymous_email_address",
						"a@mail.example.com")
				}
				pay().Want("cart-item-not-in-stock", "errors", "error")
				p.Post("/order/cart-remove-sku", "sku_id", "7").Want(1, "cart_item_count")
				counted(1)
				pay().Want("stripe-error", "errors", "error") // this shop has no Stripe: it gets no further
			}
		})
	}
}

// A large cart is read as fast as before: every line finds its SKU by the key.
func TestLinesAreFoundByKey(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`INSERT INTO sku (id, product_id, inventory_id) SELECT n, 1, 1 FROM generate_series(1000, 20999) n`)
	e.Exec(`INSERT INTO sku_price (sku_id, price_cents) SELECT id, 100 FROM sku WHERE id >= 1000`)
	e.Exec(`ANALYZE`)
	p := e.visitor()
	for n := range 20 {
		p.add(fmt.Sprint(1000+n), "1")
	}
	rows, err := e.Conn.Query(t.Context(), `EXPLAIN `+linesSQL+`$1`, e.Number(`SELECT id FROM cart`))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, "Seq Scan on sku ") || strings.Contains(line, "Seq Scan on sku_price") {
			t.Error(line)
		}
	}
}
