package stripe

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// Stripe counts the calls of the whole account and refuses more than 100 a second with a live key.
// A flood of new pages must not keep the shop from asking about payments that are under way. So all
// processes count together, each kind of call has room of its own, and calls about payments may
// also use the room that new pages leave.

// Lane is a kind of call to Stripe.
type Lane int

// The lanes; the first gives way first.
const (
	LaneKept Lane = iota // the sweep, and webhook's requests: the zero value, for callers that name none
	LaneAsk              // success pages
	LaneNew              // new pages, and closing old ones for them
)

// lanes are each lane's share of the calls, in quarters, its name in the metric, and how long a
// call waits for its turn.
var lanes = [...]struct {
	name    string
	quarter int64
	wait    time.Duration
	others  []Lane // lanes whose room it may use as well
}{
	LaneKept: {name: "kept", quarter: 1, wait: callTimeout, others: []Lane{LaneAsk, LaneNew}},
	LaneAsk:  {name: "ask", quarter: 1, wait: shopperTimeout, others: []Lane{LaneNew}},
	LaneNew:  {name: "new", quarter: 2, wait: shopperTimeout},
}

// shopperTimeout is how long a call that a shopper is waiting for waits for its turn.
const shopperTimeout = 3 * time.Second

// brakeWindow is short, so that two adjacent windows hold little more than a second's calls.
const brakeWindow = 250 * time.Millisecond

// LeastRate is the slowest rate that leaves each lane a call in each window.
const LeastRate = 16

var braked = promauto.NewCounterVec(prometheus.CounterOpts{
	Name: "shop_stripe_braked_total",
	Help: "Calls to Stripe that waited (waited) or were not made (refused) because the shop makes too many, by kind.",
}, []string{"lane", "outcome"})

// brake keeps the calls to Stripe below a rate. A nil brake permits all.
type brake struct {
	bus  *bus.Bus
	rate int64 // calls a second, of all processes

	mu     sync.Mutex
	window int64
	local  [len(lanes)]int64 // what this process counted in the window, for times without the broker
}

// newBrake returns nil if there is no rate.
func newBrake(b *bus.Bus, rate int) *brake {
	for _, l := range lanes {
		braked.WithLabelValues(l.name, "waited").Add(0) // otherwise an alarm misses the first one
		braked.WithLabelValues(l.name, "refused").Add(0)
	}
	if rate <= 0 {
		return nil
	}
	return &brake{bus: b, rate: int64(rate)}
}

type laneKey struct{}

// OnLane sets the lane of a context's calls.
func OnLane(ctx context.Context, l Lane) context.Context {
	return context.WithValue(ctx, laneKey{}, l)
}

// take waits until a call may be made. It returns ErrBusy if its turn does not come soon.
func (b *brake) take(ctx context.Context) error {
	if b == nil {
		return nil
	}

	l, ok := ctx.Value(laneKey{}).(Lane)
	if !ok {
		l = LaneKept
	}
	last := time.Now().Add(lanes[l].wait)
	for waited := false; ; waited = true {
		if b.grant(ctx, l) {
			if waited {
				braked.WithLabelValues(lanes[l].name, "waited").Inc()
			}
			return nil
		}
		// The processes must not all try at the beginning of the next window.
		next := brakeWindow - time.Duration(time.Now().UnixNano()%int64(brakeWindow)) +
			rand.N(brakeWindow/4) //nolint:gosec // not a secret
		if time.Now().Add(next).After(last) {
			braked.WithLabelValues(lanes[l].name, "refused").Inc()
			return ErrBusy
		}
		if !wait.Sleep(ctx, next) {
			return ctx.Err()
		}
	}
}

func (b *brake) grant(ctx context.Context, l Lane) bool {
	if b.within(ctx, l) {
		return true
	}
	for _, other := range lanes[l].others {
		if b.within(ctx, other) {
			return true
		}
	}
	return false
}

// within counts a call in a lane's room and reports whether it fits. While the broker is down each
// process goes by its own count, up to half of the rate: there may be another process.
func (b *brake) within(ctx context.Context, l Lane) bool {
	room := max(b.rate*lanes[l].quarter/4*int64(brakeWindow)/int64(time.Second), 1)
	own := b.countLocal(l)
	if b.bus != nil {
		if n, err := b.bus.Count(ctx, "stripe", lanes[l].name, brakeWindow); err == nil {
			return n <= room
		}
	}
	return own <= max(room/2, 1)
}

func (b *brake) countLocal(l Lane) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now().UnixNano() / int64(brakeWindow); now != b.window {
		b.window, b.local = now, [len(lanes)]int64{}
	}
	b.local[l]++
	return b.local[l]
}
