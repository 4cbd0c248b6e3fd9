package edge

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const (
	// cartCountTimeout bounds what every page waits for. It is seconds all the same: a shopper
	// whose cart looks empty because the machine was busy for a moment is worse off than one who
	// waits.
	cartCountTimeout = 3 * time.Second
	// cartCountConcurrency is how many requests to order run at once. Under load the shoppers who
	// come in the meantime share the next one; none waits for a group to fill.
	cartCountConcurrency = 2
	// cartCountBatchSize bounds the carts in one request.
	cartCountBatchSize = 128
)

// cartCounts asks order for the number of lines of many carts with one request.
type cartCounts struct {
	ask     func(ctx context.Context, members []int64, carts []string) (cartCountAnswer, error)
	mu      sync.Mutex
	waiting []*cartCount
	calls   int
}

// cartCount is a shopper who waits.
type cartCount struct {
	member int64 // 0: a visitor with this cart
	cart   string
	lines  int64
	err    error
	done   chan struct{}
}

// cartCountAnswer is order's answer.
type cartCountAnswer struct {
	Members map[int64]int64  `json:"members"`
	Carts   map[string]int64 `json:"carts"`
}

// get returns the number of lines of a shopper's cart.
func (c *cartCounts) get(ctx context.Context, req *request) (int64, error) {
	w := &cartCount{cart: req.cart, done: make(chan struct{})}
	if req.session != nil {
		w.member = req.session.MemberID
	}
	c.mu.Lock()
	c.waiting = append(c.waiting, w)
	lead := c.calls < cartCountConcurrency
	if lead {
		c.calls++
	}
	c.mu.Unlock()
	if lead {
		go c.work()
	}
	select {
	case <-w.done:
		return w.lines, w.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// work sends requests until no shopper waits.
func (c *cartCounts) work() {
	for {
		c.mu.Lock()
		n := min(len(c.waiting), cartCountBatchSize)
		if n == 0 {
			c.calls--
			c.mu.Unlock()
			return
		}
		group := c.waiting[:n:n]
		c.waiting = c.waiting[n:]
		c.mu.Unlock()
		c.serve(group)
	}
}

func (c *cartCounts) serve(group []*cartCount) {
	var members []int64
	var carts []string
	for _, w := range group {
		if w.member != 0 {
			members = append(members, w.member)
		} else {
			carts = append(carts, w.cart)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), cartCountTimeout)
	defer cancel()
	answer, err := c.ask(ctx, members, carts)
	for _, w := range group {
		if w.err = err; w.member != 0 {
			w.lines = answer.Members[w.member]
		} else {
			w.lines = answer.Carts[w.cart]
		}
		close(w.done)
	}
}

func (s *server) askCartCounts(ctx context.Context, members []int64, carts []string) (cartCountAnswer, error) {
	query := url.Values{"cart": carts}
	for _, id := range members {
		query.Add("member", web.ID(id))
	}
	var answer cartCountAnswer
	err := s.ask(ctx, s.owners.order, web.Call{Method: http.MethodGet, Path: "/internal/cart-counts", Query: query},
		&answer)
	return answer, err
}
