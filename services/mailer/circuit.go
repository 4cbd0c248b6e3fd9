package mailer

import (
	"sync"
	"time"
)

// timing holds the pauses of sending; only tests change them.
type timing struct {
	firstPause, longPause time.Duration // of an unreachable server, doubled from one to the other
	// patience is how long a server that refuses everything with "later" is probed every longPause; a
	// refusal that lasts longer is not worth more than a try every slowPause.
	patience, slowPause time.Duration
	delays              []time.Duration // of a mail that was told "later", the last one forever
	bounceEvery         time.Duration   // between looks into the mailbox for bounces
	// slotIdle is how long the slot, and its connection, are held when there is nothing to send. It is longer than
	// orphanAfter.
	slotIdle time.Duration
}

var normalTiming = timing{
	firstPause: 5 * time.Second, longPause: 30 * time.Second, patience: 30 * time.Minute, slowPause: 5 * time.Minute,
	delays: []time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute,
		30 * time.Minute, time.Hour},
	bounceEvery: time.Minute, slotIdle: 30 * time.Second,
}

// retryAfter is the growing delay of a mail that was refused n times before.
func (t timing) retryAfter(n int) time.Duration { return t.delays[min(n, len(t.delays)-1)] }

// refusing is how many "not now" in a row, with no mail taken between, are about the server rather
// than about single receivers.
const refusing = 3

// circuit keeps senders from hammering a mail server that is away, and finds out soon when it is
// back. Away: everything waits, one mail at a time probes. Refusing: what is due by its own delay
// goes on, and one of the deferred mails probes.
type circuit struct {
	timing   timing
	mu       sync.Mutex
	away     bool
	until    time.Time     // of the pause
	pause    time.Duration // that led to until
	probing  bool
	refusals int
	since    time.Time // of the first of them
	now      func() time.Time
}

func newCircuit(t timing) *circuit {
	mailServerUp.Set(1)
	return &circuit{timing: t, now: time.Now}
}

// permit reports whether a sender may claim, whether deferred mails count as due for it, and whether
// it is the probe, which must report or release.
func (c *circuit) permit() (ok, deferred, probe bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	open := c.away || c.refusals >= refusing
	if !open {
		return true, false, false
	}
	if c.probing || c.now().Before(c.until) {
		return !c.away, false, false
	}
	c.probing = true
	return true, c.refusals >= refusing, true
}

// release ends a probe that found nothing to send.
func (c *circuit) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.probing = false
}

// taken notes that the server took a mail; recovered says that it had been in trouble.
func (c *circuit) taken() (recovered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	recovered = c.away || c.refusals >= refusing
	c.away, c.refusals, c.pause, c.probing = false, 0, 0, false
	mailServerUp.Set(1)
	return recovered
}

// answered notes a definite refusal of one mail: the server is there, and that is all it says.
func (c *circuit) answered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away, c.probing = false, false
}

// refused notes a "not now" or a broken exchange; trouble says that the server seems to mean all.
func (c *circuit) refused() (trouble bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away, c.probing = false, false
	if c.refusals == 0 {
		c.since = c.now()
	}
	c.refusals++
	if c.refusals < refusing {
		return false
	}
	c.pause = c.timing.longPause
	if c.now().Sub(c.since) > c.timing.patience {
		c.pause = c.timing.slowPause
	}
	c.until = c.now().Add(c.pause)
	mailServerUp.Set(0)
	return true
}

// unreachable notes that no connection could be made.
func (c *circuit) unreachable() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away && !c.probing {
		return // a sender that had begun before the circuit opened
	}
	c.away, c.probing = true, false
	c.pause = min(max(2*c.pause, c.timing.firstPause), c.timing.longPause)
	c.until = c.now().Add(c.pause)
	mailServerUp.Set(0)
}
