package order

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// listStaffOrders lists orders from the newest down, those after a place in the list if it is one,
// whose identifier or address is the searched one if there is any.
func listStaffOrders(ctx context.Context, db pg.DB, search string, after orderPlace, rows int) ([]staffOrder, error) {
	return pg.List[staffOrder](ctx, db, "list orders for staff", `
		SELECT o.id, o.identifier, o.placed_at, coalesce(o.customer_name, '') AS customer, coalesce(o.email, '') AS email, o.total,
		  coalesce((SELECT s.title FROM order_status st JOIN status s ON s.identifier = st.status WHERE st.order_id = o.id
		    ORDER BY st.created_date_time DESC, s.position DESC LIMIT 1), '') AS status
		FROM orders o
		WHERE ($1 = '' OR o.identifier = $1 OR lower(o.email) = lower($1))
		  AND ($3 = 0 OR (o.placed_at, o.id) < ($2, $3))
		ORDER BY o.placed_at DESC, o.id DESC LIMIT $4`, search, after.At, after.ID, rows)
}
