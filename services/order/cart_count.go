package order

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// cartCount is for edge's logged-in: the number of lines, not of pieces.
func (s *service) cartCount(w http.ResponseWriter, r *http.Request) error {
	n, err := s.counts.of(r.Context(), s.db, web.Who(r))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, web.Object{{Key: "cart_item_count", Value: n}})
}

// countLimit bounds the query that counts for all who wait.
const countLimit = 3 * time.Second

// lineCounts counts the lines of carts. Every page of the shop asks for a count, so one query counts
// for all who wait at its start; who comes alone waits for nobody. Nothing is remembered.
type lineCounts struct {
	mu      sync.Mutex
	waiting []*lineCount
	busy    bool
}

// cartOwner is whose cart is counted: a member's, or a visitor's by its id.
type cartOwner struct {
	member  int64
	visitor string
}

type lineCount struct {
	owner cartOwner
	n     int64
	err   error
	done  chan struct{} // closed when n and err are set
}

func (l *lineCounts) of(ctx context.Context, db querier, who web.Identity) (int64, error) {
	c := &lineCount{owner: cartOwner{member: who.MemberID}, done: make(chan struct{})}
	if !who.Member() {
		c.owner.visitor = who.Cart
	}
	l.mu.Lock()
	l.waiting = append(l.waiting, c)
	if !l.busy {
		l.busy = true
		go l.work(context.WithoutCancel(ctx), db)
	}
	l.mu.Unlock()
	select {
	case <-c.done:
		return c.n, c.err
	case <-ctx.Done():
		return 0, fmt.Errorf("wait for a count of cart lines: %w", ctx.Err())
	}
}

// work counts until nobody waits any more.
func (l *lineCounts) work(ctx context.Context, db querier) {
	for {
		l.mu.Lock()
		group := l.waiting
		l.waiting = nil
		l.busy = len(group) > 0
		l.mu.Unlock()
		if len(group) == 0 {
			return
		}
		limited, cancel := context.WithTimeout(ctx, countLimit)
		counts, err := countLines(limited, db, group)
		cancel()
		for _, c := range group {
			c.n, c.err = counts[c.owner], err
			close(c.done)
		}
	}
}
