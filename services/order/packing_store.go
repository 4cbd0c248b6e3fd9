package order

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// ordersToPack are one order with all its lines, or every order that has something to send, oldest
// first.
func ordersToPack(ctx context.Context, db pg.DB, identifier string) ([]toPack, error) {
	return pg.List[toPack](ctx, db, "list orders to pack", `
		SELECT o.identifier, o.placed_at, latest.status, o.shipping_method->>'carrier' AS shipping_method,
		  o.shipping_address AS address,
		  (SELECT jsonb_agg(jsonb_build_object(
		      'line', seq, 'sku', sku_id, 'quantity', quantity, 'left', left_over,
		      'product', product_title, 'text', description, 'colour', color, 'size', size) ORDER BY seq)
		    FROM (
		      SELECT l.*, greatest(quantity
		          - coalesce((SELECT sum(s.quantity) FROM shipment_line s
		            WHERE s.order_id = l.order_id AND s.seq = l.seq), 0)
		          - coalesce((SELECT sum(r.quantity) FROM refund_line r JOIN refund f ON f.id = r.refund_id
		            WHERE r.order_id = l.order_id AND r.seq = l.seq AND f.state NOT IN ('failed', 'canceled')), 0),
		        0) AS left_over
		      FROM order_line l WHERE l.order_id = o.id) AS l
		    WHERE $1 <> '' OR left_over > 0) AS lines
		FROM orders o
		LEFT JOIN LATERAL (
		  SELECT s.status FROM order_status s JOIN status k ON k.identifier = s.status
		  WHERE s.order_id = o.id ORDER BY s.created_date_time DESC, k.position DESC LIMIT 1) latest ON true
		WHERE CASE
		  WHEN $1 = '' THEN o.canceled_at IS NULL AND NOT EXISTS (
		    SELECT FROM order_status d WHERE d.order_id = o.id AND d.status IN ('shipped', 'refunded'))
		  ELSE o.identifier = $1 END
		ORDER BY o.placed_at, o.id`, identifier)
}
