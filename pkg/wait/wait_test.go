package wait_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

func TestSleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if !wait.Sleep(ctx, 20*time.Second) || time.Since(began) != 20*time.Second {
			t.Errorf("slept %v", time.Since(began))
		}
		if wait.Sleep(ctx, time.Hour) || time.Since(began) != time.Minute {
			t.Errorf("with a context of a minute it slept until %v", time.Since(began))
		}
		if wait.Sleep(ctx, 0) {
			t.Error("a context that has ended is not noticed")
		}
	})
}

func TestSleepOrWake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		c := make(chan struct{}, 1)
		began := time.Now()
		if !wait.SleepOrWake(ctx, time.Minute, c) || time.Since(began) != time.Minute {
			t.Errorf("slept %v", time.Since(began))
		}
		time.AfterFunc(time.Second, func() { wait.Wake(c) })
		if !wait.SleepOrWake(ctx, time.Minute, c) || time.Since(began) != 61*time.Second {
			t.Errorf("a wake-up a second later ended it after %v", time.Since(began))
		}
		if wait.SleepOrWake(ctx, 2*time.Hour, c) || time.Since(began) != time.Hour {
			t.Errorf("with a context of an hour it slept until %v", time.Since(began))
		}
	})
}

// Loop goes on while there is more to do, pauses when there is not and after an error, and is woken
// early.
func TestLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		wake := make(chan struct{}, 1)
		began := time.Now()
		var at []time.Duration

		work := func(context.Context) (more bool, err error) {
			at = append(at, time.Since(began))
			switch len(at) {
			case 1, 2:
				return true, nil
			case 3:
				time.AfterFunc(time.Second, func() { wait.Wake(wake) })
				return false, nil
			case 4:
				return true, errors.New("an error")
			}
			cancel()
			return true, nil
		}
		if err := wait.Loop(ctx, slog.New(slog.DiscardHandler), "work", time.Minute, wake, work); err != nil {
			t.Error(err)
		}

		if want := []time.Duration{0, 0, 0, time.Second, 61 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("worked at %v, want %v", at, want)
		}
	})
}

// A wake-up is kept for a receiver that is not listening, once, and never holds its sender.
func TestWake(t *testing.T) {
	t.Parallel()
	c := make(chan struct{}, 1)
	wait.Wake(c)
	wait.Wake(c)
	<-c
	if len(c) != 0 {
		t.Error("two wake-ups before the receiver listened are two")
	}
}

func TestQueued(t *testing.T) {
	t.Parallel()
	c := make(chan int, 5)
	for i := range 5 {
		c <- i + 1
	}
	if got := wait.Queued(0, c, 4); !slices.Equal(got, []int{0, 1, 2, 3}) {
		t.Errorf("took %v", got)
	}
	if got := wait.Queued(9, c, 4); !slices.Equal(got, []int{9, 4, 5}) {
		t.Errorf("then %v", got)
	}
}
