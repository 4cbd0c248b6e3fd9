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
	// hashQueueSize is how many requests may wait in each of the two lines. At about 70 hashes a
	// second the last request of a full line waits half as long as a request may take. A waiting
	// request costs some 40 KB, so two full lines stay below 100 MB.
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

// hashPlaces hands out the places in which hashes are computed. Clients take turns: however many
// requests one address has waiting, another address waits for at most one of them. Browsers that
// have logged in to the account before stand in a line of their own, which is served in turn with
// the other, so that a storm from many addresses costs them a place or two and not the whole line.
// A full line makes room by sending away the newest request of the client that has the most in it.
type hashPlaces struct {
	mu    sync.Mutex
	free  int
	known line // browsers that have logged in to the account before
	other line
	turn  bool // the next place goes to known, if both lines wait
}

// line is the requests that wait, by client, and the order in which the clients take turns.
type line struct {
	waiting map[string][]*hashWait
	turns   []string
	length  int
}

// hashWait is one waiting request; its channel gets nil with the place, or the reason why it gets
// none.
type hashWait struct {
	client string
	result chan error
}

func newHashPlaces() *hashPlaces {
	return &hashPlaces{
		free:  hashConcurrency,
		known: line{waiting: map[string][]*hashWait{}},
		other: line{waiting: map[string][]*hashWait{}},
	}
}

// acquire waits for a place. Requests without an identity, such as a command's, count as one
// client.
func (p *hashPlaces) acquire(ctx context.Context) error {
	who := web.WhoIn(ctx)
	p.mu.Lock()
	if p.free > 0 {
		p.free--
		p.mu.Unlock()
		hashesWaiting.Inc()
		return nil
	}

	l := &p.other
	if who.KnownBrowser {
		l = &p.known
	}
	w := &hashWait{client: clientOf(who.Client), result: make(chan error, 1)}
	if !l.join(w) {
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
	removed := l.remove(w)
	p.mu.Unlock()
	if !removed && <-w.result == nil {
		p.release() // the place came at this very moment
	} else {
		hashesWaiting.Dec()
	}
	return fmt.Errorf("wait for a password hash: %w", ctx.Err())
}

// release gives a place to the next in turn.
func (p *hashPlaces) release() {
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

// join adds a request, unless the line is full and no client has clearly more in it than the
// request's own.
func (l *line) join(w *hashWait) bool {
	if l.length >= hashQueueSize && !l.evictFor(w.client) {
		return false
	}
	if len(l.waiting[w.client]) == 0 {
		l.turns = append(l.turns, w.client)
	}
	l.waiting[w.client] = append(l.waiting[w.client], w)
	l.length++
	return true
}

// evictFor sends away the newest request of the client that has the most, if that is more than
// client would have with one more.
func (l *line) evictFor(client string) bool {
	longest := client
	for other, list := range l.waiting {
		if len(list) > len(l.waiting[longest]) {
			longest = other
		}
	}
	list := l.waiting[longest]
	if len(list) <= len(l.waiting[client])+1 {
		return false
	}
	w := list[len(list)-1]
	l.remove(w)
	w.result <- web.Unavailable(errHashQueue)
	hashesRefused.Inc()
	return true
}

// remove takes a request out of the line; it returns false if the request is no longer in it.
func (l *line) remove(w *hashWait) bool {
	list := l.waiting[w.client]
	i := slices.Index(list, w)
	if i < 0 {
		return false
	}
	l.length--
	if len(list) == 1 { // a client that comes back takes its turn at the end, once
		delete(l.waiting, w.client)
		l.turns = slices.Delete(l.turns, slices.Index(l.turns, w.client), slices.Index(l.turns, w.client)+1)
		return true
	}
	l.waiting[w.client] = slices.Delete(list, i, i+1)
	return true
}

// next takes the oldest request of the client whose turn it is, and moves the client to the end. It
// returns nil if no one waits.
func (l *line) next() *hashWait {
	if l.length == 0 {
		return nil
	}
	client := l.turns[0]
	w := l.waiting[client][0]
	more := len(l.waiting[client]) > 1
	l.remove(w)
	if more {
		l.turns = append(slices.Delete(l.turns, 0, 1), client)
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
