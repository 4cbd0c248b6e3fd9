package order

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// findCart reads the cart of the shopper who sent the request, with its shipping method, or nil. A
// member's request never sees a visitor's cart.
func findCart(ctx context.Context, db pg.DB, who web.Identity) (*cart, error) {
	return readCart(ctx, db, who, nil, "")
}

// lockCart is findCart for a request that is about to make a payment page: one at a time for each
// cart. Lines can still be added in the meantime. The cart comes with the settings that a checkout
// depends on.
func lockCart(ctx context.Context, tx pgx.Tx, who web.Identity) (*cart, error) {
	return readCart(ctx, tx, who, append(checkoutSettings(), allowListKey(who)), " FOR NO KEY UPDATE OF c")
}

func readCart(ctx context.Context, db pg.DB, who web.Identity, keys []string, lock string) (c *cart, err error) {
	batch := &pgx.Batch{}
	queueCart(batch, who, keys, lock, &c)
	if batch.Len() == 0 {
		return nil, nil
	}
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("find the cart: %w", err)
	}
	return c, noteView(ctx, db, c)
}

// findFilledCart is findCart with the lines, in the same round trip, and with the settings of some
// keys.
func findFilledCart(ctx context.Context, db pg.DB, who web.Identity,
	keys ...string) (c *cart, lines []line, err error) {
	batch := &pgx.Batch{}
	queueCart(batch, who, keys, "", &c)
	queueLines(batch, who, &lines)
	if batch.Len() == 0 {
		return nil, nil, nil
	}
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		return nil, nil, fmt.Errorf("find the cart: %w", err)
	}
	if c == nil { // created between the two statements
		lines = nil
	}
	return c, lines, noteView(ctx, db, c)
}

// ownCart is the condition on cart c for the cart of the shopper who sent the request, and its
// argument $1; "" for a visitor who has none. Each case has an index of its own.
func ownCart(who web.Identity) (where string, owner any) {
	switch {
	case who.Member():
		return `c.member_id = $1`, who.MemberID
	case who.Cart != "":
		return `c.anonymous_id = $1`, who.Cart
	}
	return "", nil
}

// queueCart adds reading the head of a cart to a batch, and settings with it; c stays nil when
// there is none.
func queueCart(batch *pgx.Batch, who web.Identity, keys []string, lock string, into **cart) {
	where, owner := ownCart(who)
	if where == "" {
		return
	}
	batch.Queue(`
		SELECT c.id, c.member_id, c.anonymous_id, c.generation, c.receipt_email,
		  c.updated_at < now() - interval '1 day',
		  EXISTS (SELECT FROM cart_code x WHERE x.cart_id = c.id),
		  `+methodColumnsSQL+`,
		  (SELECT max(k.total) FROM checkout k
		    WHERE k.state = 'pending' AND k.cart_id = ANY (ARRAY(
		      SELECT c.id
		      UNION ALL
		      SELECT g.from_cart_id FROM cart_merge g WHERE g.to_cart_id = c.id))),
		  (SELECT jsonb_object_agg(key, value) FROM configuration WHERE key = ANY($2))
		FROM cart c LEFT JOIN shipping_method m ON m.id = c.shipping_method_id AND m.active
		WHERE `+where+lock, owner, keys).QueryRow(func(row pgx.Row) error {
		c, m := &cart{MemberEmail: who.Email}, struct {
			id, cost, pending, free            *int64
			identifier, carrier, base, priceBy *string
			steps                              []shippingStep
		}{}
		err := row.Scan(&c.ID, &c.MemberID, &c.AnonymousID, &c.Generation, &c.ReceiptEmail, &c.viewUnnoted, &c.HasCodes,
			&m.id, &m.identifier, &m.carrier, &m.cost, &m.base, &m.priceBy, &m.steps, &m.free, &m.pending, &c.settings)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err //nolint:wrapcheck // the batch's error is wrapped
		}

		c.Pending = (*money.Cents)(m.pending)
		if m.id != nil {
			c.Shipping = &shippingMethod{ID: *m.id, Identifier: *m.identifier, Carrier: *m.carrier,
				Cost: money.Cents(*m.cost), TrackingBaseURL: *m.base, PriceBy: *m.priceBy, Steps: m.steps,
				FreeAbove: (*money.Cents)(m.free)}
		}
		*into = c
		return nil
	})
}

