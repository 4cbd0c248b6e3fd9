package mailer

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

const (
	pollEvery = 500 * time.Millisecond // by the first sender; it wakes the others
	idlePoll  = 5 * time.Second        // the others look by themselves only this often, each at its own time
	slotLimit = 5 * time.Second        // of a try to get a slot
	slotEvery = 2 * time.Second        // between looks whether the slot is still held
	pingLimit = 2 * time.Second        // of a question whether the database is there
	// idleFactor is how much less often senders look without a slot: what comes in wakes them.
	idleFactor = 4
	// databaseHeadStart is what awaitDatabase leaves to those who have results to write.
	databaseHeadStart = 2 * time.Second
	writeLimit        = 5 * time.Second        // of a try to write a result
	writeEvery        = 200 * time.Millisecond // between such tries
	// askTries is how often the question whether a mail was taken may fail before it is sent anyway:
	// a second copy is better than none.
	askTries = 6
)

// senders is the work on the ledger by one process.
type senders struct {
	*server
	taking   sync.Mutex // held while the slot is taken, looked after or given up
	slots    slots
	mu       sync.Mutex     // of what follows
	slot     int            // 0: at rest, without a slot
	using    int            // senders that claim or send under the slot
	worked   time.Time      // when one of them last had something to do
	inFlight map[int64]bool // ids of mails being sent
}

// runSenders works until ctx ends and the mails in hand are done.
func (s *server) runSenders(ctx context.Context) error {
	if _, err := newConn(s.cfg); err != nil {
		return err // settings that the client refuses; better known at once
	}
	w := &senders{server: s, slots: slots{pool: s.pool}, inFlight: map[int64]bool{}}
	if !w.takeSlot(ctx) {
		return nil
	}
	w.noteWork()
	w.persist(ctx, func(ctx context.Context) error { return makeDeferredDue(ctx, s.pool) }) // a start is a new chance
	w.persist(ctx, func(ctx context.Context) error { _, err := s.readShop(ctx, s.pool); return err })
	var loops, keeper sync.WaitGroup
	keeping, stopKeeping := context.WithCancel(context.WithoutCancel(ctx))
	keeper.Go(func() { w.keepSlot(keeping) })
	for n := range senderCount {
		loops.Go(func() { w.loop(ctx, n) })
	}
	done := make(chan struct{})
	go func() { loops.Wait(); close(done) }()
	<-ctx.Done()
	select {
	case <-done:
	case <-time.After(stopLimit):
		s.log.Warn("stopped with mails in hand; the next start goes on with them")
		// The slot stays ours until the process ends, so that no one takes them out of our hands.
		stopKeeping()
		return nil
	}
	stopKeeping()
	keeper.Wait()
	w.slots.release()
	return nil
}

// wakeSender has one more sender look for work.
func (s *server) wakeSender() { wait.Wake(s.wakeups) }

// loop runs one sender until ctx ends.
func (w *senders) loop(ctx context.Context, n int) {
	l, err := newConn(w.cfg)
	if err != nil {
		w.log.Error("no mail client", "error", err)
		return
	}
	defer l.close()
	pause := idlePoll
	if n == 0 {
		pause = pollEvery
	}
	for ctx.Err() == nil {
		more, err := w.next(ctx, l)
		if err != nil {
			w.log.Warn("the ledger cannot be reached", "error", err)
			w.awaitDatabase(ctx)
			continue
		}
		if more {
			continue
		}
		l.closeIdle()
		longest := pause
		if w.idle() {
			longest *= idleFactor
		}
		// All at one moment would keep a connection for each: the pool gives back what was idle for as long.
		wait.SleepOrWake(ctx, longest/2+rand.N(longest), w.wakeups) //nolint:gosec // jitter
	}
}

// awaitDatabase waits until the database answers, and a moment longer: senders of other processes
// that wait to write the result of a mail in hand shall be first, or it would be sent again.
func (w *senders) awaitDatabase(ctx context.Context) {
	for ctx.Err() == nil {
		wait.Sleep(ctx, pollEvery)
		limit, cancel := context.WithTimeout(ctx, pingLimit)
		err := w.pool.Ping(limit)
		cancel()
		if err == nil {
			wait.Sleep(ctx, databaseHeadStart)
			return
		}
	}
}

