package order

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// ordersToPack are one order, or every order that is not at the last status yet, oldest first.
func ordersToPack(ctx context.Context, db pg.DB, identifier string) ([]toPack, error) {
	return pg.List[toPack](ctx, db, "read orders to pack", `
		SELECT o.identifier, o.placed_at, latest.status, o.shipping_method->>'carrier' AS shipping_method,
		  o.shipping_address AS address,
		       (SELECT jsonb_agg(jsonb_build_object('sku', sku_id, 'quantity', quantity, 'product', product_title,
		         'text', description, 'colour', color, 'size', size) ORDER BY seq)
		        FROM order_line WHERE order_id = o.id) AS lines
		FROM orders o
		LEFT JOIN LATERAL (SELECT s.status FROM order_status s JOIN status k ON k.identifier = s.status
		  WHERE s.order_id = o.id ORDER BY s.created_date_time DESC, k.position DESC LIMIT 1) latest ON true
		WHERE CASE WHEN $1 = '' THEN latest.status IS DISTINCT FROM (SELECT identifier FROM status
		  ORDER BY position DESC LIMIT 1) ELSE o.identifier = $1 END
		ORDER BY o.placed_at, o.id`, identifier)
}
