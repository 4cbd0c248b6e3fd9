package order

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// count sends a request without a network between and counts the statements. The text behind a
// blank in the path is the form of a POST.
func (p *shopper) count(path string) int64 {
	p.t.Helper()
	path, form, post := strings.Cut(path, " ")
	var n *atomic.Int64
	counted := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var ctx context.Context
			ctx, n = pg.CountQueries(r.Context())
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
	within := p.Client
	within.Handler = p.server.routes(counted)
	r := within.Body(http.MethodGet, path, "")
	if post {
		r = within.Body(http.MethodPost, path, form)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	within.Do(r).OK()
	return n.Load()
}

// TestTheNumberOfQueriesDoesNotGrow holds the statements per path, with a small catalog and cart
// and with large ones.
func TestTheNumberOfQueriesDoesNotGrow(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("6", "1")
	p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
	e.mustHandle(event("evt_1", completed, p.quoted(""), nil))
	order := "/order/" + e.Text(`SELECT identifier FROM orders`)
	p.add("6", "1")
	p.add("1", "1")

	most := map[string]int64{
		"/order/products": 1, "/internal/catalog": 4, "/internal/catalog?since=1": 4, "/internal/catalog-search?q=clips": 1,
		"/internal/catalog-search?q=papper": 3, "/order/product/bSusp6dBHm": 5, "/order/cart-items": 2, "/order/cart-shipping-methods": 3,
		"/order/cart-discount-codes": 2,
		"/order/cart-totals":         3, "/order/checkout-allowed": 1, "/order/confirm-items": 4, "/order/confirm-shipping-method": 4,
		"/order/confirm-discount-codes": 4,
		"/order/confirm-totals":         4, order: 4, "/internal/cart-counts?member=1&member=2&cart=a": 1, "/internal/account-orders": 1,
		"/order/cart-add-product-sku sku_id=6&quantity=1": 2, "/order/cart-update-sku-quantity sku_id=6&quantity=2": 4,
		"/order/cart-remove-sku sku_id=1":                            5,
		"/order/cart-apply-discount-code discount_code_id=WELCOME10": 4, "/order/cart-remove-discount-code discount_code_id=1": 4,
		"/order/cart-update-shipping-method shipping_method_identifier=UPSGround": 4, "/order/change-confirmation-email-address": 2,
		"/order/create-checkout-session agree_to_terms_of_sale=true":                               8,
		"/order/anonymous-email-address-payment-lookup anonymous_email_address=a@mail.example.com": 4,
	}

	again := func() { // every path meets the same cart, without a method: some paths store one
		p.add("1", "1")
		e.Exec(`DELETE FROM cart_code`)
		e.Exec(`UPDATE cart SET shipping_method_id = NULL`)
		e.Exec(`UPDATE checkout SET state = 'expired' WHERE state = 'creating'`)
	}

	small := map[string]int64{}
	for path, limit := range most {
		again()
		if small[path] = p.count(path); small[path] > limit {
			t.Errorf("%s takes %d queries, at most %d expected", path, small[path], limit)
		}
	}

	e.Exec(`INSERT INTO product (id, identifier, title, title_url) SELECT n, 'P' || n, 'P', 'P' FROM generate_series(100, 199) n`)
	e.Exec(`INSERT INTO sku (id, product_id, inventory_id, color) SELECT n, 100 + n % 100, 1, 'x' FROM generate_series(1000, 1499) n`)
	e.Exec(`INSERT INTO sku_price (sku_id, price_cents) SELECT n, n FROM generate_series(1000, 1499) n`)
	for n := 1000; n < 1050; n++ {
		p.add(fmt.Sprint(n), "1")
	}

	for path := range most {
		again()
		if n := p.count(path); n > max(small[path], 1) {
			t.Errorf("%s takes %d queries with 100 products and 50 lines, %d before", path, n, small[path])
		}
	}
	t.Logf("queries per path: %v", small)
}

// TestLinesLookTheirOwnSKUsUp checks what the statements of carts and orders read while PostgreSQL
// still believes a catalog that was just imported to be small.
func TestLinesLookTheirOwnSKUsUp(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("6", "1")
	e.mustHandle(event("evt_1", completed, p.quoted(""), nil))
	p.add("6", "1")
	tx, err := e.pool.Begin(t.Context()) // autovacuum does not see what is not committed
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context()) //nolint:errcheck // nothing is committed

	in := testenv.DB{TB: t, Conn: tx}
	in.Exec(`INSERT INTO sku (product_id, inventory_id, color) SELECT 1, 1, 'x' FROM generate_series(1, 2000)`)
	in.Exec(`INSERT INTO sku_price (sku_id, price_cents) SELECT id, 500 FROM sku WHERE color = 'x'`)
	const lookups = `SELECT idx_scan + seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'sku_price'`
	before := in.Number(lookups)

	lines, err := cartLines(t.Context(), tx, int64(in.Number(`SELECT max(id) FROM cart`)))
	if err != nil || len(lines) != 1 {
		t.Errorf("a cart has %d lines, %v", len(lines), err)
	}
	parts, err := readOrderParts(t.Context(), tx, int64(in.Number(`SELECT max(id) FROM orders`)))
	if err != nil || len(parts.lines) != 1 {
		t.Errorf("an order has %d lines, %v", len(parts.lines), err)
	}
	if n := in.Number(lookups) - before; n > 2 {
		t.Errorf("%d prices were looked up for two lines, want at most 2", n)
	}
}
