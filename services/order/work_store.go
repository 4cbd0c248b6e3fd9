package order

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// waitingPayments lists the open entries with one of the reasons, or, if there are none, with a
// reason that is not among the named ones; and counts them up to a limit.
func waitingPayments(ctx context.Context, db pg.DB, reasons, named []string, rows,
	limit int) ([]staffIssue, int64, error) {
	const which = `i.resolved_at IS NULL
		AND CASE WHEN cardinality($1::text[]) > 0 THEN i.reason = ANY($1) ELSE NOT i.reason = ANY($2::text[]) END`
	if reasons == nil {
		reasons = []string{}
	}
	list, err := pg.List[staffIssue](ctx, db, "list payments for staff",
		`SELECT `+staffPaymentColumnsSQL+` FROM payment_issue i WHERE `+which+` ORDER BY i.at, i.id LIMIT $3`, reasons,
		named, rows)
	if err != nil || len(list) < rows {
		return list, int64(len(list)), err
	}
	count, err := pg.Get[int64](ctx, db, "count payments for staff",
		`SELECT count(*) FROM (SELECT FROM payment_issue i WHERE `+which+` LIMIT $3) AS c`, reasons, named, limit)
	return list, count, err
}

// lateOrder is an order that waits to be sent.
type lateOrder struct {
	Identifier, Status string
	PlacedAt           time.Time
}

// lateOrders lists the orders that are older than so many days and neither sent nor canceled, the
// oldest first; and counts them up to a limit. Each status is read by itself, so that an index has
// the late orders in their order.
func lateOrders(ctx context.Context, db pg.DB, days, rows, limit int) ([]lateOrder, int64, error) {
	const which = `
		FROM status s CROSS JOIN LATERAL (
		  SELECT o.id, o.identifier, o.placed_at FROM orders o
		  WHERE o.current_status = s.identifier AND o.placed_at < now() - $1 * interval '1 day'
		  ORDER BY o.placed_at, o.id LIMIT $2) AS w
		WHERE s.position < (SELECT position FROM status WHERE identifier = 'shipped')`
	list, err := pg.List[lateOrder](ctx, db, "list late orders",
		`SELECT w.identifier, s.title AS status, w.placed_at `+which+` ORDER BY w.placed_at, w.id LIMIT $2`, days, rows)
	if err != nil || len(list) < rows {
		return list, int64(len(list)), err
	}
	count, err := pg.Get[int64](ctx, db, "count late orders",
		`SELECT count(*) FROM (SELECT `+which+` LIMIT $2) AS c`, days, limit)
	return list, count, err
}

// heldArticle is an article that unpaid pages hold pieces of.
type heldArticle struct {
	SKU                       int64 `db:"sku"`
	Title                     string
	Free, Held, Pages, People int64
	Since                     time.Time
}

// heldStock lists the articles of which unpaid pages hold pieces, those with the most first.
func heldStock(ctx context.Context, db pg.DB, rows int) ([]heldArticle, int64, error) {
	list, err := pg.List[heldArticle](ctx, db, "list held stock", `
		SELECT s.id AS sku, p.title, coalesce(s.stock, 0)::bigint AS free, sum(r.quantity)::bigint AS held,
		  count(*) AS pages, count(DISTINCT k.person) AS people, min(k.created_at) AS since
		FROM reservation r JOIN checkout k ON k.id = r.checkout_id JOIN sku s ON s.id = r.sku_id
		  JOIN product p ON p.id = s.product_id
		WHERE s.stock IS NOT NULL GROUP BY s.id, p.title ORDER BY held DESC, s.id LIMIT $1`, rows)
	if err != nil || len(list) < rows {
		return list, int64(len(list)), err
	}
	count, err := pg.Get[int64](ctx, db, "count articles held", `
		SELECT count(DISTINCT r.sku_id) FROM reservation r JOIN sku s ON s.id = r.sku_id WHERE s.stock IS NOT NULL`)
	return list, count, err
}
