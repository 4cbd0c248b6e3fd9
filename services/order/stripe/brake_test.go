package stripe

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// A flood of new pages at two processes stays below the rate of both together, and leaves room for
// payments under way.
func TestRateLimitAcrossProcesses(t *testing.T) {
	t.Parallel()
	const rate = 80
	broker := testenv.NewBroker(t)
	first := broker.Bus("order")
	testenv.Eventually(t, 30*time.Second, "a first count", func() bool {
		_, err := first.Count(t.Context(), "stripe", "ready", time.Second)
		return err == nil
	})
	processes := []*brake{newBrake(first, rate), newBrake(broker.Bus("order"), rate)}

	ctx, stop := context.WithCancel(t.Context())
	var made, refused atomic.Int64
	var flood sync.WaitGroup
	began := time.Now()
	for i := range 40 {
		flood.Go(func() {
			for ctx.Err() == nil {
				switch err := processes[i%2].take(OnLane(ctx, LaneNew)); {
				case err == nil:
					made.Add(1)
				case errors.Is(err, ErrBusy):
					refused.Add(1)
				}
			}
		})
	}

	kept := 0
	for ; kept < 20; kept++ {
		asked := time.Now()
		if err := processes[kept%2].take(t.Context()); err != nil {
			t.Fatalf("a question about a payment under way: %v", err)
		}
		if waited := time.Since(asked); waited > 10*time.Second {
			t.Errorf("a question about a payment under way waited %v", waited)
		}
	}

	for i := range 4 {
		if err := processes[i%2].take(OnLane(t.Context(), LaneAsk)); err != nil {
			t.Errorf("a success page: %v", err)
		}
	}

	took := time.Since(began)
	stop()
	flood.Wait()
	if most := int64((took+2*brakeWindow).Seconds()*rate/2) + 1; made.Load() > most || made.Load() == 0 {
		t.Errorf("%d new pages in %v, %d refused; the room is %d", made.Load(), took, refused.Load(), most)
	}
}

// Without the broker each process goes by its own count.
func TestRateLimitWithoutBroker(t *testing.T) {
	t.Parallel()
	var none *brake
	if err := none.take(t.Context()); err != nil || newBrake(nil, 0) != nil {
		t.Errorf("no brake: %v", err)
	}

	b := newBrake(testenv.NoBroker(t, "order"), LeastRate)
	began := time.Now()
	for range 5 {
		if err := b.take(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < brakeWindow/8 || took > 20*time.Second {
		t.Errorf("five calls took %v", took)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var err error
	for range 4 {
		err = errors.Join(err, b.take(ctx))
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who went away: %v", err)
	}
}
