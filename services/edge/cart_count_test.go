package edge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Shoppers who come while requests are in flight share the next one.
func TestCartCountsAreAskedTogether(t *testing.T) {
	t.Parallel()
	asked := make(chan int, 1000)
	var taken atomic.Int64
	release := make(chan struct{})
	c := &cartCounts{ask: func(_ context.Context, members []int64, carts []string) (cartCountAnswer, error) {
		taken.Add(int64(len(members) + len(carts)))
		asked <- len(members) + len(carts)
		<-release
		a := cartCountAnswer{Members: map[int64]int64{}, Carts: map[string]int64{}}
		for _, id := range members {
			a.Members[id] = id
		}
		for _, cart := range carts {
			a.Carts[cart] = int64(len(cart))
		}
		return a, nil
	}}

	const shoppers = 400
	var wg sync.WaitGroup
	for i := range shoppers {
		wg.Go(func() {
			v, want := &request{cart: fmt.Sprintf("%0*d", i+1, i)}, int64(i+1)
			if i%2 == 0 {
				v.session, want = &session{MemberID: int64(i + 1)}, int64(i+1)
			}
			if n, err := c.get(t.Context(), v); n != want || err != nil {
				t.Errorf("shopper %d has %d lines, %v", i, n, err)
			}
		})
	}

	testenv.Eventually(t, 30*time.Second, "two requests under way and all others waiting", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(asked) == cartCountConcurrency && len(c.waiting)+int(taken.Load()) == shoppers
	})
	close(release)
	wg.Wait()

	total, questions := 0, len(asked)
	for range questions {
		n := <-asked
		if total += n; n > cartCountBatchSize {
			t.Errorf("%d carts in one question", n)
		}
	}
	if total != shoppers || questions > 2*cartCountConcurrency+shoppers/cartCountBatchSize {
		t.Errorf("%d carts in %d requests", total, questions)
	}
	testenv.Eventually(t, 30*time.Second, "no worker left", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.calls == 0 && len(c.waiting) == 0
	})
}

// A failed request fails its shoppers, and a shopper who leaves does not wait for it.
func TestCartCountFails(t *testing.T) {
	t.Parallel()
	away := errors.New("away")
	c := &cartCounts{ask: func(ctx context.Context, _ []int64, carts []string) (cartCountAnswer, error) {
		if carts[0] == "slow" {
			<-ctx.Done()
			return cartCountAnswer{}, ctx.Err()
		}
		return cartCountAnswer{}, away
	}}
	if _, err := c.get(t.Context(), &request{cart: "a"}); !errors.Is(err, away) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.get(ctx, &request{cart: "slow"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
