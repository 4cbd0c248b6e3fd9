package order

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

var errIdentifierTaken = errors.New("an order has this identifier already")

// knownCheckouts finds a checkout by its own id or by Stripe's session.
type knownCheckouts struct{ byID, bySession map[string]*checkout }

func (k knownCheckouts) of(p stripe.Session) *checkout {
	if c := k.bySession[p.ID]; c != nil {
		return c
	}
	for _, reference := range []string{p.ClientReferenceID, p.CheckoutID} {
		// The session id of a checkout was never stored if we crashed right after Stripe's answer.
		if c := k.byID[reference]; c != nil && (c.SessionID == nil || *c.SessionID == p.ID) {
			return c
		}
	}
	return nil
}

// lockCheckouts reads and locks the checkouts of payments, in the order of their ids. before are
// statements to run first, in the same round trip.
func lockCheckouts(ctx context.Context, tx pgx.Tx, payments []payment, before ...string) (knownCheckouts, error) {
	k := knownCheckouts{map[string]*checkout{}, map[string]*checkout{}}
	var ids, sessions []string
	for _, p := range payments {
		sessions = append(sessions, p.ID)
		for _, reference := range []string{p.ClientReferenceID, p.CheckoutID} {
			if reference != "" {
				ids = append(ids, reference)
			}
		}
	}

	batch := &pgx.Batch{}
	for _, sql := range before {
		batch.Queue(sql)
	}
	queue(batch, func(c checkout) {
		k.byID[c.ID] = &c
		if c.SessionID != nil {
			k.bySession[*c.SessionID] = &c
		}
	}, `
		SELECT `+checkoutColumnsSQL+` FROM checkout
		WHERE id IN (
		  SELECT id FROM checkout WHERE session_id = ANY($1)
		  UNION
		  SELECT id FROM checkout WHERE id = ANY($2))
		ORDER BY id FOR UPDATE`, sessions, ids)

	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return k, fmt.Errorf("lock checkouts: %w", err)
	}
	return k, nil
}

// madeOrders are the orders that payments may already have become.
type madeOrders struct {
	bySession, byIntent, byCheckout map[string]string
	carts                           map[cartRound]bool
	rounds                          map[string]bool   // of pages that stood side by side: docs/adr/0006
	closed                          map[string]string // by session: the reason of an entry that staff have resolved
}

type cartRound struct {
	id         int64
	generation int
}

func (m madeOrders) find(p stripe.Session, c *checkout) (string, bool) {
	if identifier, ok := m.bySession[p.ID]; ok {
		return identifier, true
	}
	if c != nil { // a payment with a checkout of its own makes an order of its own
		identifier, ok := m.byCheckout[c.ID]
		return identifier, ok
	}
	return m.intent(p)
}

// intent is the order of a payment intent.
func (m madeOrders) intent(p stripe.Session) (string, bool) {
	identifier, ok := m.byIntent[p.PaymentIntent]
	return identifier, ok && p.PaymentIntent != ""
}

func (m madeOrders) hasIntent(p stripe.Session) bool {
	_, ok := m.intent(p)
	return ok
}

// cart reports whether the contents of a checkout were already bought: with the same cart, or in
// the same round.
func (m madeOrders) cart(c *checkout) bool {
	return m.carts[cartRound{c.CartID, c.CartGeneration}] || m.rounds[c.roundKey()]
}

func (m madeOrders) add(o order) {
	if o.checkout != nil {
		m.rounds[o.checkout.roundKey()] = true
	}
	m.bySession[o.SessionID], m.byCheckout[o.CheckoutID] = o.Identifier, o.Identifier
	if o.PaymentIntent != nil {
		m.byIntent[*o.PaymentIntent] = o.Identifier
	}
	m.carts[cartRound{o.CartID, o.CartGeneration}] = true
}

