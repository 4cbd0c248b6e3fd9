package events

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// traceableDays is how long a page view keeps the client's address and the browser's name: long
// enough to see an attack or a broken browser, and no longer.
const traceableDays = 30

// housekeeping are the periodic tasks of events. They make the tables of the next months, bring
// over what old processes wrote, and remove what has outlived its use: the keys of client events
// that the stream no longer holds (the events themselves are unique by id), client addresses and
// browser names, and old months.
func (s *server) housekeeping() []service.Task {
	return []service.Task{
		{Name: "tables of months", Every: time.Hour, Do: createMonths},
		{Name: "events of old processes", Every: time.Minute, Do: bringOver},
		{Name: "keys of client events", Every: time.Hour, Do: deleteEventKeys},
		{Name: "client addresses", Every: time.Hour, Do: func(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
			return clearClients(ctx, pool, traceableDays)
		}},
		{Name: "page views", Every: time.Hour, Do: func(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
			return dropOldEvents(ctx, pool, s.pageViewDays)
		}},
	}
}
