package order

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

func findOrder(ctx context.Context, db pg.DB, identifier string) (o orderHead, found bool, err error) {
	return pg.One[orderHead](ctx, db, "find an order", `
		SELECT id, identifier, member_id, email, customer_name,
		  item_subtotal, item_discount, shipping_subtotal, shipping_discount, sales_tax, tax_included, total,
		  shipping_method, tracking_number, shipping_address, billing_address, placed_at,
		  coalesce((SELECT sum(amount) FROM refund r
		    WHERE r.payment_intent = orders.payment_intent
		      AND state IN ('pending', 'succeeded')), 0)::bigint AS refunded,
		  coalesce((SELECT jsonb_agg(jsonb_build_object(
		      'carrier', carrier, 'tracking_code_base_url', tracking_base_url, 'tracking_number', s.tracking_number,
		      'shipped_date_time', shipped_at,
		      'quantity', (SELECT sum(quantity) FROM shipment_line l WHERE l.shipment_id = s.id))
		      ORDER BY shipped_at, s.id)
		    FROM shipment s WHERE s.order_id = orders.id), '[]') AS shipments
		FROM orders WHERE identifier = $1`, identifier)
}

// orderLinesSQL are the lines of an order, as they were sold. For LIMIT 1 see linesSQL.
const orderLinesSQL = `
	SELECT l.sku_id, 'product' AS type, coalesce(n.inventory_title, '') AS inventory_title,
	  '' AS inventory_identifier, l.price_cents, l.quantity,
	  CASE WHEN l.product_title IS NULL THEN n.color ELSE l.color END AS color,
	  CASE WHEN l.product_title IS NULL THEN n.size ELSE l.size END AS size,
	  CASE WHEN l.product_title IS NULL THEN n.description ELSE l.description END AS description,
	  coalesce(l.product_title, n.product_title, '') AS product_title,
	  coalesce(n.product_title_url, l.product_title_url, '') AS product_title_url,
	  coalesce(n.product_identifier, l.product_identifier, '') AS product_identifier,
	  coalesce(n.image_url, '') AS image_url, 0 AS grams
	FROM order_line l LEFT JOIN LATERAL (SELECT * FROM sku_now WHERE sku_now.id = l.sku_id LIMIT 1) AS n ON true
	WHERE l.order_id = $1 ORDER BY l.seq`

// readOrderParts reads lines (as they were sold, with today's state, picture and page address),
// codes and statuses, in one round trip. Lines that are older than stored titles show today's.
func readOrderParts(ctx context.Context, db pg.DB, orderID int64) (parts orderParts, err error) {
	batch := &pgx.Batch{}
	queue(batch, func(l line) { parts.lines = append(parts.lines, l) }, orderLinesSQL, orderID)
	queue(batch, func(c frozenCode) { parts.codes = append(parts.codes, c) }, `
		SELECT code_id, applied, detail FROM order_code WHERE order_id = $1 ORDER BY seq`, orderID)
	queue(batch, func(st orderStatus) {
		st.Created = web.Time(st.At)
		parts.statuses = append(parts.statuses, st)
	}, `
		SELECT s.identifier, s.title, s.description, o.created_date_time
		FROM order_status o JOIN status s ON s.identifier = o.status
		WHERE o.order_id = $1 ORDER BY o.created_date_time DESC, s.position DESC`, orderID)
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		return orderParts{}, fmt.Errorf("read order %d: %w", orderID, err)
	}
	return parts, nil
}

func orderOfSession(ctx context.Context, db pg.DB, sessionID string) (identifier string, found bool, err error) {
	return pg.One[string](ctx, db, "find the order of a session", `
		SELECT identifier FROM orders WHERE session_id = $1`, sessionID)
}

func listMemberOrders(ctx context.Context, db pg.DB, member int64) ([]accountOrder, error) {
	list, err := pg.List[accountOrder](ctx, db, "list the orders of a member", `
		SELECT id, identifier, placed_at, sales_tax, total FROM orders WHERE member_id = $1
		ORDER BY placed_at DESC, id DESC`, member)
	for i := range list {
		list[i].PlacedAt = web.Time(list[i].At)
	}
	return list, err
}
