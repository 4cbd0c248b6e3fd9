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
	// cartCountTimeout bounds what every page waits for. It is seconds all the same: a shopper whose
	// cart looks empty because the machine was busy for a moment is worse off than one who waits.
	cartCountTimeout = 3 * time.Second
	// cartCountCalls is how many questions to order are under way at once. Under load everybody who
	// comes meanwhile is part of the next one; no request waits for a group to fill.
	cartCountCalls = 2
	// cartCountGroup bounds the length of one question.
	cartCountGroup = 128
)

// cartCounts asks order for the number of lines of many carts with one question.
type cartCounts struct {
	ask     func(ctx context.Context, members []int64, carts []string) (cartCountAnswer, error)
	mu      sync.Mutex
	waiting []*cartCount
	calls   int
}

// cartCount is one shopper who waits.
type cartCount struct {
	member int64 // 0: a visitor with this cart
	cart   string
	lines  int64
	err    error
	done   chan struct{}
}

// cartCountAnswer is order's.
type cartCountAnswer struct {
	Members map[int64]int64  `json:"members"`
	Carts   map[string]int64 `json:"carts"`
}

// get is the number of lines of a shopper's cart.
func (c *cartCounts) get(ctx context.Context, req *request) (int64, error) {
	w := &cartCount{cart: req.cart, done: make(chan struct{})}
	if req.session != nil {
		w.member = req.session.MemberID
	}
	c.mu.Lock()
	c.waiting = append(c.waiting, w)
	lead := c.calls < cartCountCalls
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

// work asks for all who wait, until none is left.
func (c *cartCounts) work() {
	for {
		c.mu.Lock()
		n := min(len(c.waiting), cartCountGroup)
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

func (e *server) askCartCounts(ctx context.Context, members []int64, carts []string) (cartCountAnswer, error) {
	query := url.Values{"cart": carts}
	for _, id := range members {
		query.Add("member", web.ID(id))
	}
	var answer cartCountAnswer
	err := e.ask(ctx, e.owners.order, web.Call{Method: http.MethodGet, Path: "/internal/cart-counts", Query: query},
		&answer)
	return answer, err
}
