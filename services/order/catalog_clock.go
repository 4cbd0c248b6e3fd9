package order

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

const (
	// clockPoll is how long the clock waits at most: another process may plan something that comes sooner.
	clockPoll = 5 * time.Second
	// clockRetry is its pause after an error.
	clockRetry = time.Second
)

// clock tells edge what becomes true by itself: a product that comes on sale or goes off, a price or a sale
// that begins or ends. What
// shoppers see is decided by the time of each question; edge keeps answers until it is told.
func (s *server) clock(ctx context.Context) error {
	for {
		pause, err := s.tellDue(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "look at the catalog's clock", "error", err)
			pause = clockRetry
		}
		if !wait.SleepOrWake(ctx, pause, s.clockWork) {
			return nil
		}
	}
}

// tellDue tells what is due, and says how long it is until there is something again.
func (s *server) tellDue(ctx context.Context) (pause time.Duration, err error) {
	seconds, planned, err := nextOnClock(ctx, s.pool)
	if err != nil {
		return 0, err
	}
	until := time.Duration(seconds * float64(time.Second))
	switch {
	case !planned || until > clockPoll:
		return clockPoll, nil
	case until > 0:
		return until, nil
	}
	return 0, s.outbox.Tx(ctx, tellClock(ctx))
}