// queueLines adds reading the lines of a cart to a batch, beside its head.
func queueLines(batch *pgx.Batch, who web.Identity, into *[]line) {
	if where, owner := ownCart(who); where != "" {
		queue(batch, func(l line) { *into = append(*into, l) },
			linesSQL+`(SELECT c.id FROM cart c WHERE `+where+`) ORDER BY l.seq`, owner)
	}
}

// noteView keeps a cart that is being looked at from reaching cartTTL: once a day is enough.
func noteView(ctx context.Context, db pg.DB, c *cart) error {
	if c == nil || !c.viewUnnoted {
		return nil
	}
	return pg.Exec(ctx, db, "note that cart $1 was looked at", `UPDATE cart SET updated_at = now() WHERE id = $1`, c.ID)
}

// linesSQL shows the last pieces as in stock to the shopper whose own unpaid page holds them: a
// shopper who clicks again, returns from the payment page or has filled another cart since can
// still buy them. A line whose SKU is no longer sold stays, at no price, until the shopper removes
// it: it is counted wherever lines are. LIMIT 1 makes PostgreSQL look up a line's SKU: without it,
// it computes all SKUs of the shop and joins them, for as long as it believes the tables to be
// small.
const linesSQL = `
	SELECT l.sku_id, 'product' AS type, coalesce(own.title, n.inventory_title, 'No longer sold') AS inventory_title,
	  coalesce(own.identifier, n.inventory_identifier, '` + offSale + `') AS inventory_identifier,
	  s.color, s.size, s.description, coalesce(n.price_cents, 0) AS price_cents, l.quantity,
	  coalesce(n.product_title, p.title, 'An item that we no longer sell') AS product_title,
	  coalesce(n.product_title_url, '') AS product_title_url,
	  coalesce(n.product_identifier, '') AS product_identifier, coalesce(n.image_url, '') AS image_url,
	  coalesce(s.weight_grams, 0) AS grams
	FROM cart_line l JOIN sku s ON s.id = l.sku_id LEFT JOIN product p ON p.id = s.product_id
	LEFT JOIN LATERAL (SELECT * FROM sku_now WHERE sku_now.id = l.sku_id LIMIT 1) AS n ON true
	LEFT JOIN LATERAL (
	  SELECT i.title, i.identifier FROM cart c CROSS JOIN LATERAL (` + ownLiveSQL + `) AS o
	  JOIN reservation r ON r.checkout_id = o.id AND r.sku_id = l.sku_id
	  JOIN sku_inventory i ON i.id = s.inventory_id
	  WHERE n.stock = 0 AND c.id = l.cart_id LIMIT 1) own ON true
	WHERE l.cart_id = `

