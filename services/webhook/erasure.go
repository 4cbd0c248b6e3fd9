package webhook

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
)

// Export is everything that this service has of a person: the events of Stripe that name them, and
// those of the same purchases.
func Export(ctx context.Context, pool *pgxpool.Pool, p erasure.Person) (json.RawMessage, error) {
	return exportEvents(ctx, pool, p)
}

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
