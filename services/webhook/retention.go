package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
)

// keepEvents is how long Stripe's events stay: disputes come within about four months of a payment,
// and whoever closes a year's books looks back over that year and the month after. What is older is
// found at Stripe. It is also longer than any message lives, so a repeated event is known as one.
const keepEvents = 400 * 24 * time.Hour

const (
	// retentionEvery is how often old events are looked for.
	retentionEvery = time.Hour
	// retentionGroup bounds one statement, so that a backlog holds nobody up.
	retentionGroup = 1000
)

// dropOldEvents deletes what is older than keepEvents until ctx ends.
func (s *server) dropOldEvents(ctx context.Context, pool *pgxpool.Pool) {
	tick := time.NewTicker(retentionEvery)
	defer tick.Stop()
	for {
		n, err := deleteOldEvents(ctx, pool)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			s.log.Warn("old events", "error", err) // in an hour then
		case n > 0:
			s.log.Info("old events deleted", "events", n)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// deleteOldEvents leaves what has not reached its receivers yet, however old.
func deleteOldEvents(ctx context.Context, pool *pgxpool.Pool) (total int64, err error) {
	for {
		tag, err := pool.Exec(ctx, `
			DELETE FROM event WHERE id IN (
				SELECT id FROM event WHERE received < now() - $1::interval AND NOT `+bus.InOutbox("event.id")+` ORDER BY received LIMIT $2)`,
			keepEvents, retentionGroup)
		if err != nil {
			return total, fmt.Errorf("delete old events: %w", err)
		}
		total += tag.RowsAffected()
		if tag.RowsAffected() < retentionGroup {
			return total, nil
		}
	}
}
