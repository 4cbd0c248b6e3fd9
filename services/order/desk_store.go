package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// deskOrderColumnsSQL are the columns of a deskOrder, of the table orders as o.
const deskOrderColumnsSQL = `o.id, o.identifier, o.version, o.payment_intent, o.member_id, o.prospect_code, o.email,
	o.customer_name, o.currency, o.item_subtotal, o.item_discount, o.shipping_subtotal, o.shipping_discount,
	o.sales_tax, o.tax_included, o.total, o.shipping_method, o.shipping_address, o.placed_at, o.canceled_at,
	coalesce(o.current_status, '') AS current_status`

// lockOrder reads an order for an act, and until tx ends it keeps other acts, and Stripe's reports
// about its money, waiting. It is the first lock of every such transaction.
func lockOrder(ctx context.Context, tx pgx.Tx, identifier string) (o deskOrder, found bool, err error) {
	return pg.One[deskOrder](ctx, tx, "lock order $1",
		`SELECT `+deskOrderColumnsSQL+` FROM orders o WHERE identifier = $1 FOR UPDATE`, identifier)
}

// nextVersion counts an act on an order, and stores who did what.
func nextVersion(ctx context.Context, tx pgx.Tx, orderID int64, who Actor, what string) (version int, err error) {
	return pg.Get[int](ctx, tx, "update the version of order $1", `
		UPDATE orders SET version = version + 1, acted_at = now(), acted_by = $2, acted_what = $3 WHERE id = $1
		RETURNING version`, orderID, who.Name, what)
}

// orderLines are the lines of an order. Pieces count as refunded unless the refund failed or was
// canceled.
func orderLines(ctx context.Context, db pg.DB, orderID int64) ([]deskLine, error) {
	return pg.List[deskLine](ctx, db, "list the lines of order $1", `
		SELECT l.seq, l.sku_id, l.quantity, l.price_cents, l.full_price, coalesce(l.product_title, '') AS product,
		  coalesce(l.description, '') AS text, coalesce(l.color, '') AS color, coalesce(l.size, '') AS size,
		  coalesce((SELECT sum(s.quantity) FROM shipment_line s
		    WHERE s.order_id = l.order_id AND s.seq = l.seq), 0)::int AS shipped,
		  coalesce((SELECT sum(r.quantity) FROM refund_line r JOIN refund f ON f.id = r.refund_id
		    WHERE r.order_id = l.order_id AND r.seq = l.seq
		      AND f.state NOT IN ('failed', 'canceled')), 0)::int AS refunded
		FROM order_line l WHERE l.order_id = $1 ORDER BY l.seq`, orderID)
}
