package admin

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
)

// onErased deletes a customer's data from the values before and after. The act stays, and who did
// it.
func onErased(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	for _, d := range group {
		if err := erasure.Receive(ctx, tx, d, eraseValues); err != nil {
			return err
		}
	}
	return nil
}
