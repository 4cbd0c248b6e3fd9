package service

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Tasks are done at the start and in their rhythm, one after the other, and errors stop none of
// them.
func TestHousekeeping(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		done := map[string][]time.Duration{}
		task := func(name string, every time.Duration, do func(n int) (int64, error)) Task {
			return Task{name, every, func(context.Context, *pgxpool.Pool) (int64, error) {
				done[name] = append(done[name], time.Since(began))
				return do(len(done[name]))
			}}
		}

		var log bytes.Buffer
		core := &Core{Log: slog.New(slog.NewTextHandler(&log, nil))}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- core.housekeep(ctx, []Task{
				task("fails at first", time.Hour, func(n int) (int64, error) {
					if n < 3 {
						return 0, errors.New("the database is away")
					}
					return 7, nil
				}),
				task("often", 25*time.Minute, func(int) (int64, error) { return 0, nil }),
				task("seldom", 3*time.Hour, func(int) (int64, error) { return 0, nil }),
			})
		}()

		time.Sleep(70 * time.Minute) //nolint:forbidigo // by the clock of the bubble, which jumps
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}

		for name, want := range map[string][]time.Duration{
			"fails at first": {0, time.Minute, 2 * time.Minute, 62 * time.Minute},
			"often":          {0, 25 * time.Minute, 50 * time.Minute},
			"seldom":         {0},
		} {
			if !slices.Equal(done[name], want) {
				t.Errorf("%q was done after %v, want %v", name, done[name], want)
			}
		}

		text := log.String()
		for what, want := range map[string]int{"the database is away": 2, "rows=7": 2, "\n": 4} {
			if n := strings.Count(text, what); n != want {
				t.Errorf("%q is logged %d times, want %d:\n%s", what, n, want, text)
			}
		}
	})
}

// Without a task there is nothing to do, and still a stop to wait for.
func TestNoHousekeeping(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), time.Millisecond)
	defer stop()
	if err := NewCore(slog.New(slog.DiscardHandler), nil, nil).housekeep(ctx, nil); err != nil || ctx.Err() == nil {
		t.Error(err)
	}
}