// codesSQL does not count the uses that this shopper's own unpaid pages hold: they are given back
// before another page is made.
const codesSQL = `
	SELECT d.id, d.code, d.description, d.combinable, d.amount, d.order_minimum_cents,
	  -- staff write infinity
	  greatest(d.start_date_time, '0001-01-01Z') AS start_date_time,
	  least(d.end_date_time, '9999-12-31Z') AS end_date_time,
	  t.title AS type_title, t.description AS type_text, t.applies_to, t.action,
	  (d.max_uses IS NULL OR d.uses - own.n < d.max_uses)
	    AND (d.max_uses_per_customer IS NULL OR (
	      SELECT count(*) FROM code_use u
	      WHERE u.code_id = d.id AND (u.customer = $2 OR u.person = nullif($3, ''))
	    ) - own.same < d.max_uses_per_customer) AS left,
	  CASE WHEN d.scope_id IS NOT NULL THEN ARRAY(
	    SELECT l.sku_id FROM cart_line l WHERE l.cart_id = $1 AND l.sku_id IN (` + scopeSQL + `)) END AS only
	FROM cart_code c JOIN discount_code d ON d.id = c.code_id JOIN discount_type t ON t.id = d.type_id
	CROSS JOIN LATERAL (
	  SELECT count(*) AS n, count(*) FILTER (WHERE u.customer = $2 OR u.person = nullif($3, '')) AS same
	  FROM cart c CROSS JOIN LATERAL (` + ownLiveSQL + `) AS o
	  JOIN code_use u ON u.checkout_id = o.id AND u.code_id = d.id
	  WHERE c.id = $1) own
	WHERE c.cart_id = $1 ORDER BY c.seq`

// scopeSQL are the SKUs that code d is for, if it has a scope.
const scopeSQL = `
	SELECT x.sku_id FROM discount_scope_sku x WHERE x.scope_id = d.scope_id
	UNION ALL
	SELECT s.id FROM discount_scope_collection x
	JOIN product_collection p USING (collection_id)
	JOIN sku s USING (product_id)
	WHERE x.scope_id = d.scope_id`

func cartLines(ctx context.Context, db pg.DB, cartID int64) ([]line, error) {
	return pg.List[line](ctx, db, "list the lines of a cart", linesSQL+`$1 ORDER BY l.seq`, cartID)
}

// readContents reads lines and codes and computes the totals. c may be nil.
func readContents(ctx context.Context, db pg.DB, c *cart) (cartContents, error) {
	if c == nil {
		return cartContents{}, nil
	}
	lines, err := cartLines(ctx, db, c.ID)
	if err != nil {
		return cartContents{}, err
	}
	return withCodes(ctx, db, c, lines)
}

// withCodes adds the codes of a cart to its lines, and computes the totals. c may be nil.
func withCodes(ctx context.Context, db pg.DB, c *cart, lines []line) (contents cartContents, err error) {
	if c == nil {
		return contents, nil
	}
	contents.lines = lines
	if c.HasCodes { // most carts have none
		if contents.codes, err = pg.List[appliedCode](ctx, db, "list the codes of a cart", codesSQL, c.ID, c.customer(),
			c.person()); err != nil {
			return cartContents{}, err
		}
	}
	contents.compute(c.Shipping, time.Now())
	return contents, nil
}

type addOutcome int

const (
	added addOutcome = iota
	noSuchSKU
	tooMany
)

// clicksKept is how many keys of clicks a line remembers: a click that is sent again comes at once.
const clicksKept = 8

// addLine adds pieces to a line, creating cart and line if they are missing, in one statement, so
// that parallel requests lose no pieces; and it counts the lines. A refused request leaves no cart
// behind. A click whose key the line has adds nothing: another process handled it, and may have
// died before it could answer.
func addLine(ctx context.Context, db pg.DB, who web.Identity, sku int64,
	pieces int) (outcome addOutcome, lines int, err error) {
	column, owner := "anonymous_id", any(who.Cart)
	if who.Member() {
		column, owner = "member_id", who.MemberID
	}
	row, err := pg.Get[struct {
		Found, Fits bool
		Others      int
	}](ctx, db, "add SKU $2 to a cart", `
		WITH target AS (
		  INSERT INTO cart (`+column+`) SELECT $1 WHERE EXISTS (SELECT FROM sku_now WHERE id = $2)
		  ON CONFLICT (`+column+`) DO UPDATE SET updated_at = now() RETURNING id
		), stored AS (
		  INSERT INTO cart_line (cart_id, sku_id, quantity, clicks)
		  SELECT id, $2, $3, array_remove(ARRAY[$5], '') FROM target
		  ON CONFLICT (cart_id, sku_id) DO UPDATE
		  SET clicks = (excluded.clicks || cart_line.clicks)[:$6],
		    quantity = cart_line.quantity
		      + CASE WHEN cart_line.clicks && excluded.clicks THEN 0 ELSE excluded.quantity END
		  WHERE cart_line.clicks && excluded.clicks OR cart_line.quantity + excluded.quantity <= $4
		  RETURNING cart_id
		)
		SELECT EXISTS (SELECT FROM target) AS found, EXISTS (SELECT FROM stored) AS fits,
		  (SELECT count(*) FROM cart_line WHERE cart_id = (SELECT id FROM target) AND sku_id <> $2) AS others`,
		owner, sku, pieces, maxPieces, who.Click, clicksKept)
	if err != nil {
		return added, 0, err
	}

	switch {
	case !row.Found:
		return noSuchSKU, 0, nil
	case !row.Fits:
		return tooMany, 0, nil
	}
	return added, row.Others + 1, nil
}

