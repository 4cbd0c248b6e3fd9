package order

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

const (
	// clockEvery is how long the clock waits at most: another process may plan a change that comes
	// sooner.
	clockEvery = 5 * time.Second
	// clockPause is its pause after an error.
	clockPause = time.Second
)

// clock tells edge about scheduled changes: a product that comes on sale or goes off, a price or a
// sale that begins or ends. What shoppers see depends on the time of each request, and edge keeps
// answers until it is told about a change.
func (s *server) clock(ctx context.Context) error {
	for {
		pause, err := s.enqueueDueChanges(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "enqueueing scheduled changes of the catalog failed", "error", err)
			pause = clockPause
		}
		if !wait.SleepOrWake(ctx, pause, s.clockWork) {
			return nil
		}
	}
}

// enqueueDueChanges enqueues the changes that are due, and returns how long it is until the next.
func (s *server) enqueueDueChanges(ctx context.Context) (pause time.Duration, err error) {
	seconds, planned, err := nextOnClock(ctx, s.pool)
	if err != nil {
		return 0, err
	}
	until := time.Duration(seconds * float64(time.Second))
	switch {
	case !planned || until > clockEvery:
		return clockEvery, nil
	case until > 0:
		return until, nil
	}
	return 0, s.outbox.Tx(ctx, enqueueCatalogChanges(ctx))
}
