package webhook

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
)

// onErased empties the events that mention an erased person. Their rows stay: an event that comes
// again is still a repeat.
func onErased(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	for _, d := range group {
		if err := erasure.Receive(ctx, tx, d, eraseEvents); err != nil {
			return err
		}
	}
	return nil
}