// setQuantity changes the pieces of a line. A cart without any piece left begins a new generation:
// the payment page of its former contents has ended.
func setQuantity(ctx context.Context, db pg.DB, cartID, sku int64, pieces int) (found bool, err error) {
	sql, args := `UPDATE cart_line SET quantity = $3 WHERE cart_id = $1 AND sku_id = $2`, []any{cartID, sku, pieces}
	if pieces == 0 {
		sql, args = `
			WITH c AS (SELECT id FROM cart WHERE id = $1 FOR UPDATE),
			     none AS (
			       UPDATE cart_line SET quantity = 0 FROM c WHERE cart_id = c.id AND sku_id = $2 RETURNING cart_id)
			UPDATE cart SET updated_at = now(), generation = generation + `+emptiedSQL+`
			FROM none WHERE cart.id = none.cart_id`, args[:2]
	}
	return pg.ExecOne(ctx, db, "update the quantity of a line of cart $1", sql, args...)
}

// emptiedSQL is 1 if SKU $2 was the only one in a cart, else 0.
const emptiedSQL = `(NOT EXISTS (SELECT FROM cart_line l WHERE l.cart_id = cart.id AND l.sku_id <> $2 AND ` +
	`l.quantity > 0))::int`

// removeLine removes a line and clears the shipping method with it. The cart is locked before the
// line, as everywhere, so that no two requests wait for each other. A cart without any piece left
// begins a new generation, as in setQuantity.
func removeLine(ctx context.Context, db pg.DB, cartID, sku int64) (found bool, err error) {
	return pg.ExecOne(ctx, db, "remove a line from cart $1", `
		WITH c AS (SELECT id FROM cart WHERE id = $1 FOR UPDATE),
		     gone AS (DELETE FROM cart_line USING c WHERE cart_id = c.id AND sku_id = $2 RETURNING cart_id)
		UPDATE cart SET shipping_method_id = NULL, updated_at = now(), generation = generation + `+emptiedSQL+`
		FROM gone WHERE cart.id = gone.cart_id`, cartID, sku)
}

func deleteCart(ctx context.Context, db pg.DB, cartID int64) (deleted bool, err error) {
	return pg.ExecOne(ctx, db, "delete cart $1", `DELETE FROM cart WHERE id = $1`, cartID)
}

// lineCount is the number of lines of a member's or a visitor's cart.
type lineCount struct {
	MemberID    *int64
	AnonymousID *string
	Lines       int
}

func countLines(ctx context.Context, db pg.DB, members []int64, carts []string) ([]lineCount, error) {
	return pg.List[lineCount](ctx, db, "count cart lines", `
		SELECT c.member_id, c.anonymous_id, count(*) AS lines FROM cart c JOIN cart_line l ON l.cart_id = c.id
		WHERE c.member_id = ANY($1) OR c.anonymous_id = ANY($2) GROUP BY c.id`, members, carts)
}
