package order

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Erasing and exporting a person reads no table whole that grows with every order.
func TestAPersonIsFoundByIndex(t *testing.T) {
	t.Parallel()
	const rows = 3000
	e := newEnv(t)
	e.Exec(`INSERT INTO checkout (id, cart_id, cart_generation, quote_hash, state, member_id, email, agreed_at, quote, item_subtotal,
		  item_discount, shipping_subtotal, shipping_discount, total, session_id, payment_intent, expires_at)
		SELECT 'k' || i, i, 1, 'h', 'paid', nullif(i % 2, 0) * i, 'Buyer' || i || '@mail.example.com', now(), '{}', 0, 0, 0, 0, 0, 's' || i,
		  'p' || i, now() FROM generate_series(1, $1::int) AS i`, rows)

	e.Exec(`INSERT INTO orders (identifier, checkout_id, session_id, payment_intent, cart_id, cart_generation, member_id, prospect_code,
		  email, currency, item_subtotal, item_discount, shipping_subtotal, shipping_discount, total, agreed_with_terms_of_sale)
		SELECT id, id, session_id, payment_intent, cart_id, 1, member_id, 'c' || cart_id, email, 'usd', 0, 0, 0, 0, 0, TRUE
		FROM checkout`)
	e.Exec(`INSERT INTO cart (member_id, receipt_email)
		SELECT i, 'Buyer' || i || '@mail.example.com' FROM generate_series(1, $1::int) AS i`, rows)
	e.Exec(`INSERT INTO cart_merge (from_cart_id, to_cart_id, member_id, visitor, before)
		SELECT i, i, i, '{}', '{}' FROM generate_series(1, $1::int) AS i`, rows)

	e.Exec(`INSERT INTO prospect (email, code)
		SELECT 'buyer' || i || '@mail.example.com', 'c' || i FROM generate_series(1, $1::int) AS i`, rows)
	e.Exec(`INSERT INTO code_use (checkout_id, code_id, customer)
		SELECT id, (SELECT min(id) FROM discount_code), lower(email) FROM checkout`)
	e.Exec(`INSERT INTO payment_event (event_id, type, payment_intent, payload, at)
		SELECT 'e' || id, 'x', payment_intent, '{}', now() FROM checkout`)
	for _, table := range []string{"checkout", "orders", "cart", "cart_merge", "prospect", "code_use", "payment_event"} {
		e.Exec(`ANALYZE ` + table)
	}

	p := erasure.Person{MemberIDs: []int64{7}, Emails: []string{"Buyer7@mail.example.com"}, Codes: []string{"c8"}}
	whole := e.ReadsWhole(rows, func(tx pgx.Tx, in testenv.DB) {
		if _, err := ExportOrders(t.Context(), tx, p); err != nil {
			t.Error(err)
		}
		if err := eraseOrders(t.Context(), tx, p); err != nil {
			t.Error(err)
		}
		if n := in.Number(`SELECT count(*) FROM orders WHERE member_id = 7 OR prospect_code = 'c8'`); n != 0 {
			t.Errorf("%d orders still name the person, want 0", n)
		}
	})
	if len(whole) != 0 {
		t.Errorf("read whole: %q", whole)
	}
}
