package user

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const (
	hashConcurrency = 2
	// hashQueueSize is how many requests may wait in each of the two queues. At about 70 hashes a
	// second the last request of a full queue waits half as long as a request may take. A waiting
	// request costs some 40 KB, so two full queues stay below 100 MB.
	hashQueueSize = 1000
)

var (
	hashesWaiting = promauto.NewGauge(prometheus.GaugeOpts{
		Name: "shop_password_hashes_waiting",
		Help: "Requests that compute a password hash or wait for it.",
	})
	hashesRefused = promauto.NewCounter(prometheus.CounterOpts{
		Name: "shop_password_hashes_refused_total",
		Help: "Requests sent away because too many waited for a password hash.",
	})
)

var errHashQueue = errors.New("too many wait for a password hash")

// hashSlots hands out the slots in which hashes are computed. Clients take turns: however many
// requests one address has waiting, another address waits for at most one of them. Browsers that
// have logged in to the account before wait in a queue of their own, which is served in turn with
// the other, so that a storm from many addresses costs them a slot or two and not the whole queue.
// A full queue makes room by sending away the newest request of the client that has the most in it.
type hashSlots struct {
	mu    sync.Mutex
	free  int
	known hashQueue // browsers that have logged in to the account before
	other hashQueue
	turn  bool // the next slot goes to known, if both queues wait
}

// hashQueue is the requests that wait, by client, and the order in which the clients take turns.
type hashQueue struct {
	waiting map[string][]*hashWait
	turns   []string
	length  int
}

// hashWait is one waiting request; its channel gets nil with the slot, or the reason why it gets
// none.
type hashWait struct {
	client string
	result chan error
}

func newHashSlots() *hashSlots {
	return &hashSlots{
		free:  hashConcurrency,
		known: hashQueue{waiting: map[string][]*hashWait{}},
		other: hashQueue{waiting: map[string][]*hashWait{}},
	}
}

// acquire waits for a slot. Requests without an identity, such as a command's, count as one
// client.
func (p *hashSlots) acquire(ctx context.Context) error {
	who := web.WhoIn(ctx)
	p.mu.Lock()
	if p.free > 0 {
		p.free--
		p.mu.Unlock()
		hashesWaiting.Inc()
		return nil
	}

	q := &p.other
	if who.KnownBrowser {
		q = &p.known
	}
	w := &hashWait{client: clientOf(who.Client), result: make(chan error, 1)}
	if !q.join(w) {
		p.mu.Unlock()
		hashesRefused.Inc()
		return web.Unavailable(errHashQueue)
	}

	p.mu.Unlock()
	hashesWaiting.Inc()
	select {
	case err := <-w.result:
		if err != nil {
			hashesWaiting.Dec()
		}
		return err
	case <-ctx.Done():
	}

	p.mu.Lock()
	removed := q.remove(w)
	p.mu.Unlock()
	if !removed && <-w.result == nil {
		p.release() // the slot came at this very moment
	} else {
		hashesWaiting.Dec()
	}
	return fmt.Errorf("wait for a password hash: %w", ctx.Err())
}

// release gives a slot to the next in turn.
func (p *hashSlots) release() {
	hashesWaiting.Dec()
	p.mu.Lock()
	defer p.mu.Unlock()
	first, second := &p.other, &p.known
	if p.turn {
		first, second = second, first
	}
	p.turn = !p.turn
	w := first.next()
	if w == nil {
		w = second.next()
	}
	if w == nil {
		p.free++
		return
	}
	w.result <- nil
}

// join adds a request, unless the queue is full and no client has clearly more in it than the
// request's own.
func (q *hashQueue) join(w *hashWait) bool {
	if q.length >= hashQueueSize && !q.evictFor(w.client) {
		return false
	}
	if len(q.waiting[w.client]) == 0 {
		q.turns = append(q.turns, w.client)
	}
	q.waiting[w.client] = append(q.waiting[w.client], w)
	q.length++
	return true
}

// evictFor sends away the newest request of the client that has the most, if that is more than
// client would have with one more.
func (q *hashQueue) evictFor(client string) bool {
	longest := client
	for other, list := range q.waiting {
		if len(list) > len(q.waiting[longest]) {
			longest = other
		}
	}
	list := q.waiting[longest]
	if len(list) <= len(q.waiting[client])+1 {
		return false
	}
	w := list[len(list)-1]
	q.remove(w)
	w.result <- web.Unavailable(errHashQueue)
	hashesRefused.Inc()
	return true
}

// remove takes a request out of the queue; it returns false if the request is no longer in it.
func (q *hashQueue) remove(w *hashWait) bool {
	list := q.waiting[w.client]
	i := slices.Index(list, w)
	if i < 0 {
		return false
	}
	q.length--
	if len(list) == 1 { // a client that comes back takes its turn at the end, once
		delete(q.waiting, w.client)
		q.turns = slices.Delete(q.turns, slices.Index(q.turns, w.client), slices.Index(q.turns, w.client)+1)
		return true
	}
	q.waiting[w.client] = slices.Delete(list, i, i+1)
	return true
}

// next takes the oldest request of the client whose turn it is, and moves the client to the end. It
// returns nil if no one waits.
func (q *hashQueue) next() *hashWait {
	if q.length == 0 {
		return nil
	}
	client := q.turns[0]
	w := q.waiting[client][0]
	more := len(q.waiting[client]) > 1
	q.remove(w)
	if more {
		q.turns = append(slices.Delete(q.turns, 0, 1), client)
	}
	return w
}

// clientOf is what counts as one client: the network of an address, or an address that cannot be
// parsed.
func clientOf(address string) string {
	if a, err := netip.ParseAddr(address); err == nil {
		return web.Network(a)
	}
	return address
}
