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
	pollEvery     = 500 * time.Millisecond // of the first sender; it wakes the others
	idlePollEvery = 5 * time.Second        // of the other senders, each at its own time
	slotTimeout   = 5 * time.Second        // bounds a try to get a slot
	slotEvery     = 2 * time.Second        // between checks whether the slot is still held
	pingTimeout   = 2 * time.Second        // bounds a check whether the database answers
	// idleFactor lengthens the pauses of senders without a slot: new mails wake them.
	idleFactor = 4
	// databaseHeadStart is how long awaitDatabase leaves the database to senders that have results
	// to write.
	databaseHeadStart = 2 * time.Second
	writeTimeout      = 5 * time.Second        // bounds a try to write a result
	writePause        = 200 * time.Millisecond // between these tries
	// askTries is how often asking whether a mail was accepted may fail before the mail is sent
	// anyway: a second copy is better than none.
	askTries = 6
)

// senders are the workers of one process on the ledger.
type senders struct {
	*server
	slotMu   sync.Mutex // held while the slot is taken, checked or given up
	slots    slots
	mu       sync.Mutex     // guards the fields below
	slot     int            // 0: idle, without a slot
	using    int            // senders that claim or send under the slot
	worked   time.Time      // when a sender last had something to do
	inFlight map[int64]bool // ids of mails being sent
}

// runSenders works until ctx ends and the mails in flight are done.
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
	case <-time.After(stopTimeout):
		s.log.Warn("stopped with mails in flight; the next start goes on with them")
		// The slot is kept until the process ends, so that no other process claims the mails in
		// flight.
		stopKeeping()
		return nil
	}

	stopKeeping()
	keeper.Wait()
	w.slots.release()
	return nil
}

// wakeSender wakes one more sender.
func (s *server) wakeSender() { wait.Wake(s.wakeups) }

// loop runs one sender until ctx ends.
func (w *senders) loop(ctx context.Context, n int) {
	conn, err := newConn(w.cfg)
	if err != nil {
		w.log.Error("no mail client", "error", err)
		return
	}
	defer conn.close()
	pause := idlePollEvery
	if n == 0 {
		pause = pollEvery
	}

	for ctx.Err() == nil {
		more, err := w.next(ctx, conn)
		if err != nil {
			w.log.Warn("the ledger cannot be reached", "error", err)
			w.awaitDatabase(ctx)
			continue
		}
		if more {
			continue
		}
		conn.closeIdle()
		longest := pause
		if w.idle() {
			longest *= idleFactor
		}
		// Without the jitter all would come at one moment and keep a connection each, which the
		// pool closes only when idle for as long.
		wait.SleepOrWake(ctx, longest/2+rand.N(longest), w.wakeups) //nolint:gosec // jitter
	}
}

// awaitDatabase waits until the database answers, and a moment longer: senders of other processes
// that wait to write the result of a mail in flight must come first, or the mail would be sent
// again.
func (w *senders) awaitDatabase(ctx context.Context) {
	for ctx.Err() == nil {
		wait.Sleep(ctx, pollEvery)
		limit, cancel := context.WithTimeout(ctx, pingTimeout)
		err := w.pool.Ping(limit)
		cancel()
		if err == nil {
			wait.Sleep(ctx, databaseHeadStart)
			return
		}
	}
}

// next claims and delivers one mail, if there is one and the circuit permits it, and reports
// whether more wait.
func (w *senders) next(ctx context.Context, conn *conn) (more bool, err error) {
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
	w.setInFlight(d.ID, true)
	defer w.setInFlight(d.ID, false)
	if d.More {
		w.wakeSender()
	}

	w.deliver(context.WithoutCancel(ctx), conn, d)
	return d.More, nil // mails that arrive in the meantime wake a sender
}

// unlessEnded returns err, or nil if ctx has ended.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // a stop is a clean end
	}
	return err
}

func (w *senders) setInFlight(id int64, sending bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if sending {
		w.inFlight[id] = true
	} else {
		delete(w.inFlight, id)
	}
}

