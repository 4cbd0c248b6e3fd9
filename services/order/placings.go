package order

import (
	"context"
	"sync"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
)

// placings are the success pages of this process that wait for the event of their payment, by
// Stripe's session.
type placings struct {
	mu      sync.Mutex
	waiting map[string]map[*placing]struct{}
	begun   map[string]time.Time // when the consumer began to handle the event of a session
}

const (
	// placingTimeout is how long an event may be handled; after that it has failed, and will be
	// delivered again.
	placingTimeout = time.Second
	// maxPlacings bounds the memory for events that failed.
	maxPlacings = 1000
)

// begin notes that the consumer has begun to handle the event of a session.
func (p *placings) begin(session string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.begun == nil || len(p.begun) >= maxPlacings {
		p.begun = map[string]time.Time{}
	}
	p.begun[session] = time.Now()
}

// inFlight reports whether the consumer is handling the event.
func (one *placing) inFlight() bool {
	one.all.mu.Lock()
	defer one.all.mu.Unlock()
	return time.Since(one.all.begun[one.session]) < placingTimeout
}

// placing is a success page that waits.
type placing struct {
	all     *placings
	session string
	done    chan result // buffered: no one has to receive
}

// await registers a page that waits, until it leaves.
func (p *placings) await(session string) *placing {
	one := &placing{all: p, session: session, done: make(chan result, 1)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == nil {
		p.waiting = map[string]map[*placing]struct{}{}
	}
	if p.waiting[session] == nil {
		p.waiting[session] = map[*placing]struct{}{}
	}
	p.waiting[session][one] = struct{}{}
	return one
}

func (one *placing) leave() {
	one.all.mu.Lock()
	defer one.all.mu.Unlock()
	delete(one.all.waiting[one.session], one)
	if len(one.all.waiting[one.session]) == 0 {
		delete(one.all.waiting, one.session)
	}
}

// within waits for the outcome of the payment, at most for limit.
func (one *placing) within(ctx context.Context, limit time.Duration) (done result, told bool) {
	select {
	case done = <-one.done:
		return done, true
	default:
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case done = <-one.done:
		return done, true
	case <-timer.C:
	case <-ctx.Done():
	}
	return result{}, false
}

// notify hands the pages the outcomes of committed events.
func (p *placings) notify(group []*bus.Delivery) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range group {
		e, ok := d.Value.(*stripeEvent)
		if !ok {
			continue
		}
		delete(p.begun, e.session.ID)
		if e.placed == (result{}) {
			continue
		}
		for one := range p.waiting[e.session.ID] {
			select {
			case one.done <- e.placed:
			default:
			}
		}
	}
}
