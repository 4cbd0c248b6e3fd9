package webhook

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// aboutEvent is an event as the trail shows it.
type aboutEvent struct {
	ID, Type        string
	Object, Payment string
	Paid            bool
	Received        time.Time
}

// trailEvents finds events by their ids, what they are about, or its payment intent; the newest 200.
func trailEvents(ctx context.Context, db pg.DB, keys []string) ([]aboutEvent, error) {
	return pg.List[aboutEvent](ctx, db, "list events for a trail", `
		SELECT id, type, coalesce(object, '') AS object, coalesce(payment, '') AS payment, paid, received FROM event
		  WHERE id IN (
		  SELECT id FROM event WHERE id = ANY($1) UNION SELECT id FROM event WHERE object = ANY($1)
		  UNION SELECT id FROM event WHERE payment = ANY($1))
		ORDER BY received DESC LIMIT 200`, keys)
}

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
	return pg.Exec(ctx, db, "note a refused delivery", `
		WITH noted AS (INSERT INTO refused (event, reason, bytes) VALUES (nullif($1, ''), $2, $3) RETURNING id)
		DELETE FROM refused WHERE id <= (SELECT id FROM noted) - $4`, event, reason, size, refusedKept)
}
