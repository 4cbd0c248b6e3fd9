package events

import (
	"context"
	"time"
)

// traceableDays is how long a page view keeps the client's address and the browser's name: long enough to
// see an attack or a broken browser, and no longer.
const traceableDays = 30

// keepHouse deletes what has outlived its use, now and every hour, in steps that block no other work:
// the keys of client events that the stream cannot hold any more (the events themselves are unique by
// id), client addresses and browser names, and at last the reports themselves.
func (s *server) keepHouse(ctx context.Context) error {
	for {
		for _, duty := range []struct {
			what string
			do   func(context.Context) (int64, error)
		}{
			{"keys of client events", func(ctx context.Context) (int64, error) { return dropKeys(ctx, s.pool) }},
			{"client addresses", func(ctx context.Context) (int64, error) { return dropClients(ctx, s.pool, traceableDays) }},
			{"page views", func(ctx context.Context) (int64, error) { return deleteOldReports(ctx, s.pool, s.pageViewDays) }},
		} {
			n, err := duty.do(ctx)
			switch {
			case ctx.Err() != nil:
			case err != nil:
				s.log.Warn("old data stays for another hour", "what", duty.what, "error", err)
			case n > 0:
				s.log.Info("old data deleted", "what", duty.what, "rows", n)
			}
		}
		select {
		case <-time.After(time.Hour):
		case <-ctx.Done():
			return nil
		}
	}
}
