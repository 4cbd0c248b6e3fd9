package order

import (
	"testing"
)

// Carts and quotes are deleted by age, unless a page may still be paid or staff need them.
func TestOldCartsAndQuotesAreDeleted(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	// More than one group, on both sides of the age; one has a page that may still be paid.
	e.Exec(`INSERT INTO cart (anonymous_id, updated_at) SELECT 'old' || n, now() - interval '91 days' FROM generate_series(1, 5100) AS n
		UNION ALL SELECT 'young', now() - interval '89 days'
		UNION ALL SELECT 'open', now() - interval '91 days'
		UNION ALL SELECT 'unclosed', now() - interval '91 days'`)
	e.Exec(`INSERT INTO cart_line (cart_id, sku_id, quantity) SELECT id, 6, 1 FROM cart`)

	quote := func(id, cart, state, age string) {
		t.Helper()
		e.Exec(`INSERT INTO checkout (id, cart_id, cart_generation, quote_hash, state, agreed_at, quote,
			  item_subtotal, item_discount, shipping_subtotal, shipping_discount, total, session_id, expires_at)
			SELECT $1, coalesce((SELECT id FROM cart WHERE anonymous_id = $2), 0), 1, $1, $3, now(), '{}',
			  1, 0, 0, 0, 1, 'cs_' || $1, now() - $4::interval`, id, cart, state, age)
	}

	quote("open", "open", "open", "91 days")
	quote("unclosed", "unclosed", "expired", "91 days")
	e.Exec(`UPDATE checkout SET unclosed = true WHERE id = 'unclosed'`)
	if n, err := deleteOldCarts(t.Context(), e.pool); err != nil || n != 5100 {
		t.Errorf("%d carts deleted, want 5100: %v", n, err)
	}
	e.Counts(3, `SELECT count(*) FROM cart`)
	e.Counts(3, `SELECT count(*) FROM cart_line`)

	quote("expired", "", "expired", "91 days")
	quote("failed", "", "failed", "91 days")
	quote("recent", "", "expired", "89 days")
	quote("issue", "", "expired", "91 days")
	quote("paid", "", "paid", "400 days")
	quote("first", "", "expired", "91 days")
	quote("later", "", "open", "-1 hours")
	e.Exec(`UPDATE checkout SET round = 'first' WHERE id = 'later'`)

	e.Exec(`INSERT INTO payment_issue (reason, explanation, session_id, payload) VALUES ('x', 'x', 'cs_issue', '{}')`)
	e.Exec(`INSERT INTO reservation (checkout_id, sku_id, quantity) VALUES ('failed', 6, 1)`)
	if n, err := deleteOldCheckouts(t.Context(), e.pool); err != nil || n != 2 {
		t.Errorf("%d quotes deleted, want 2: %v", n, err)
	}
	e.Counts(0, `SELECT count(*) FROM checkout WHERE id IN ('expired', 'failed')`)
	e.Counts(7, `SELECT count(*) FROM checkout`)

	e.Exec(`INSERT INTO cart_merge (from_cart_id, to_cart_id, member_id, visitor, before, at) VALUES (1, 2, 3, '{}', '{}', now() - ` +
		`interval '91 days'), (4, 5, 6, '{}', '{}', now())`)
	if n, err := deleteOldMerges(t.Context(), e.pool); err != nil || n != 1 {
		t.Errorf("%d merges deleted, want 1: %v", n, err)
	}
}

// A cart that is viewed now and then is kept.
func TestViewedCartIsKept(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("6", "1")
	m := e.member(7)
	m.add("6", "1")
	for _, who := range []*shopper{p, m} {
		e.Exec(`UPDATE cart SET updated_at = now() - interval '89 days'`)
		who.Get("/order/cart-items")
		if n := e.Number(`SELECT count(*) FROM cart WHERE updated_at > now() - interval '1 minute'`); n != 1 {
			t.Errorf("%d carts were touched by %+v", n, who.Identity)
		}
	}
	e.Exec(`UPDATE cart SET updated_at = now() - interval '23 hours'`)
	p.Get("/order/cart-items")
	if n := e.Number(`SELECT count(*) FROM cart WHERE updated_at > now() - interval '1 hour'`); n != 0 {
		t.Error("a cart is written at every look")
	}
}