// deliver brings one claimed mail to an end: sent, parked, deleted or rescheduled.
func (w *senders) deliver(ctx context.Context, conn *conn, d *delivery) {
	maybeSent := d.WasMaybeSent
	if maybeSent && w.cfg.MailSeenURL != "" {
		n, err := w.countAccepted(ctx, d.MessageID)
		switch {
		case err == nil && n > 0:
			w.markDelivered(ctx, d, "found at the mail system", content{})
			return
		case err == nil:
			maybeSent = false
		case d.Refusals < askTries && time.Now().Before(d.Deadline):
			w.log.Warn("cannot ask whether a mail was taken, will try again", "key", d.Key, "error", err)
			w.reschedule(ctx, d, retryPlan{after: w.timing.retryAfter(d.Refusals), refused: true, maybeSent: true,
				reply: "the mail system cannot be asked"})
			return
		}
	}

	if !time.Now().Before(d.Deadline) {
		w.park(ctx, d, result{}, maybeSent, "the deadline has passed")
		return
	}

	letter, err := w.write(ctx, d)
	switch {
	case err != nil && (pg.IsUnavailable(err) || pg.IsContention(err)):
		w.reschedule(ctx, d, retryPlan{after: w.timing.firstPause, maybeSent: maybeSent,
			reply: "the templates cannot be reached"})
		return
	case errors.Is(err, errUnasked):
		w.reschedule(ctx, d, retryPlan{after: unaskedPause, maybeSent: maybeSent, reply: err.Error()})
		return
	case errors.Is(err, errUnwanted):
		w.persist(ctx, func(ctx context.Context) error { return deleteUnwanted(ctx, w.pool, d) })
		w.log.Info("mail dropped", "kind", d.Kind, "key", d.Key, "reason", err.Error())
		return
	case errors.Is(err, errPaused):
		w.persist(ctx, func(ctx context.Context) error { return pauseDelivery(ctx, w.pool, d, maybeSent) })
		return
	case err != nil:
		w.park(ctx, d, result{}, maybeSent, err.Error())
		return
	}

	if !w.keepWritten(ctx, d, letter.content, maybeSent) {
		return
	}

	began := time.Now()
	answer := conn.send(ctx, letter.envelope, letter.message)
	ended := time.Now()
	fault.Point("mailer", "sent")
	w.noteGone(ctx, answer)
	w.conclude(ctx, d, answer, maybeSent, letter)
	fault.Point("mailer", "noted")
	w.record(ctx, d, began, ended, answer)
}

// noteGone suppresses addresses of which the server says that they do not exist.
func (w *senders) noteGone(ctx context.Context, answer result) {
	if len(answer.gone) > 0 {
		w.persist(ctx, func(ctx context.Context) error {
			return upsertBounced(ctx, w.pool, w.hashes(answer.gone), answer.code)
		})
	}
}

// record records an attempt to send as a span, caused by the mail's command.
func (w *senders) record(ctx context.Context, d *delivery, began, ended time.Time, r result) {
	if !obs.Tracing() {
		return
	}
	known, err := bus.Trail(ctx, w.pool, []string{msg.MailerMail}, []string{d.Key})
	if err != nil || len(known.Received) == 0 {
		return // its command was pruned: the mail is days late
	}
	caller := known.Received[0].Trace
	obs.Record(obs.Span{
		Service:    "mailer",
		Name:       "send mail",
		Kind:       obs.SpanClient,
		Trace:      obs.Follow(caller),
		Parent:     caller,
		Began:      began,
		Ended:      ended,
		Failed:     r.outcome != outcomeSent,
		Attributes: []slog.Attr{slog.String("kind", d.Kind), slog.Int("attempt", d.Attempts)},
	})
}

// keepWritten freezes the text of a mail at its first attempt, before anything is sent, and reports
// whether it may be sent: false if another sender has overtaken this attempt.
func (w *senders) keepWritten(ctx context.Context, d *delivery, c content, maybeSent bool) bool {
	if !d.keepsWritten() {
		return true
	}
	ok, err := updateWritten(ctx, w.pool, d, c.marshal(), clean(c.subject))
	if err != nil {
		w.log.Warn("the ledger cannot keep a mail, will try again", "key", d.Key, "error", err)
		w.reschedule(ctx, d, retryPlan{after: w.timing.firstPause, maybeSent: maybeSent,
			reply: "the ledger cannot be written"})
	}
	fault.Point("mailer", "written")
	return ok && err == nil
}

