package mailer

import (
	"sync"
	"time"
)

// timing holds the pauses of sending; only tests change them.
type timing struct {
	firstPause, longPause time.Duration // between tries to reach the server: doubled from the first to the longest
	// patience is how long a server that answers "later" to everything is probed every longPause. A
	// refusal that lasts longer is probed every slowPause.
	patience, slowPause time.Duration
	delays              []time.Duration // before the retries of a mail that was told "later"; the last one repeats
	bounceEvery         time.Duration   // between readings of the mailbox for bounces
	// slotIdle is how long a process without work keeps its slot and its connection. It is longer
	// than orphanAfter.
	slotIdle time.Duration
}

var normalTiming = timing{
	firstPause: 5 * time.Second, longPause: 30 * time.Second, patience: 30 * time.Minute, slowPause: 5 * time.Minute,
	delays: []time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute,
		30 * time.Minute, time.Hour},
	bounceEvery: time.Minute, slotIdle: 30 * time.Second,
}

// retryAfter is the delay after the n-th refusal of a mail, counted from 0.
func (t timing) retryAfter(n int) time.Duration { return t.delays[min(n, len(t.delays)-1)] }

// refusalsToOpen is how many temporary refusals in a row mean that the server refuses everything,
// not single receivers.
const refusalsToOpen = 3

// circuit keeps senders from hammering a mail server that is unavailable, and notices soon when it
// is back. While the server is away everything waits, and one mail at a time probes it. While it
// refuses, mails go on at their own delays, and one of the deferred mails probes.
type circuit struct {
	timing   timing
	mu       sync.Mutex
	away     bool
	until    time.Time     // end of the pause
	pause    time.Duration // length of that pause
	probing  bool
	refusals int
	since    time.Time // time of the first of these refusals
	now      func() time.Time
}

func newCircuit(t timing) *circuit {
	mailServerUp.Set(1)
	return &circuit{timing: t, now: time.Now}
}

// permit reports whether a sender may claim, whether deferred mails count as due for it, and
// whether it is the probe, which must report its outcome or call release.
func (c *circuit) permit() (ok, deferred, probe bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	open := c.away || c.refusals >= refusalsToOpen
	if !open {
		return true, false, false
	}
	if c.probing || c.now().Before(c.until) {
		return !c.away, false, false
	}
	c.probing = true
	return true, c.refusals >= refusalsToOpen, true
}

// release ends a probe that found no mail to send.
func (c *circuit) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.probing = false
}

// onSuccess notes that the server took a mail; recovered reports that the circuit was open.
func (c *circuit) onSuccess() (recovered bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	recovered = c.away || c.refusals >= refusalsToOpen
	c.away, c.refusals, c.pause, c.probing = false, 0, 0, false
	mailServerUp.Set(1)
	return recovered
}

// onAnswer notes a permanent refusal of one mail: it says only that the server answers.
func (c *circuit) onAnswer() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away, c.probing = false, false
}

// onRefusal notes a temporary refusal or a broken exchange; trouble reports that the server seems
// to refuse everything.
func (c *circuit) onRefusal() (trouble bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away, c.probing = false, false
	if c.refusals == 0 {
		c.since = c.now()
	}
	c.refusals++
	if c.refusals < refusalsToOpen {
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

// onUnreachable notes that no connection could be made.
func (c *circuit) onUnreachable() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away && !c.probing {
		return // this sender had begun before the circuit opened
	}
	c.away, c.probing = true, false
	c.pause = min(max(2*c.pause, c.timing.firstPause), c.timing.longPause)
	c.until = c.now().Add(c.pause)
	mailServerUp.Set(0)
}
