package bus_test

import (
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Two processes share a counter and miss no count; other keys, limits and windows have their own. A
// count can be taken back.
func TestCountIsSharedAndExact(t *testing.T) {
	t.Parallel()
	broker := testenv.NewBroker(t)
	one, two := broker.Bus("edge"), broker.Bus("edge")
	seen := make([]bool, 101)
	var mu sync.Mutex

	var wg sync.WaitGroup
	for i := range 100 {
		b := []*bus.Bus{one, two}[i%2]
		wg.Go(func() {
			n, err := b.Count(t.Context(), "login", "ann", time.Hour)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || n < 1 || n > 100 || seen[n] {
				t.Errorf("Count = %d, %v", n, err)
				return
			}
			seen[n] = true
		})
	}

	wg.Wait()
	for _, other := range []struct {
		what, key string
		window    time.Duration
	}{{"login", "bea", time.Hour}, {"reset", "ann", time.Hour}, {"login", "ann", 2 * time.Hour}} {
		if n, err := one.Count(t.Context(), other.what, other.key, other.window); err != nil || n != 1 {
			t.Errorf("Count%v = %d, %v", other, n, err)
		}
	}

	if err := two.Uncount("login", "ann", time.Hour, time.Now()); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 30*time.Second, "a count taken back", func() bool {
		n, err := one.Count(t.Context(), "login", "ann", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		uncounted := n == 100
		if !uncounted {
			if err := one.Uncount("login", "ann", time.Hour, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		return uncounted
	})
}

func TestCountFailsSoonWithoutBroker(t *testing.T) {
	t.Parallel()
	broker := testenv.NewBroker(t)
	b := broker.Bus("edge")
	testenv.Eventually(t, 30*time.Second, "a first count", func() bool {
		_, err := b.Count(t.Context(), "login", "ann", time.Minute)
		return err == nil
	})
	broker.Stop()
	t.Cleanup(broker.Start)
	testenv.Eventually(t, 30*time.Second, "a count that fails within a second", func() bool {
		began := time.Now()
		if n, err := b.Count(t.Context(), "login", "ann", time.Minute); err == nil {
			t.Fatalf("counted %d without a broker", n)
		}
		return time.Since(began) < time.Second // a busy machine may need more tries
	})
}

// Counters live in memory. A broker that was restarted has them again.
func TestCountAfterARestartOfTheBroker(t *testing.T) {
	t.Parallel()
	broker := testenv.NewBroker(t)
	b := broker.Bus("edge")
	go broker.Bus("provision").KeepProvisioned(t.Context(), 1, func() {})
	broker.Stop()
	broker.Start()
	testenv.Eventually(t, 30*time.Second, "a count", func() bool {
		n, err := b.Count(t.Context(), "login", "ann", time.Hour)
		return n == 1 && err == nil
	})
}
