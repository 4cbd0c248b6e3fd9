package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
)

// onErased erases a person.
func onErased(ctx context.Context, tx pgx.Tx, d *bus.Delivery) error {
	return erasure.Receive(ctx, tx, d, eraseOrders)
}
