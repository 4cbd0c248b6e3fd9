package order

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// errRefused rolls a transaction back after a refusal that is answered by its outcome.
var errRefused = errors.New("refused")

// findCart reads the cart of whoever asks, with its shipping method, or nil. A member's request
// never sees a visitor's cart. A cart that is looked at is not forgotten (keepCarts).
func findCart(ctx context.Context, db querier, who web.Identity) (*cart, error) {
	return readCart(ctx, db, who, `
		WITH looked AS (UPDATE cart c SET updated_at = now() WHERE (`+ownCart+`) AND updated_at < now() - interval '1 day')`, "")
}

// lockCart is findCart for who is about to make a payment page: one at a time for each cart. Lines may
// still be put in meanwhile.
func lockCart(ctx context.Context, tx pgx.Tx, who web.Identity) (*cart, error) {
	return readCart(ctx, tx, who, "", " FOR NO KEY UPDATE OF c")
}

// ownCart is the cart of member $1, or of the visitor $2.
const ownCart = `c.member_id = nullif($1::bigint, 0) OR (c.anonymous_id = $2 AND $1 = 0)`

func readCart(ctx context.Context, db querier, who web.Identity, with, lock string) (*cart, error) {
	if !who.Member() && who.Cart == "" {
		return nil, nil
	}
	c, m := &cart{MemberEmail: who.Email}, struct {
		id, cost, pending         *int64
		identifier, carrier, base *string
	}{}
	err := db.QueryRow(ctx, with+`
		SELECT c.id, c.member_id, c.anonymous_id, c.generation, c.receipt_email, m.id, m.identifier, m.carrier, m.shipping_cost_cents, m.tracking_code_base_url,
		       (SELECT max(k.total) FROM checkout k WHERE k.state = 'pending'
		          AND k.cart_id = ANY (ARRAY(SELECT c.id UNION ALL SELECT g.from_cart_id FROM cart_merge g WHERE g.to_cart_id = c.id)))
		FROM cart c LEFT JOIN shipping_method m ON m.id = c.shipping_method_id AND m.active
		WHERE `+ownCart+lock, who.MemberID, who.Cart).
		Scan(&c.ID, &c.MemberID, &c.AnonymousID, &c.Generation, &c.ReceiptEmail, &m.id, &m.identifier, &m.carrier, &m.cost, &m.base, &m.pending)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the cart: %w", err)
	}
	c.Pending = (*money.Cents)(m.pending)
	if m.id != nil {
		c.Shipping = &shippingMethod{*m.id, *m.identifier, *m.carrier, cents(*m.cost), *m.base}
	}
	return c, nil
}

// linesSQL shows the last pieces as in stock to the shopper whose own unpaid page holds them: who clicks
// again, comes back from the payment page, or filled another cart since, can still buy them.
// A line whose SKU is no longer sold stays, for nothing, until the shopper takes it out: it is counted
// wherever lines are.
const linesSQL = `
	SELECT l.sku_id, 'product' AS type, coalesce(own.title, n.inventory_title, 'No longer sold') AS inventory_title,
	       coalesce(own.identifier, n.inventory_identifier, '` + offSale + `') AS inventory_identifier,
	       s.color, s.size, s.description, coalesce(n.price_cents, 0) AS price_cents, l.quantity, coalesce(n.product_title, p.title, 'An item that we no longer sell') AS product_title,
	       coalesce(n.product_title_url, '') AS product_title_url, coalesce(n.product_identifier, '') AS product_identifier, coalesce(n.image_url, '') AS image_url
	FROM cart_line l JOIN sku s ON s.id = l.sku_id LEFT JOIN product p ON p.id = s.product_id LEFT JOIN LATERAL (SELECT * FROM sku_now WHERE sku_now.id = l.sku_id) n ON true
	LEFT JOIN LATERAL (
	  SELECT i.title, i.identifier FROM cart c CROSS JOIN LATERAL (` + ownLiveSQL + `) o JOIN reservation r ON r.checkout_id = o.id AND r.sku_id = l.sku_id
	  JOIN sku_inventory i ON i.id = s.inventory_id
	  WHERE n.stock = 0 AND c.id = l.cart_id LIMIT 1) own ON true
	WHERE l.cart_id = $1 ORDER BY l.seq`

