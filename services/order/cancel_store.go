package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

func markCanceled(ctx context.Context, tx pgx.Tx, orderID int64) error {
	return pg.Exec(ctx, tx, "cancel order $1", `
		WITH c AS (UPDATE orders SET canceled_at = now() WHERE id = $1)
		INSERT INTO order_status (order_id, status) SELECT $1, identifier FROM status WHERE identifier = 'canceled'
		  ON CONFLICT DO NOTHING`, orderID)
}
