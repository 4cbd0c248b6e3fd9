package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

const (
	relayGroup = 500
	// relayEvery finds what another process or a crashed one left; our own writers wake the relay.
	// At 250 ms, this took 28 of the 43 statements a second of seven idle services.
	relayEvery = time.Second
	// idleEvery is the same for an outbox that only this service's processes write to (Alone), as
	// long as nothing waits in it: so the service needs no connection for most of the time.
	idleEvery = time.Minute
	// While this process commits faster than it publishes (a batch of throttleFrom rows, and more
	// since), the relay pauses after each batch, throttleFactor times as long as the round took, at
	// most throttleMaxPause: accepting comes before forwarding, and what waits meanwhile goes out
	// in larger groups. A relay that keeps up never pauses.
	throttleFrom     = 64
	throttleFactor   = 8
	throttleMaxPause = 400 * time.Millisecond
	// stopTimeout is how long the relay goes on after its context ended, to finish a round and make
	// the last.
	stopTimeout = 2 * time.Second
	// fullLookEvery is how often the relay looks for all due rows, and not only for those that
	// became due since its last look.
	fullLookEvery = time.Minute
	// overdueAfter is how much later than its due time a row may become visible: no transaction
	// lasts longer (see pg.Open), and the clocks of database and service differ by less.
	overdueAfter = 30 * time.Second
	// publishPause is the pause after a failed publication.
	publishPause = 500 * time.Millisecond
	// pruneEvery is how often old inbox keys are deleted.
	pruneEvery = time.Hour
)

// Run publishes due rows and deletes confirmed ones until ctx ends; then it finishes its round and
// makes a last one, so that a clean stop leaves little behind. Any number of relays may run beside
// one another.
func (o *Outbox) Run(ctx context.Context) error {
	// Confirmations come as core messages. One that is lost costs a repeated publication.
	sub, err := o.bus.nc.QueueSubscribe("cfm."+o.bus.service, "outbox", func(m *nats.Msg) {
		if m.Reply == "" && len(m.Header) == 0 { // otherwise it was sent here from a stream and is no confirmation
			o.onConfirmation(m.Data)
		}
	})
	if err != nil {
		return fmt.Errorf("listen for confirmations: %w", err)
	}
	defer sub.Unsubscribe() //nolint:errcheck // the connection ends next
	// Messages that a broker lost, or a crash left in doubt, go out again now rather than after
	// their wait.
	o.bus.OnConnect(ctx, func() { o.makeDue(ctx) })
	o.makeDue(ctx)

	// A round that is cut short would leave claimed rows behind, which the last round does not
	// find.
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(stopTimeout, cancel) })()
	noting, stopNoting := context.WithCancel(working)
	var noter sync.WaitGroup
	noter.Go(func() { o.noteConfirmations(noting) })
	defer noter.Wait()
	defer stopNoting()
	o.relaying.Store(true)
	defer o.relaying.Store(false)
	o.relay(ctx, working)
	return nil
}

// relay publishes until ctx ends, and then what is left.
func (o *Outbox) relay(ctx, working context.Context) {
	tick := time.NewTicker(relayEvery)
	defer tick.Stop()
	every := relayEvery
	var measured, pruned time.Time
	for {
		began := time.Now()
		rows := o.relayOnce(working)
		o.throttle(ctx, rows, time.Since(began))
		if time.Since(measured) > measureEvery {
			measured = time.Now()
			o.measure(ctx)
		}
		if time.Since(pruned) > pruneEvery {
			pruned = time.Now()
			o.prune(ctx)
		}
		if (rows == relayGroup || o.handed.waiting() > 0) && ctx.Err() == nil {
			continue
		}

		if next := o.every(); next != every { // a ticker that is reset in each round may never tick
			every = next
			tick.Reset(every)
		}

		select {
		case <-o.wake:
			o.empty = false
		case <-tick.C:
			o.due.Store(true)
		case <-ctx.Done():
			o.drain(working)
			return
		}
	}
}

// drain publishes what was handed over, and then what is due.
func (o *Outbox) drain(ctx context.Context) {
	o.relaying.Store(false) // what is enqueued from now on is stored as due
	for o.handed.waiting() > 0 && o.bus.Connected() {
		o.relayOnce(ctx)
	}
	o.due.Store(true)
	o.relayOnce(ctx)
}

// throttle pauses after a round during which more was committed.
func (o *Outbox) throttle(ctx context.Context, rows int, round time.Duration) {
	if len(o.wake) == 0 || rows < throttleFrom {
		return
	}
	wait.Sleep(ctx, min(throttleFactor*round, throttleMaxPause))
}

func (o *Outbox) makeDue(ctx context.Context) {
	if err := makeDue(ctx, o.pool); err != nil && ctx.Err() == nil {
		o.bus.log.Warn("outbox", "error", err)
	}
	o.Wake()
}