// codesSQL leaves the uses that this shopper's own unpaid pages hold out of the count: they will be
// given back before another one is made.
const codesSQL = `
	SELECT d.id, d.code, d.description, d.combinable, d.amount, d.order_minimum_cents,
	       greatest(d.start_date_time, '0001-01-01Z') AS start_date_time, least(d.end_date_time, '9999-12-31Z') AS end_date_time, -- staff write infinity
	       t.title AS type_title, t.description AS type_text, t.applies_to, t.action,
	       (d.max_uses IS NULL OR d.uses - own.n < d.max_uses) AND
	       (d.max_uses_per_customer IS NULL OR (SELECT count(*) FROM code_use u WHERE u.code_id = d.id AND (u.customer = $2 OR u.person = nullif($3, ''))) - own.same < d.max_uses_per_customer) AS left
	FROM cart_code c JOIN discount_code d ON d.id = c.code_id JOIN discount_type t ON t.id = d.type_id
	CROSS JOIN LATERAL (
	  SELECT count(*) AS n, count(*) FILTER (WHERE u.customer = $2 OR u.person = nullif($3, '')) AS same
	  FROM cart c CROSS JOIN LATERAL (` + ownLiveSQL + `) o JOIN code_use u ON u.checkout_id = o.id AND u.code_id = d.id WHERE c.id = $1) own
	WHERE c.cart_id = $1 ORDER BY c.seq`

func cartLines(ctx context.Context, db querier, cartID int64) ([]line, error) {
	return collect[line](ctx, db, "cart lines", linesSQL, cartID)
}

// readContents reads lines and codes in one round trip and computes the totals. c may be nil.
func readContents(ctx context.Context, db querier, c *cart) (contents, error) {
	var in contents
	if c == nil {
		return in, nil
	}
	batch := &pgx.Batch{}
	queue(batch, func(l line) { in.lines = append(in.lines, l) }, linesSQL, c.ID)
	queue(batch, func(a appliedCode) { in.codes = append(in.codes, a) }, codesSQL, c.ID, c.customer(), c.person())
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		return contents{}, fmt.Errorf("read cart %d: %w", c.ID, err)
	}
	in.compute(c.Shipping, time.Now())
	return in, nil
}

type addOutcome int

const (
	added addOutcome = iota
	noSuchSKU
	tooMany
)

