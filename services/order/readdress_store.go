package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// updateAddress changes an order's address, and keeps the former one.
func updateAddress(ctx context.Context, tx pgx.Tx, o deskOrder, before, after msg.Address, who Actor) error {
	return pg.Exec(ctx, tx, "update the address of order $1", `
		WITH a AS (UPDATE orders SET shipping_address = $4 WHERE id = $1)
		INSERT INTO address_change (order_id, version, before, after, by_person, by_name)
		VALUES ($1, $2 + 1, $3, $4, $5, $6)`, o.ID, o.Version, before, after, who.Person, who.Name)
}
