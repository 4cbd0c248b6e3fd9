package limits

import (
	"net/netip"
	"time"
)

const (
	// EventLimit is how many client events of one client address one edge takes in EventWindow:
	// enough for a few hundred shoppers behind one address who view a page every few seconds.
	EventLimit = 3000
	// EventWindow is the window in which they are counted.
	EventWindow = time.Minute
)

// Event counts a client event and reports whether to keep it. The browser gets the same answer
// either way and waits for nothing, so each edge uses its own counts. Events from this machine are
// not counted: a shop that is tried out without a proxy has no other clients.
func (l *Limiter) Event(client netip.Addr) bool {
	parts := Client.of(Request{Client: client})
	if parts == nil || client.IsLoopback() {
		return true
	}
	e := entry{Rule: Rule{Name: "event", Limit: EventLimit, Window: EventWindow}, at: time.Now()}
	e.key = newKey(l.secret, e.Name, parts)
	if l.events.add(e, 1) <= EventLimit {
		return true
	}
	overLimit.WithLabelValues(e.Name, "dropped").Inc()
	return false
}
