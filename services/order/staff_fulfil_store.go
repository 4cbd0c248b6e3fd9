package order

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// unsentSQL are the statuses of orders that may have pieces to send.
const unsentSQL = `s.identifier NOT IN ('shipped', 'canceled', 'refunded')`

// shownToShip is how many orders the page that sends many shows by default.
const shownToShip = 50

// ordersToShip are the orders of some identifiers, or otherwise those that have waited longest, of
// one status or of all.
func ordersToShip(ctx context.Context, db pg.DB, identifiers []string, status string) ([]staffToShip, error) {
	which, args := `orders o WHERE o.identifier = ANY($1)`, []any{identifiers}
	if len(identifiers) == 0 {
		which = `(SELECT w.* FROM status s CROSS JOIN LATERAL (
			    SELECT * FROM orders o WHERE o.current_status = s.identifier
			    ORDER BY o.placed_at, o.id LIMIT $2) AS w
			  WHERE ` + unsentSQL + ` AND ($1 = '' OR s.identifier = $1)
			  ORDER BY w.placed_at, w.id LIMIT $2) AS o`
		args = []any{status, shownToShip}
	}
	return pg.List[staffToShip](ctx, db, "list orders to ship", `
		SELECT o.identifier, o.version, coalesce(o.customer_name, '') AS customer,
		  concat_ws(', ', nullif(o.shipping_address->>'city', ''),
		    nullif(o.shipping_address->>'country_code', '')) AS place,
		  coalesce((SELECT string_agg(l.quantity || ' × ' || l.product, ', ' ORDER BY l.seq)
		    FROM `+leftSQL+` l WHERE l.order_id = o.id AND l.quantity > 0), '') AS pieces,
		  EXISTS (SELECT FROM dispute d WHERE d.payment_intent = o.payment_intent AND d.withdrawn > 0) AS disputed,
		  '' AS tracking, '' AS error
		FROM `+which+` ORDER BY o.placed_at, o.id`, args...)
}

// findLastAct returns the last act of staff on an order, who did it, and when; "" if there is none.
func findLastAct(ctx context.Context, db pg.DB, identifier string) (words string, found bool, err error) {
	return pg.One[string](ctx, db, "find the last act on order $1", `
		SELECT CASE WHEN acted_at IS NULL THEN ''
		  ELSE concat(acted_what, ', by ', acted_by, ' at ', to_char(acted_at AT TIME ZONE 'UTC', 'HH24:MI "UTC"')) END
		FROM orders WHERE identifier = $1`, identifier)
}

// leftSQL are the pieces of orders that are left to send, as l.quantity.
const leftSQL = `
	(SELECT l.order_id, l.seq, l.sku_id, coalesce(l.product_title, '') AS product,
	  concat_ws(', ', nullif(l.description, ''), nullif(l.color, ''), nullif(l.size, '')) AS variant,
	  l.quantity
	    - coalesce((SELECT sum(s.quantity) FROM shipment_line s
	      WHERE s.order_id = l.order_id AND s.seq = l.seq), 0)
	    - coalesce((SELECT sum(r.quantity) FROM refund_line r JOIN refund f ON f.id = r.refund_id
	      WHERE r.order_id = l.order_id AND r.seq = l.seq AND f.state NOT IN ('failed', 'canceled')), 0) AS quantity
	FROM order_line l)`

// slipsOf are packing slips, in the order of the identifiers.
func slipsOf(ctx context.Context, db pg.DB, identifiers []string) ([]staffSlip, error) {
	return pg.List[staffSlip](ctx, db, "list packing slips", `
		SELECT o.identifier, o.placed_at, coalesce(o.shipping_method->>'carrier', '') AS method,
		  o.shipping_address AS address,
		  coalesce((SELECT jsonb_agg(jsonb_build_object(
		      'quantity', l.quantity, 'sku', l.sku_id, 'product', l.product, 'variant', l.variant) ORDER BY l.seq)
		    FROM `+leftSQL+` l WHERE l.order_id = o.id AND l.quantity > 0), '[]') AS lines
		FROM orders o WHERE o.identifier = ANY($1) ORDER BY array_position($1, o.identifier)`, identifiers)
}

// picksOf are the pieces of some orders that are left to send, by SKU.
func picksOf(ctx context.Context, db pg.DB, identifiers []string) ([]staffPick, error) {
	return pg.List[staffPick](ctx, db, "list the lines to pick", `
		SELECT l.sku_id AS sku, max(l.product) AS product, max(l.variant) AS variant, sum(l.quantity)::int AS pieces,
		  array_agg(o.identifier ORDER BY o.identifier) AS orders
		FROM orders o JOIN `+leftSQL+` l ON l.order_id = o.id AND l.quantity > 0
		WHERE o.identifier = ANY($1) AND o.canceled_at IS NULL GROUP BY l.sku_id ORDER BY product, sku`, identifiers)
}

// sentAs reports whether a parcel of an order has this tracking number.
func sentAs(ctx context.Context, db pg.DB, identifier, tracking string) (bool, error) {
	return pg.Get[bool](ctx, db, "find a parcel of order $1", `
		SELECT EXISTS (SELECT FROM shipment s JOIN orders o ON o.id = s.order_id
		  WHERE o.identifier = $1 AND s.tracking_number = $2 AND $2 <> '')`, identifier, tracking)
}
