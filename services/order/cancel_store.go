package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// markCanceled ends an order, and gives back the uses of its discount codes.
func markCanceled(ctx context.Context, tx pgx.Tx, orderID int64, who Actor) error {
	return pg.Exec(ctx, tx, "cancel order $1", `
		WITH c AS (UPDATE orders SET canceled_at = now() WHERE id = $1),
		     used AS (DELETE FROM code_use WHERE checkout_id = (SELECT checkout_id FROM orders WHERE id = $1)
		       RETURNING code_id),
		     back AS (UPDATE discount_code SET uses = greatest(uses - 1, 0) WHERE id IN (SELECT code_id FROM used))
		INSERT INTO order_status (order_id, status, by_person, by_name)
		SELECT $1, identifier, $2, $3 FROM status WHERE identifier = 'canceled' ON CONFLICT DO NOTHING`,
		orderID, who.Person, who.Name)
}