func existingOrders(ctx context.Context, tx pgx.Tx, payments []payment, known knownCheckouts) (madeOrders, error) {
	m := madeOrders{map[string]string{}, map[string]string{}, map[string]string{}, map[cartRound]bool{},
		map[string]bool{}, map[string]string{}}
	var sessions, intents, rounds, beside []string
	var carts []int64
	for _, p := range payments {
		sessions = append(sessions, p.ID)
		if p.PaymentIntent != "" {
			intents = append(intents, p.PaymentIntent)
		}
		if c := known.of(p.Session); c != nil {
			carts, rounds = append(carts, c.CartID), append(rounds, c.roundKey())
			// only these can have another page beside them
			if c.Round != nil || c.State == stateExpired || c.State == stateFailed {
				beside = append(beside, c.roundKey())
			}
		}
	}

	type row struct {
		Identifier, SessionID, CheckoutID string
		PaymentIntent, Round              *string
		CartID                            int64
		CartGeneration                    int
	}
	batch := &pgx.Batch{}
	// Two payments for one cart take turns, so that the second sees the order of the first. Carts
	// are locked after checkouts, in the order of their ids, so that no two transactions deadlock.
	// As everywhere, they are locked before stock and lines.
	batch.Queue(`
		WITH turns AS MATERIALIZED (
		  SELECT count(pg_advisory_xact_lock(id))
		  FROM (SELECT DISTINCT unnest($1::bigint[]) AS id ORDER BY 1) carts)
		SELECT FROM cart WHERE id IN (`+targetCartsSQL+`) AND (SELECT count FROM turns) > 0 ORDER BY id FOR UPDATE`,
		carts)

	if len(beside) > 0 {
		batch.Queue(`SELECT pg_advisory_xact_lock(hashtextextended(round, 0)) FROM (SELECT DISTINCT `+
			`unnest($1::text[]) AS round ORDER BY 1) rounds`, beside)
	}
	found, args := ordersOfPaymentsSQL, []any{sessions, intents, carts, rounds}
	if len(beside) > 0 {
		found = ordersBesideSQL
	}

	queue(batch, func(r row) {
		m.add(order{Identifier: r.Identifier, SessionID: r.SessionID, CheckoutID: r.CheckoutID,
			PaymentIntent: r.PaymentIntent, CartID: r.CartID, CartGeneration: r.CartGeneration,
			checkout: &checkout{ID: r.CheckoutID, Round: r.Round}})
	}, found, args...)
	type closed struct{ SessionID, Reason string }
	queue(batch, func(c closed) { m.closed[c.SessionID] = c.Reason }, `
		SELECT session_id, reason FROM payment_issue
		WHERE session_id = ANY($1) AND reason = ANY($2) AND resolved_at IS NOT NULL`, sessions, finalReasons)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return m, fmt.Errorf("find the orders of payments: %w", err)
	}

	return m, nil
}

// ordersOfPaymentsSQL are the orders that payments may already have become. Only a page that stood
// beside another can have an order of its round (ordersBesideSQL), so that the checkouts need not
// be read for the others.
const (
	ordersOfPaymentsSQL = `
		SELECT identifier, session_id, checkout_id, payment_intent, cart_id, cart_generation, NULL::text AS round
		FROM orders
		WHERE session_id = ANY($1) OR payment_intent = ANY($2) OR cart_id = ANY($3) OR checkout_id = ANY($4)`
	ordersBesideSQL = `
		SELECT o.identifier, o.session_id, o.checkout_id, o.payment_intent, o.cart_id, o.cart_generation, k.round
		FROM orders o JOIN checkout k ON k.id = o.checkout_id
		WHERE o.id IN (
		  SELECT id FROM orders WHERE session_id = ANY($1)
		  UNION
		  SELECT id FROM orders WHERE payment_intent = ANY($2)
		  UNION
		  SELECT id FROM orders WHERE cart_id = ANY($3)
		  UNION
		  SELECT id FROM orders WHERE checkout_id = ANY($4)
		  UNION
		  SELECT b.id FROM checkout d JOIN orders b ON b.checkout_id = d.id WHERE d.round = ANY($4))`
)

// storedOrders is what the database decided about new orders: ids, keyed by checkout; their first
// status, which is the wanted one or, if there is none of that name, the first of all; and the
// templates of their mails.
type storedOrders struct {
	ids                             map[string]int64
	wanted, status                  string
	memberTemplate, visitorTemplate string
	collections                     map[string][]msg.OrderCollection // by the product's identifier
}

// inCollection says that a product is in a collection.
type inCollection struct {
	Product string `json:"product"`
	msg.OrderCollection
}