// next claims one mail and sees it to an end, if there is one and the circuit lets it, and reports whether more wait.
func (w *senders) next(ctx context.Context, l *conn) (more bool, err error) {
	ok, outage, probe := w.circuit.permit()
	if !ok {
		return false, nil
	}
	if probe {
		defer w.circuit.release()
	}
	if ready, err := w.endIdle(ctx, outage); err != nil || !ready {
		return false, unlessEnded(ctx, err)
	}
	slot, sending, done := w.use()
	worked := false
	defer func() { done(worked) }()
	if slot == 0 { // it was given up at this moment
		return true, nil
	}
	d, err := claim(ctx, w.pool, slot, sending, outage)
	worked = d != nil || err != nil
	if !worked || err != nil {
		return false, unlessEnded(ctx, err)
	}
	fault.Point("mailer", "claimed")
	w.keep(d.ID, true)
	defer w.keep(d.ID, false)
	if d.More {
		w.wakeSender()
	}
	w.deliver(context.WithoutCancel(ctx), l, d)
	return d.More, nil // what comes meanwhile wakes a sender
}

// unlessEnded is err, or nil when it is only that ctx ended.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // a stop is a clean end
	}
	return err
}

func (w *senders) keep(id int64, sending bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if sending {
		w.inFlight[id] = true
	} else {
		delete(w.inFlight, id)
	}
}

// deliver brings one claimed mail to an end: sent, parked, or put off.
func (w *senders) deliver(ctx context.Context, l *conn, d *delivery) {
	maybe := d.WasMaybe
	if maybe && w.cfg.MailSeenURL != "" {
		n, err := w.seen(ctx, d.MessageID)
		switch {
		case err == nil && n > 0:
			w.sent(ctx, d, "found at the mail system", content{})
			return
		case err == nil:
			maybe = false
		case d.Refusals < askTries && time.Now().Before(d.Deadline):
			w.log.Warn("cannot ask whether a mail was taken, will try again", "key", d.Key, "error", err)
			w.putOff(ctx, d, later{after: w.timing.retryAfter(d.Refusals), refused: true, maybe: true,
				reply: "the mail system cannot be asked"})
			return
		}
	}
	if !time.Now().Before(d.Deadline) {
		w.park(ctx, d, result{}, maybe, "the deadline has passed")
		return
	}
	letter, err := w.write(ctx, d)
	switch {
	case err != nil && (pg.IsUnavailable(err) || pg.IsContention(err)):
		w.putOff(ctx, d, later{after: w.timing.firstPause, maybe: maybe, reply: "the templates cannot be reached"})
		return
	case errors.Is(err, errUnasked):
		w.putOff(ctx, d, later{after: unaskedPause, maybe: maybe, reply: err.Error()})
		return
	case errors.Is(err, errUnwanted):
		w.persist(ctx, func(ctx context.Context) error { return dropDelivery(ctx, w.pool, d) })
		w.log.Info("mail dropped", "kind", d.Kind, "key", d.Key, "reason", err.Error())
		return
	case errors.Is(err, errPaused):
		w.persist(ctx, func(ctx context.Context) error { return pauseDelivery(ctx, w.pool, d, maybe) })
		return
	case err != nil:
		w.park(ctx, d, result{}, maybe, err.Error())
		return
	}
	if !w.keepWritten(ctx, d, letter.content, maybe) {
		return
	}
	began := time.Now()
	answer := l.send(ctx, letter.envelope, letter.message)
	ended := time.Now()
	fault.Point("mailer", "sent")
	if len(answer.gone) > 0 {
		w.persist(ctx, func(ctx context.Context) error {
			return noteBounces(ctx, w.pool, w.hashes(answer.gone), answer.code)
		})
	}
	w.conclude(ctx, d, answer, maybe, letter)
	fault.Point("mailer", "noted")
	w.record(ctx, d, began, ended, answer)
}

// record tells the collector of traces of an attempt to hand a mail over, as what its command caused.
func (w *senders) record(ctx context.Context, d *delivery, began, ended time.Time, r result) {
	if !obs.Tracing() {
		return
	}
	known, err := bus.Trail(ctx, w.pool, []string{msg.MailerMail}, []string{d.Key})
	if err != nil || len(known.Received) == 0 {
		return // its command was pruned: the mail is days late
	}
	caller := known.Received[0].Trace
	obs.Record(obs.Span{Service: "mailer", Name: "send mail", Kind: obs.SpanClient, Trace: obs.Follow(caller),
		Parent: caller, Began: began, Ended: ended, Failed: r.outcome != sent,
		Attributes: []slog.Attr{slog.String("kind", d.Kind), slog.Int("attempt", d.Attempts)}})
}