// addLine adds pieces to a line, making cart and line when they are missing, in statements that
// parallel adds cannot lose pieces to.
func addLine(ctx context.Context, tx pgx.Tx, who web.Identity, sku int64, pieces int) (addOutcome, int, error) {
	var exists bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM sku_now WHERE id = $1)`, sku).Scan(&exists); err != nil {
		return added, 0, fmt.Errorf("look for a SKU: %w", err)
	}
	if !exists {
		return noSuchSKU, 0, nil
	}
	cartID, err := ensureCart(ctx, tx, who)
	if err != nil {
		return added, 0, err
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO cart_line (cart_id, sku_id, quantity) VALUES ($1, $2, $3)
		ON CONFLICT (cart_id, sku_id) DO UPDATE SET quantity = cart_line.quantity + EXCLUDED.quantity
		WHERE cart_line.quantity + EXCLUDED.quantity <= $4`, cartID, sku, pieces, maxPieces)
	if err != nil {
		return added, 0, fmt.Errorf("add to cart %d: %w", cartID, err)
	}
	if tag.RowsAffected() == 0 {
		return tooMany, 0, nil
	}
	var count int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM cart_line WHERE cart_id = $1`, cartID).Scan(&count); err != nil {
		return added, 0, fmt.Errorf("count the lines of cart %d: %w", cartID, err)
	}
	return added, count, nil
}

// ensureCart finds or makes the cart of whoever asks.
func ensureCart(ctx context.Context, tx pgx.Tx, who web.Identity) (int64, error) {
	sql, owner := `INSERT INTO cart (anonymous_id) VALUES ($1) ON CONFLICT (anonymous_id) DO UPDATE SET updated_at = now() RETURNING id`, any(who.Cart)
	if who.Member() {
		sql, owner = `INSERT INTO cart (member_id) VALUES ($1) ON CONFLICT (member_id) DO UPDATE SET updated_at = now() RETURNING id`, who.MemberID
	}
	var cartID int64
	if err := tx.QueryRow(ctx, sql, owner).Scan(&cartID); err != nil {
		return 0, fmt.Errorf("find or make the cart: %w", err)
	}
	return cartID, nil
}

// setQuantity changes the pieces of a line. A cart without any piece left begins a new generation: the
// payment page of what was in it has ended.
func setQuantity(ctx context.Context, db querier, cartID, sku int64, pieces int) (found bool, err error) {
	sql, args := `UPDATE cart_line SET quantity = $3 WHERE cart_id = $1 AND sku_id = $2`, []any{cartID, sku, pieces}
	if pieces == 0 {
		sql, args = `
			WITH c AS (SELECT id FROM cart WHERE id = $1 FOR UPDATE),
			     none AS (UPDATE cart_line SET quantity = 0 FROM c WHERE cart_id = c.id AND sku_id = $2 RETURNING cart_id)
			UPDATE cart SET updated_at = now(), generation = generation + `+emptiedSQL+` FROM none WHERE cart.id = none.cart_id`, args[:2]
	}
	tag, err := db.Exec(ctx, sql, args...)
	if err != nil {
		return false, fmt.Errorf("set a quantity in cart %d: %w", cartID, err)
	}
	return tag.RowsAffected() == 1, nil
}

// emptiedSQL is 1 when SKU $2 was all that there was in a cart, else 0.
const emptiedSQL = `(NOT EXISTS (SELECT FROM cart_line l WHERE l.cart_id = cart.id AND l.sku_id <> $2 AND l.quantity > 0))::int`

// removeLine takes a line out and forgets the shipping method with it. The cart is locked before the
// line, as everywhere, so that no two requests wait for each other. A cart without any piece left begins a new
// generation, as in setQuantity.
func removeLine(ctx context.Context, db querier, cartID, sku int64) (found bool, err error) {
	tag, err := db.Exec(ctx, `
		WITH c AS (SELECT id FROM cart WHERE id = $1 FOR UPDATE),
		     gone AS (DELETE FROM cart_line USING c WHERE cart_id = c.id AND sku_id = $2 RETURNING cart_id)
		UPDATE cart SET shipping_method_id = NULL, updated_at = now(), generation = generation + `+emptiedSQL+` FROM gone WHERE cart.id = gone.cart_id`, cartID, sku)
	if err != nil {
		return false, fmt.Errorf("remove a line from cart %d: %w", cartID, err)
	}
	return tag.RowsAffected() == 1, nil
}

func deleteCart(ctx context.Context, db querier, cartID int64) (deleted bool, err error) {
	tag, err := db.Exec(ctx, `DELETE FROM cart WHERE id = $1`, cartID)
	if err != nil {
		return false, fmt.Errorf("delete cart %d: %w", cartID, err)
	}
	return tag.RowsAffected() == 1, nil
}

// lineCount is the number of lines of a member's or a visitor's cart.
type lineCount struct {
	MemberID    *int64
	AnonymousID *string
	Lines       int
}

func countLines(ctx context.Context, db querier, members []int64, carts []string) ([]lineCount, error) {
	rows, err := db.Query(ctx, `
		SELECT c.member_id, c.anonymous_id, count(*) AS lines FROM cart c JOIN cart_line l ON l.cart_id = c.id
		WHERE c.member_id = ANY($1) OR c.anonymous_id = ANY($2) GROUP BY c.id`, members, carts)
	if err != nil {
		return nil, fmt.Errorf("count cart lines: %w", err)
	}
	counts, err := pgx.CollectRows(rows, pgx.RowToStructByName[lineCount])
	if err != nil {
		return nil, fmt.Errorf("count cart lines: %w", err)
	}
	return counts, nil
}