// insertOrders inserts a group of orders in one statement, with lines, codes and first status,
// marks the checkouts as paid, and uses up what was reserved for them. It also resolves the entries
// for staff that the payments had before.
func insertOrders(ctx context.Context, tx pgx.Tx, orders []order) (stored storedOrders, err error) {
	type row struct {
		ID                              int64
		CheckoutID                      string
		Wanted, Status                  string
		MemberTemplate, VisitorTemplate string
		Parts                           int
		Collections                     []inCollection
	}
	rows, err := pg.List[row](ctx, tx, "insert orders", insertOrdersSQL, orders, orderRefused,
		"the shop: it is an order now")

	if e, ok := errors.AsType[*pgconn.PgError](err); ok && strings.HasPrefix(e.ConstraintName, "orders_identifier") {
		return stored, errIdentifierTaken // not wrapped: the caller draws another identifier
	}
	if err != nil {
		return stored, err
	}

	stored.ids, stored.collections = make(map[string]int64, len(rows)), map[string][]msg.OrderCollection{}
	parts := make(map[string]int, len(rows))
	for _, r := range rows {
		stored.ids[r.CheckoutID], parts[r.CheckoutID] = r.ID, r.Parts
		stored.wanted, stored.status = r.Wanted, r.Status
		stored.memberTemplate, stored.visitorTemplate = r.MemberTemplate, r.VisitorTemplate
	}

	if len(rows) > 0 {
		for _, c := range rows[0].Collections {
			stored.collections[c.Product] = append(stored.collections[c.Product], c.OrderCollection)
		}
	}

	// A trigger or a rule may drop a row without an error, and an incomplete order must not be
	// committed.
	for _, o := range orders {
		if want := o.parts(); parts[o.CheckoutID] != want {
			return stored, fmt.Errorf("the database kept %d of the %d rows of an order", parts[o.CheckoutID], want)
		}
	}
	return stored, nil
}

// parts is how many rows an order has: itself, its first status (a shop without any counts as one),
// the paid quote, lines and codes.
func (o order) parts() int { return 3 + len(o.Lines) + len(o.Codes) }

const insertOrdersSQL = `
	WITH input AS (
	  SELECT * FROM jsonb_to_recordset($1::jsonb) AS x (
	    identifier text, checkout_id text, session_id text, payment_intent text, event_id text,
	    cart_id bigint, cart_generation int, member_id bigint, prospect_code text, email text, customer_name text,
	    currency text, item_subtotal bigint, item_discount bigint, shipping_subtotal bigint, shipping_discount bigint,
	    sales_tax bigint, tax_included bigint, total bigint,
	    shipping_method jsonb, shipping_address jsonb, billing_address jsonb,
	    placed_at timestamptz, lines jsonb, codes jsonb)
	), settings AS (
	  SELECT coalesce(max(value) FILTER (WHERE key = 'initial_order_status'), '') AS wanted,
	    coalesce(max(value) FILTER (WHERE key = 'order_confirmation_em_cd_member'), '') AS member_template,
	    coalesce(max(value) FILTER (WHERE key = 'order_confirmation_em_cd_prospect'), '') AS visitor_template
	  FROM configuration
	), first_status AS (
	  SELECT identifier FROM status, settings ORDER BY identifier = wanted DESC, position, identifier LIMIT 1
	), new_orders AS (
	  INSERT INTO orders (
	    identifier, checkout_id, session_id, payment_intent, event_id,
	    cart_id, cart_generation, member_id, prospect_code, email, customer_name,
	    currency, item_subtotal, item_discount, shipping_subtotal, shipping_discount, sales_tax, tax_included, total,
	    shipping_method, shipping_address, billing_address, agreed_with_terms_of_sale, placed_at, current_status)
	  SELECT identifier, checkout_id, session_id, payment_intent, nullif(event_id, ''),
	    cart_id, cart_generation, member_id, prospect_code, nullif(email, ''), nullif(customer_name, ''),
	    currency, item_subtotal, item_discount, shipping_subtotal, shipping_discount, sales_tax, tax_included, total,
	    shipping_method, shipping_address, billing_address, true, placed_at, (SELECT identifier FROM first_status)
	  FROM input ORDER BY checkout_id
	  RETURNING id, checkout_id, session_id, payment_intent, placed_at
	), new_lines AS (
	  INSERT INTO order_line (
	    order_id, seq, sku_id, quantity, price_cents,
	    product_title, product_title_url, product_identifier, color, size, description, full_price)
	  SELECT o.id, x.seq, x.sku_id, x.quantity, x.price_cents,
	    x.product_title, x.product_title_url, x.product_identifier, x.color, x.size, x.description,
	    coalesce(x.full_price, false)
	  FROM new_orders o JOIN input n USING (checkout_id)
	  CROSS JOIN LATERAL jsonb_to_recordset(n.lines) AS x (
	    seq int, sku_id bigint, quantity int, price_cents bigint,
	    product_title text, product_title_url text, product_identifier text, color text, size text, description text,
	    full_price boolean)
	  RETURNING order_id
	), new_codes AS (
	  INSERT INTO order_code (order_id, seq, code_id, applied, detail)
	  SELECT o.id, x.seq, x.code_id, x.applied, x.detail
	  FROM new_orders o JOIN input n USING (checkout_id)
	  CROSS JOIN LATERAL jsonb_to_recordset(CASE jsonb_typeof(n.codes) WHEN 'array' THEN n.codes ELSE '[]' END)
	    AS x (seq int, code_id bigint, applied boolean, detail jsonb)
	  RETURNING order_id
	), new_statuses AS (
	  INSERT INTO order_status (order_id, status, created_date_time)
	  SELECT o.id, s.identifier, placed_at FROM new_orders o CROSS JOIN first_status s
	  RETURNING order_id
	), resolved_issues AS (
	  UPDATE payment_issue SET resolved_at = now(), resolved_by = $3 FROM new_orders o
	  WHERE payment_issue.session_id = o.session_id AND reason = $2 AND resolved_at IS NULL
	), paid_quotes AS (
	  UPDATE checkout SET state = 'paid', session_id = o.session_id, payment_intent = o.payment_intent
	  FROM new_orders o
	  WHERE checkout.id = o.checkout_id RETURNING checkout.id
	), used_reservations AS (
	  DELETE FROM reservation USING new_orders o WHERE reservation.checkout_id = o.checkout_id
	)
	SELECT id, checkout_id, wanted, coalesce((SELECT identifier FROM first_status), '') AS status,
	  member_template, visitor_template,
	  1 + (SELECT count(*) FROM new_lines WHERE order_id = o.id)
	    + (SELECT count(*) FROM new_codes WHERE order_id = o.id)
	    + (SELECT count(*) FROM new_statuses WHERE order_id = o.id) + (NOT EXISTS (SELECT FROM first_status))::int
	    + (SELECT count(*) FROM paid_quotes q WHERE q.id = checkout_id) AS parts,
	  (SELECT coalesce(jsonb_agg(jsonb_build_object('product', p.identifier, 'address', cl.address, 'title', cl.title)
	      ORDER BY cl.position, cl.id), '[]')
	    FROM product p JOIN product_collection pc ON pc.product_id = p.id JOIN collection cl ON cl.id = pc.collection_id
	    WHERE p.identifier IN (
	      SELECT x.product_identifier
	      FROM input n CROSS JOIN LATERAL jsonb_to_recordset(n.lines) AS x (product_identifier text))) AS collections
	FROM new_orders o, settings`

