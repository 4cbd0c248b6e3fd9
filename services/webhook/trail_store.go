package webhook

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// refusedDelivery is a delivery that was refused.
type refusedDelivery struct {
	At            time.Time
	Event, Reason string
}

func refusedOf(ctx context.Context, db pg.DB, keys []string) ([]refusedDelivery, error) {
	return pg.List[refusedDelivery](ctx, db, "list refused deliveries", `
		SELECT at, event, reason FROM refused WHERE event = ANY($1) ORDER BY id DESC LIMIT 50`, keys)
}

// refusedKept is how many refused deliveries are kept.
const refusedKept = 5000

func insertRefused(ctx context.Context, db pg.DB, event, reason string, size int) error {
	return pg.Exec(ctx, db, "insert a refused delivery", `
		WITH noted AS (INSERT INTO refused (event, reason, bytes) VALUES (nullif($1, ''), $2, $3) RETURNING id)
		DELETE FROM refused WHERE id <= (SELECT id FROM noted) - $4`, event, reason, size, refusedKept)
}
