package order

import (
	"fmt"
	"strings"
	"testing"
)

// What the badge counts is what the cart shows, also when a SKU was taken off sale: it stays in the cart
// as no longer sold, costs nothing, and goes when the shopper takes it out.
func TestALineThatIsNoLongerSold(t *testing.T) {
	t.Parallel()
	for name, takeOff := range map[string]string{
		"no product": `UPDATE sku SET product_id = NULL WHERE id = 7`,
		"no price":   `DELETE FROM sku_price WHERE sku_id = 7`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			for _, p := range []*shopper{s.visitor(), s.member(1)} {
				p.add("7", "2")
				p.add("6", "1")
			}
			s.exec(takeOff)
			for i, p := range []*shopper{s.visitor(), s.member(1)} {
				if i == 0 {
					p.Cart = s.text(`SELECT anonymous_id FROM cart WHERE anonymous_id IS NOT NULL`)
				}
				counted := func(n int) {
					t.Helper()
					b := p.get("/internal/cart-counts?member=1&cart=" + p.Cart)
					if p.Member() {
						want(t, b, n, "members", "1")
					} else {
						want(t, b, n, "carts", p.Cart)
					}
					for _, path := range []string{"cart-items", "confirm-items"} {
						lines, _ := p.get("/order/"+path).at("item_data", "product_sku_data").(map[string]any)
						if len(lines) != n {
							t.Errorf("%s shows %d lines, the badge %d", path, len(lines), n)
						}
					}
				}
				counted(2)
				items := p.get("/order/cart-items")
				want(t, items, "off-sale", "item_data", "product_sku_data", "0", "sku_inventory__identifier")
				want(t, items, "No longer sold", "item_data", "product_sku_data", "0", "sku_inventory__title")
				want(t, items, 7, "item_data", "product_sku_data", "0", "sku_id")
				want(t, items, "0.00", "item_data", "product_sku_data", "0", "price")
				want(t, p.get("/order/cart-totals"), "3.99", "cart_totals_data", "item_subtotal")
				want(t, p.add("6", "1"), 2, "cart_item_count")
				want(t, p.add("7", "1"), "sku-not-found", "errors", "error")
				pay := func() body {
					return p.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true", "anonymous_email_address", "a@mail.example.com")
				}
				want(t, pay(), "cart-item-not-in-stock", "errors", "error")
				want(t, p.post("/order/cart-remove-sku", "sku_id", "7"), 1, "cart_item_count")
				counted(1)
				want(t, pay(), "stripe-error", "errors", "error") // this shop has no Stripe: as far as one gets
			}
		})
	}
}

// A large cart is not read more slowly for it: every line finds its SKU by the key.
func TestLinesAreFoundByKey(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.exec(`INSERT INTO sku (id, product_id, inventory_id) SELECT n, 1, 1 FROM generate_series(1000, 20999) n`)
	s.exec(`INSERT INTO sku_price (sku_id, price_cents) SELECT id, 100 FROM sku WHERE id >= 1000`)
	s.exec(`ANALYZE`)
	p := s.visitor()
	for n := range 20 {
		p.add(fmt.Sprint(1000+n), "1")
	}
	rows, err := s.owner.Query(t.Context(), `EXPLAIN `+linesSQL+`$1`, s.number(`SELECT id FROM cart`))
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
