package webhook

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// consumers is every subscription of this service.
func consumers(pool *pgxpool.Pool) []bus.Consumer {
	return []bus.Consumer{{Name: msg.WebhookUser, Stream: "USER", Pool: pool, Handle: onErased}}
}

// onErased empties the events that mention an erased person. Their rows stay: an event that comes
// again is still a repeat.
func onErased(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	for _, d := range group {
		var e msg.Erased
		if err := json.Unmarshal(d.Data, &e); err != nil {
			return bus.Permanent(fmt.Errorf("read %s: %w", d.Subject, err))
		}
		if err := forget(ctx, tx, e); err != nil {
			return err
		}
	}
	return nil
}