// conclude writes the result of an attempt.
func (w *senders) conclude(ctx context.Context, d *delivery, r result, maybeSent bool, l letter) {
	switch r.outcome {
	case outcomeSent:
		recovered := w.circuit.onSuccess()
		taken := slices.DeleteFunc(slices.Clone(l.envelope.to), func(a string) bool {
			return slices.Contains(r.gone, a)
		})
		w.markDelivered(ctx, d, r.reply, l.content, w.hashes(taken)...)
		if recovered {
			w.persist(ctx, func(ctx context.Context) error { return makeDeferredDue(ctx, w.pool) })
			w.log.Info("the mail server takes mail again")
		}
	case outcomeRefused:
		w.circuit.onAnswer()
		w.park(ctx, d, r, maybeSent, "the mail server refuses it permanently")
	case outcomeAway:
		w.circuit.onUnreachable()
		mailsTotal.WithLabelValues(d.Kind, "away").Inc()
		w.log.Warn("the mail server cannot be reached", "key", d.Key, "error", r.reply)
		w.reschedule(ctx, d, retryPlan{maybeSent: maybeSent, reply: r.reply})
	case outcomeDeferred, outcomeUnknown:
		trouble := w.circuit.onRefusal()
		label := "deferred"
		if r.outcome == outcomeUnknown {
			label, maybeSent = "unknown", true
		}
		mailsTotal.WithLabelValues(d.Kind, label).Inc()
		w.log.Warn("mail put off", "key", d.Key, "outcome", label, "code", r.code, "attempt", d.Attempts,
			"maybe", maybeSent)
		w.reschedule(ctx, d, retryPlan{after: w.timing.retryAfter(d.Refusals), refused: true, outage: trouble,
			maybeSent: maybeSent, reply: r.reply})
	}
}

func (w *senders) reschedule(ctx context.Context, d *delivery, p retryPlan) {
	w.persist(ctx, func(ctx context.Context) error { return reschedule(ctx, w.pool, d, p) })
}

// hashes returns the hashes of addresses in the ledger.
func (s *server) hashes(addresses []string) []string {
	list := make([]string, len(addresses))
	for i, a := range addresses {
		list[i] = s.hash(a)
	}
	return list
}

// markDelivered marks a mail sent and publishes that; taken are the hashes of the accepted
// addresses, if they are known.
func (w *senders) markDelivered(ctx context.Context, d *delivery, reply string, c content, taken ...string) {
	done := w.doneMessage(d, c.emCode, "")
	done.Campaign, done.CampaignName = c.campaign, c.campaignName
	w.persist(ctx, func(ctx context.Context) error {
		return markSent(ctx, w.outbox, d, reply, taken, done)
	})
	mailsTotal.WithLabelValues(d.Kind, "sent").Inc()
	w.log.Info("mail sent", "kind", d.Kind, "key", d.Key, "attempt", d.Attempts, "message_id", d.MessageID,
		"ms", time.Since(d.CreatedAt).Milliseconds())
}

// park ends a mail that needs a person; maybeSent says that an earlier attempt may have been
// accepted.
func (w *senders) park(ctx context.Context, d *delivery, r result, maybeSent bool, reason string) {
	w.persist(ctx, func(ctx context.Context) error {
		return markParked(ctx, w.outbox, d, r.reply, maybeSent, w.doneMessage(d, "", reason))
	})
	mailsTotal.WithLabelValues(d.Kind, "parked").Inc()
	w.log.Error("mail parked", "kind", d.Kind, "key", d.Key, "attempt", d.Attempts, "code", r.code, "reason", reason)
}

// persist repeats a write until it succeeds: the mail server's answer is stored nowhere else. It
// gives up if the process stops or the write itself is impossible. The lease then runs out, and the
// row says maybe.
func (w *senders) persist(ctx context.Context, write func(context.Context) error) {
	for {
		limit, cancel := context.WithTimeout(ctx, writeTimeout)
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
		wait.Sleep(ctx, writePause)
	}
}