// keepWritten freezes what a mail says with its first attempt, before anything is sent, and reports whether it may be
// sent now: not when another sender has overtaken this attempt.
func (w *senders) keepWritten(ctx context.Context, d *delivery, c content, maybe bool) bool {
	if !d.keepsWritten() {
		return true
	}
	ok, err := keepWritten(ctx, w.pool, d, c.marshal(), clean(c.subject))
	if err != nil {
		w.log.Warn("the ledger cannot keep a mail, will try again", "key", d.Key, "error", err)
		w.putOff(ctx, d, later{after: w.timing.firstPause, maybe: maybe, reply: "the ledger cannot be written"})
	}
	fault.Point("mailer", "written")
	return ok && err == nil
}

// conclude writes what became of an attempt.
func (w *senders) conclude(ctx context.Context, d *delivery, r result, maybe bool, l letter) {
	switch r.outcome {
	case sent:
		recovered := w.circuit.taken()
		taken := slices.DeleteFunc(slices.Clone(l.envelope.to), func(a string) bool {
			return slices.Contains(r.gone, a)
		})
		w.sent(ctx, d, r.reply, l.content, w.hashes(taken)...)
		if recovered {
			w.persist(ctx, func(ctx context.Context) error { return makeDeferredDue(ctx, w.pool) })
			w.log.Info("the mail server takes mail again")
		}
	case refused:
		w.circuit.answered()
		w.park(ctx, d, r, maybe, "the mail server refuses it for good")
	case away:
		w.circuit.unreachable()
		mailsTotal.WithLabelValues(d.Kind, "away").Inc()
		w.log.Warn("the mail server cannot be reached", "key", d.Key, "error", r.reply)
		w.putOff(ctx, d, later{maybe: maybe, reply: r.reply})
	case deferred, unknown:
		trouble := w.circuit.refused()
		label := "deferred"
		if r.outcome == unknown {
			label, maybe = "unknown", true
		}
		mailsTotal.WithLabelValues(d.Kind, label).Inc()
		w.log.Warn("mail put off", "key", d.Key, "outcome", label, "code", r.code, "attempt", d.Attempts, "maybe",
			maybe)
		w.putOff(ctx, d, later{after: w.timing.retryAfter(d.Refusals), refused: true, outage: trouble, maybe: maybe,
			reply: r.reply})
	}
}

func (w *senders) putOff(ctx context.Context, d *delivery, l later) {
	w.persist(ctx, func(ctx context.Context) error { return putOff(ctx, w.pool, d, l) })
}

// hashes stand for addresses in the ledger.
func (s *server) hashes(addresses []string) []string {
	list := make([]string, len(addresses))
	for i, a := range addresses {
		list[i] = s.hash(a)
	}
	return list
}

// sent notes it and tells others; taken are the hashes of those the server took it for, if that is known.
func (w *senders) sent(ctx context.Context, d *delivery, reply string, c content, taken ...string) {
	done := w.done(d, c.emCode, "")
	done.Campaign, done.CampaignName = c.campaign, c.campaignName
	w.persist(ctx, func(ctx context.Context) error {
		return markSent(ctx, w.outbox, d, reply, taken, done)
	})
	mailsTotal.WithLabelValues(d.Kind, "sent").Inc()
	w.log.Info("mail sent", "kind", d.Kind, "key", d.Key, "attempt", d.Attempts, "message_id", d.MessageID,
		"ms", time.Since(d.CreatedAt).Milliseconds())
}

// park ends a mail that needs a human; maybe says that an earlier attempt may have been taken.
func (w *senders) park(ctx context.Context, d *delivery, r result, maybe bool, reason string) {
	w.persist(ctx, func(ctx context.Context) error {
		return markParked(ctx, w.outbox, d, r.reply, maybe, w.done(d, "", reason))
	})
	mailsTotal.WithLabelValues(d.Kind, "parked").Inc()
	w.log.Error("mail parked", "kind", d.Kind, "key", d.Key, "attempt", d.Attempts, "code", r.code, "reason", reason)
}

// persist repeats a write until it succeeds: what the mail server said exists nowhere else. It gives
// up when the process stops or the write itself is impossible; the lease then runs out, and the row
// says maybe.
func (w *senders) persist(ctx context.Context, write func(context.Context) error) {
	for {
		limit, cancel := context.WithTimeout(ctx, writeLimit)
		err := write(limit)
		cancel()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			return
		}
		w.log.Warn("the ledger cannot be written", "error", err)
		if !pg.IsUnavailable(err) && !pg.IsContention(err) && !errors.Is(err, context.DeadlineExceeded) {
			return
		}
		wait.Sleep(ctx, writeEvery)
	}
}
