package order

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// ofProductSQL is a condition on a line l of an order: its product has the identifier $1, or its
// SKU the number or code.
const ofProductSQL = `(l.product_identifier = $1 OR l.sku_id IN (
	SELECT s.id FROM sku s LEFT JOIN product p ON p.id = s.product_id
	WHERE s.code = $1 OR s.id::text = $1 OR p.identifier = $1))`

// wasEverSold reports whether there is, or was, a product or SKU of this name.
func wasEverSold(ctx context.Context, db pg.DB, name string) (bool, error) {
	return pg.Get[bool](ctx, db, "find a product or SKU", `
		SELECT EXISTS (SELECT FROM product WHERE identifier = $1)
		  OR EXISTS (SELECT FROM sku WHERE code = $1 OR id::text = $1)`, name)
}

// buyers are the people of a request for whom its conditions hold.
type buyers struct {
	Members   []int64  `json:"members"`
	Addresses []string `json:"addresses"`
}

// findBuyers reads the orders of the people in the request, by index, and no others.
func findBuyers(ctx context.Context, db pg.DB, q buyersRequest) (buyers, error) {
	return pg.Get[buyers](ctx, db, "find buyers", `
		WITH theirs AS (
		  SELECT member_id AS member, '' AS address, id, placed_at, total, payment_intent FROM orders
		  WHERE member_id = ANY($4) AND canceled_at IS NULL
		  UNION ALL
		  SELECT 0, lower(email), id, placed_at, total, payment_intent FROM orders
		  WHERE lower(email) = ANY($5) AND member_id IS NULL AND canceled_at IS NULL
		), found AS (
		  SELECT member, address FROM theirs o GROUP BY member, address
		  HAVING ($1 = '' OR bool_or($1 <> '' AND EXISTS (
		      SELECT FROM order_line l WHERE l.order_id = o.id AND `+ofProductSQL+`)))
		    AND ($2::int = 0 OR max(placed_at) < now() - make_interval(days => $2))
		    AND ($3::bigint IS NULL OR sum(total - coalesce((SELECT sum(amount) FROM refund r
		      WHERE r.payment_intent = o.payment_intent AND state IN ('pending', 'succeeded')), 0)) > $3)
		)
		SELECT coalesce(array_agg(member) FILTER (WHERE member <> 0), '{}') AS members,
		  coalesce(array_agg(address) FILTER (WHERE address <> ''), '{}') AS addresses FROM found`,
		q.Product, q.IdleDays, q.SpentOver, q.Members, q.Addresses)
}