// clearCarts removes what was paid for from the carts: a cart with nothing left is deleted, and the
// rest of another can be ordered. If a cart was merged into a member's at login, that one is
// cleared.
func clearCarts(ctx context.Context, tx pgx.Tx, orders []order) error {
	type paidLine struct {
		CartID   int64 `json:"cart_id"`
		SKUID    int64 `json:"sku_id"`
		Quantity int   `json:"quantity"`
	}
	var lines []paidLine
	for _, o := range orders {
		for _, l := range o.Lines {
			lines = append(lines, paidLine{o.CartID, l.SKUID, l.Quantity})
		}
	}

	return pg.Exec(ctx, tx, "clear carts", `
		WITH paid AS (
		  SELECT coalesce(m.to_cart_id, x.cart_id) AS cart_id, x.sku_id, sum(x.quantity) AS quantity
		  FROM jsonb_to_recordset($1::jsonb) AS x (cart_id bigint, sku_id bigint, quantity int)
		  LEFT JOIN cart_merge m ON m.from_cart_id = x.cart_id
		  GROUP BY 1, 2
		), kept AS (
		  SELECT DISTINCT l.cart_id FROM cart_line l LEFT JOIN paid p USING (cart_id, sku_id)
		  WHERE l.cart_id IN (SELECT cart_id FROM paid) AND l.quantity > coalesce(p.quantity, 0)
		), fewer AS (
		  UPDATE cart_line l SET quantity = l.quantity - p.quantity FROM paid p JOIN kept USING (cart_id)
		  WHERE l.cart_id = p.cart_id AND l.sku_id = p.sku_id AND l.quantity > p.quantity
		), none AS (
		  DELETE FROM cart_line l USING paid p JOIN kept USING (cart_id)
		  WHERE l.cart_id = p.cart_id AND l.sku_id = p.sku_id AND l.quantity <= p.quantity
		), next AS (
		  UPDATE cart SET generation = generation + 1, updated_at = now() FROM kept WHERE cart.id = kept.cart_id
		), codes AS (
		  DELETE FROM cart_code USING kept WHERE cart_code.cart_id = kept.cart_id
		)
		DELETE FROM cart WHERE id IN (SELECT cart_id FROM paid)
		  AND NOT EXISTS (SELECT FROM kept WHERE kept.cart_id = cart.id)`,
		lines)
}

const targetCartsSQL = `SELECT coalesce(m.to_cart_id, x) FROM unnest($1::bigint[]) AS x LEFT JOIN cart_merge m ON ` +
	`m.from_cart_id = x`
