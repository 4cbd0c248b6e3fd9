// Package wait has the small forms of waiting that most parts need: a pause that ends with its
// context, a wake-up that is never lost, a worker's loop, and taking what is queued.
package wait

import (
	"context"
	"log/slog"
	"time"
)

// Sleep pauses for d. It is false when ctx ended, which ends the pause early.
func Sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// SleepOrWake pauses for d, or until a wake-up comes through c. It is false when ctx ended.
func SleepOrWake(ctx context.Context, d time.Duration, c <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// Loop calls work until it returns false or an error, and again after each pause or wake-up, until
// ctx ends. Errors are logged under what, such as "make pictures", and do not end it. It returns
// nil, as a service's worker does.
func Loop(ctx context.Context, log *slog.Logger, what string, pause time.Duration, wake <-chan struct{},
	work func(context.Context) (more bool, err error)) error {
	for {
		more, err := work(ctx)
		if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, what, "error", err)
		}
		if more && err == nil && ctx.Err() == nil {
			continue
		}
		if !SleepOrWake(ctx, pause, wake) {
			return nil
		}
	}
}

// Wake wakes the receiver of c, a channel with a buffer of one (or one for each receiver), and
// never waits: a full buffer is a wake-up that has not been heard yet.
func Wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Queued returns first and what is queued behind it, at most limit in all. It never waits for more.
func Queued[T any](first T, more <-chan T, limit int) []T {
	list := append(make([]T, 0, min(1+len(more), max(limit, 1))), first)
	for len(list) < limit {
		select {
		case v := <-more:
			list = append(list, v)
		default:
			return list
		}
	}
	return list
}

// Gathered is Queued that waits up to d for more.
func Gathered[T any](ctx context.Context, first T, more <-chan T, limit int, d time.Duration) []T {
	list := Queued(first, more, limit)
	timer := time.NewTimer(d)
	defer timer.Stop()
	for len(list) < limit {
		select {
		case v := <-more:
			list = append(list, v)
		case <-timer.C:
			return list
		case <-ctx.Done():
			return list
		}
	}
	return list
}
