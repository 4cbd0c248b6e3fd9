package admin

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
)

// onErased takes a customer's data out of the values before and after. What was done stays, and by whom.
func onErased(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	for _, d := range group {
		if err := erasure.Receive(ctx, tx, d, eraseValues); err != nil {
			return err
		}
	}
	return nil
}
