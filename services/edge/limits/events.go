package limits

import (
	"net/netip"
	"time"
)

const (
	// EventLimit is how many client events of one client address one edge takes in EventWindow: a few hundred
	// shoppers behind one address who look at a page every few seconds.
	EventLimit = 3000
	// EventWindow is the time in which they are counted.
	EventWindow = time.Minute
)

// Event counts a client event and reports whether it is to be kept. The answer to a browser is the same
// either way and waits for nothing, so each edge goes by what it has counted itself. What comes from this
// machine is not counted: a shop that is tried out without a proxy has no other clients.
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
