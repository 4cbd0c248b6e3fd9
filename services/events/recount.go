package events

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// The figures of reports are counted by day, from what browsers and order reported (ADR 33). What comes in
// marks its day in the same transaction; a worker counts marked days again, whole, and swaps the result in with one
// commit. So late and repeated messages, a crash anywhere and a second worker change nothing, and reports go on
// meanwhile with the figures of before.

const (
	// recountPause is the least time between two looks at what is to be counted.
	recountPause = 2 * time.Second
	// recountShare bounds the database's work for figures: the pause is so many times what counting took.
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

// recount counts the days that are marked, the newest first, until there are none or another process is at it.
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
