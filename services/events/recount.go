package events

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// The figures of reports are counted by day, from what browsers and order reported (ADR 33).
// Whatever comes in marks its day in the same transaction. A worker counts marked days again, each
// as a whole, and replaces their figures with one commit; reports show the earlier ones until then.
// So late and repeated messages, a crash anywhere and a second worker change nothing.

const (
	// recountPause is the least time between two looks for marked days.
	recountPause = 2 * time.Second
	// recountShare bounds the database's work for figures: the pause is this many times as long as
	// counting took.
	recountShare = 10
)

// recountWorker keeps figures up to date until ctx ends.
func (s *server) recountWorker(ctx context.Context) error {
	for {
		began := time.Now()
		if err := recount(ctx, s.pool, s.pageViewDays); err != nil && ctx.Err() == nil {
			s.log.Warn("counting figures failed, will try again", "error", err)
		}
		if !wait.Sleep(ctx, max(recountPause, recountShare*time.Since(began))) {
			return nil
		}
	}
}

// recount counts the marked days, newest first, until none are left or another process is counting.
func recount(ctx context.Context, pool *pgxpool.Pool, pageViewDays int) error {
	if err := findSources(ctx, pool); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if counted, err := recountOne(ctx, pool, pageViewDays); err != nil || !counted {
			return err
		}
	}
	return nil
}