// prune deletes inbox keys that no message can come back for: every stream is younger, and so is
// every outbox row that is still published again.
func (o *Outbox) prune(ctx context.Context) {
	if _, err := pg.InGroups(ctx, o.pool, "prune the inbox", `
		DELETE FROM inbox WHERE ctid IN (
		  SELECT ctid FROM inbox
		  WHERE at < now() - interval '90 days' AND NOT EXISTS (SELECT FROM outbox WHERE outbox.key = inbox.key)
		  LIMIT $1)`); err != nil && ctx.Err() == nil {
		o.bus.log.Warn("pruning the inbox", "error", err)
	}
}

// every is how often the relay looks without being woken.
func (o *Outbox) every() time.Duration {
	if o.Alone && o.empty {
		return idleEvery
	}
	return relayEvery
}

func (o *Outbox) measure(ctx context.Context) {
	rows, oldest, err := o.Depth(ctx)
	o.empty = err == nil && rows == 0
	if err == nil {
		obs.OutboxRows.WithLabelValues(o.bus.service).Set(float64(rows))
		obs.OutboxAge.WithLabelValues(o.bus.service).Set(oldest.Seconds())
	}
}

// next takes the rows of one group: those that were handed over, or otherwise those that are due.
func (o *Outbox) next(ctx context.Context) []outboxRow {
	rows := o.handed.take(relayGroup)
	if !o.bus.Connected() {
		return nil // they are due again when the broker is back (OnConnect)
	}
	if len(rows) > 0 || !o.due.Swap(false) {
		return rows
	}
	rows, err := claim(ctx, o.pool, relayGroup, o.since())
	switch {
	case err != nil && ctx.Err() == nil:
		o.bus.log.Warn("outbox", "error", err)
	case err == nil && len(rows) < relayGroup:
		o.looked()
	}
	if len(rows) == relayGroup {
		o.due.Store(true)
	}
	return rows
}

// since is the due time from which on there may be rows that no look has found yet. Most
// transactions commit theirs within overdueAfter; the look for all rows, once in fullLookEvery,
// finds the others.
func (o *Outbox) since() time.Time {
	if time.Since(o.fullLook) > fullLookEvery {
		return time.Time{}
	}
	return o.lastLook.Add(-overdueAfter)
}

// looked notes that a look found all that was due.
func (o *Outbox) looked() {
	if time.Since(o.fullLook) > fullLookEvery {
		o.fullLook = time.Now()
	}
	o.lastLook = time.Now()
}

// relayOnce publishes one group and says how many rows it held; 0 after a failure.
func (o *Outbox) relayOnce(ctx context.Context) (published int) {
	rows := o.next(ctx)
	if len(rows) == 0 {
		return 0
	}
	fault.Point(o.bus.service, "relay-claimed")
	failed := o.publish(ctx, rows)
	fault.Point(o.bus.service, "relay-acknowledged")

	var lost, done []int64
	for i, r := range rows {
		switch {
		case failed[i] != nil:
			lost = append(lost, r.Seq)
		case len(r.Pending) == 0:
			done = append(done, r.Seq)
		}
	}

	if len(done) > 0 {
		if err := deletePublished(ctx, o.pool, done); err != nil {
			o.bus.log.Warn("outbox", "error", err)
		}
	}

	if len(lost) > 0 {
		o.bus.log.Warn("messages not published, will try again", "messages", len(lost), "error", errors.Join(failed...))
		if err := release(context.WithoutCancel(ctx), o.pool, lost, publishPause); err != nil {
			o.bus.log.Warn("outbox", "error", err)
		}
		return 0
	}

	return len(rows)
}

// publish sends rows and returns an error, or nil, for each.
func (o *Outbox) publish(ctx context.Context, rows []outboxRow) []error {
	messages := make([]*nats.Msg, len(rows))
	for i, r := range rows {
		m := nats.NewMsg(r.Subject)
		for name, value := range r.Headers {
			if value != "" {
				m.Header.Set(name, value)
			}
		}
		m.Header.Set(headerKey, r.Key)
		m.Header.Set(headerSubject, r.Subject)
		m.Header.Set(headerSender, o.bus.service)
		// The broker's window swallows the same row published twice in a moment, and nothing else:
		// neither a repetition of what its store may have lost, nor a key that is sent again in a
		// row of its own, whose sender waits for the confirmation.
		id := r.Key + ":" + strconv.FormatInt(r.Seq, 10) + ":" + strconv.Itoa(r.Attempts)
		m.Header.Set(nats.MsgIdHdr, id)
		m.Data = r.Payload
		messages[i] = m
	}
	return o.bus.publishAll(ctx, messages)
}
