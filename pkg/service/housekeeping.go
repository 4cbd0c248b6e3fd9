package service

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// Task is a piece of housekeeping: done at the start and again whenever Every has passed. Do
// returns how many rows it changed, for the log. After an error it is tried again within a minute.
type Task struct {
	Name  string
	Every time.Duration
	Do    func(context.Context, *pgxpool.Pool) (rows int64, err error)
}

const (
	// errorPause is the longest pause before a failed task is tried again.
	errorPause = time.Minute
	// maxPause is the longest pause before tasks are checked again.
	maxPause = time.Hour
)

// housekeep does what is due until ctx ends, one task after the other, so that housekeeping takes
// one connection from the requests and no more.
func (c *Core) housekeep(ctx context.Context, tasks []Task) error {
	due := make([]time.Time, len(tasks))
	for {
		next := time.Now().Add(maxPause)
		for i, t := range tasks {
			if ctx.Err() == nil && !time.Now().Before(due[i]) {
				due[i] = time.Now().Add(c.do(ctx, t))
			}
			if due[i].Before(next) {
				next = due[i]
			}
		}
		if !wait.Sleep(ctx, time.Until(next)) {
			return nil
		}
	}
}

// do does a task and returns after how long it is due again.
func (c *Core) do(ctx context.Context, t Task) time.Duration {
	rows, err := t.Do(ctx, c.Pool)
	switch {
	case err != nil && ctx.Err() == nil:
		c.Log.Warn("housekeeping failed, will try again", "task", t.Name, "error", err)
		return min(t.Every, errorPause)
	case rows > 0:
		c.Log.Info("housekeeping", "task", t.Name, "rows", rows)
	}
	return t.Every
}
