package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// worker is a Consumer at work.
type worker struct {
	Consumer
	bus *Bus
	// outages counts groups in a row that failed because the database was away: pulling slows down
	// instead of refusing thousands of messages again and again.
	outages int
}

// workTimeout is less than the broker waits for an acknowledgement before it delivers again.
const workTimeout = 20 * time.Second

const (
	// retryFirstPause is about the delay of a message that was refused once, and retryMaxPause the
	// longest one.
	retryFirstPause, retryMaxPause = 250 * time.Millisecond, 30 * time.Second
	// outageFirstPause is about the pause after a group that failed because the database is away,
	// outageMaxPause the longest one.
	outageFirstPause, outageMaxPause = 100 * time.Millisecond, 2 * time.Second
)

// work handles one group to its end: every message of it is acknowledged, parked or refused.
func (w *worker) work(ctx context.Context, raw []jetstream.Msg) {
	// A stop must not cut a group short.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), workTimeout)
	defer cancel()
	began := time.Now()
	group := make([]*Delivery, 0, len(raw))
	for _, m := range raw {
		group = append(group, newDelivery(m))
	}
	fault.Point(w.Name, "received")
	group = w.prepare(ctx, group)
	w.handle(ctx, w.concerning(group))
	took := time.Since(began)
	obs.MessageSeconds.WithLabelValues(w.Name).Observe(took.Seconds())
	w.bus.log.Info("messages", "consumer", w.Name, "group", len(raw), "ms", took.Milliseconds())
}

// errMisfit is the reason of a parked message whose key does not match its subject.
var errMisfit = Permanent(errors.New("its key does not match its subject: no sender published it"))

// prepare returns the messages whose keys fit and that Prepare accepts.
func (w *worker) prepare(ctx context.Context, group []*Delivery) []*Delivery {
	ready := group[:0]
	for _, d := range group {
		if d.misfit {
			obs.Messages.WithLabelValues(w.Name, "misfit").Inc()
			w.fail(ctx, d, errMisfit)
			continue
		}
		if w.Prepare == nil {
			ready = append(ready, d)
			continue
		}
		if err := guard(func() error { return w.Prepare(d.context(ctx), d) }); err != nil {
			w.fail(ctx, d, err)
			continue
		}
		ready = append(ready, d)
	}
	return ready
}

// concerning are the messages of a group that have an effect here. The others are finished: a
// repetition would change nothing either.
func (w *worker) concerning(group []*Delivery) []*Delivery {
	if w.Concerns == nil {
		return group
	}
	var some, others []*Delivery
	for _, d := range group {
		if w.Concerns(d) {
			some = append(some, d)
		} else {
			others = append(others, d)
		}
	}
	if len(others) > 0 {
		obs.Messages.WithLabelValues(w.Name, "done").Add(float64(len(others)))
		w.done(others)
	}
	return some
}

// context carries the trace of the message's sender.
func (d *Delivery) context(ctx context.Context) context.Context {
	if d.caller != "" {
		return obs.Within(ctx, d.Trace())
	}
	return obs.WithTrace(ctx, d.Trace())
}

// handle commits a group, or its halves.
func (w *worker) handle(ctx context.Context, group []*Delivery) {
	if len(group) == 0 {
		return
	}
	todo, err := w.commit(ctx, group)

	switch {
	case err == nil:
		w.outages = 0
		fault.Point(w.Name, "committed")
		obs.Messages.WithLabelValues(w.Name, "done").Add(float64(len(todo)))
		obs.Messages.WithLabelValues(w.Name, "repeat").Add(float64(len(group) - len(todo)))
		if len(todo) > 0 && w.Committed != nil {
			w.Committed(todo)
		}
		w.done(group)
	case pg.IsUnavailable(err):
		for _, d := range group {
			w.retry(d, err)
		}
		w.outage(ctx, err)
	case len(group) > 1:
		w.handle(ctx, group[:len(group)/2])
		w.handle(ctx, group[len(group)/2:])
	default:
		w.fail(ctx, group[0], err)
	}
}

// commit runs Effect or Handle for the messages that are new, in one transaction with their inbox
// keys.
func (w *worker) commit(ctx context.Context, group []*Delivery) (todo []*Delivery, err error) {
	var unique []*Delivery
	byKey := make(map[string]*Delivery, len(group))
	for _, d := range group {
		if byKey[d.Key] == nil {
			byKey[d.Key] = d
			unique = append(unique, d)
		}
	}

	if len(group) == 1 {
		ctx = group[0].context(ctx)
	}
	var effect *Effect
	if w.Effect != nil {
		err := guard(func() (err error) { effect, err = w.Effect(unique); return err })
		if err != nil {
			return nil, err
		}
	}

	if effect == nil {
		return w.handleNew(ctx, unique)
	}
	err = pg.Again(ctx, func() error {
		fresh, err := effect.commit(ctx, w.Pool, w.Name, unique)
		todo = newOf(unique, fresh)
		return err
	})

	return todo, err
}

// handleNew runs Handle for the messages that are new.
func (w *worker) handleNew(ctx context.Context, group []*Delivery) (todo []*Delivery, err error) {
	err = w.tx(ctx, func(tx pgx.Tx) error {
		fresh, err := pg.List[string](ctx, tx, "note inbox keys", insertInbox(3),
			append([]any{w.Name, Keys(group)}, inboxParams(group)...)...)
		if err != nil {
			return err
		}
		if todo = newOf(group, fresh); len(todo) == 0 {
			return nil
		}
		return guard(func() error { return w.Handle(ctx, tx, todo) })
	})
	return todo, err
}

// Keys are the keys of messages.
func Keys(group []*Delivery) []string {
	keys := make([]string, len(group))
	for i, d := range group {
		keys[i] = d.Key
	}
	return keys
}

// newOf are the messages whose keys are fresh, as delivered.
func newOf(group []*Delivery, fresh []string) (todo []*Delivery) {
	for _, d := range group {
		if slices.Contains(fresh, d.Key) {
			todo = append(todo, d)
		}
	}
	return todo
}

// tx runs fn in a transaction of the consumer.
func (c Consumer) tx(ctx context.Context, fn func(tx pgx.Tx) error) error {
	if c.Outbox != nil {
		return c.Outbox.Tx(ctx, fn)
	}
	return pg.Tx(ctx, c.Pool, fn)
}

// done acknowledges a committed group and tells the senders.
func (w *worker) done(group []*Delivery) {
	bySender := map[string][]string{}
	for _, d := range group {
		w.record(d, len(group))
		if err := d.raw.Ack(); err != nil {
			w.bus.log.Debug("acknowledging", "consumer", w.Name, "error", err) // it comes again and is a repeat
		}
		if d.sender != "" {
			bySender[d.sender] = append(bySender[d.sender], d.Key)
		}
	}
	fault.Point(w.Name, "acknowledged")
	for sender, keys := range bySender {
		data, err := json.Marshal(confirmation{Consumer: w.Name, Keys: keys})
		if err == nil {
			err = w.bus.nc.Publish("cfm."+sender, data)
		}
		if err != nil {
			w.bus.log.Debug("confirming", "consumer", w.Name, "error", err) // the sender publishes again
		}
	}
}

// record tells the collector of traces what became of a message. Those of a group are a span each,
// of the same time: each belongs to a trace of its own.
func (w *worker) record(d *Delivery, group int) {
	if d.caller == "" {
		return
	}
	obs.Record(obs.Span{
		Service: w.bus.service,
		Name:    "process " + w.Name,
		Kind:    obs.SpanConsumer,
		Trace:   d.Trace(),
		Parent:  d.caller,
		Began:   d.began,
		Ended:   time.Now(),
		Failed:  d.failed,
		Attributes: []slog.Attr{slog.String("messaging.system", "nats"),
			slog.String("messaging.operation.type", "process"), slog.String("messaging.destination.name", d.Subject),
			slog.String("messaging.consumer.group.name", w.Name), slog.Int("messaging.batch.message_count", group),
			slog.Int("attempt", d.Attempt)},
	})
}

// fail parks a message that cannot succeed, and refuses one that may succeed later.
func (w *worker) fail(ctx context.Context, d *Delivery, err error) {
	// A unique constraint may have been someone else's parallel work, which the next try will see.
	conflict := pg.IsConflict(err) && d.Attempt < 10
	if !IsPermanent(err) && (!pg.IsData(err) || conflict) {
		w.retry(d, err)
		return
	}
	if perr := w.park(ctx, d, err); perr != nil {
		w.retry(d, perr)
		return
	}
	w.bus.log.Error("message parked", "consumer", w.Name, "key", d.Key, "subject", d.Subject, "error", err)
	obs.Messages.WithLabelValues(w.Name, "parked").Inc()
	d.failed = true
	w.done([]*Delivery{d})
}

// park keeps the whole message and the reason, in one transaction with its inbox key, and sends a
// copy to dead.<consumer>.
func (w *worker) park(ctx context.Context, d *Delivery, cause error) error {
	// A reason may quote the message, and PostgreSQL takes neither NUL nor broken UTF-8.
	reason := pg.StorableText(cause.Error(), 0)
	headers := make(map[string]string, len(d.headers))
	for name, value := range d.headers {
		headers[pg.StorableText(name, 0)] = pg.StorableText(value, 0)
	}

	return w.tx(ctx, func(tx pgx.Tx) error {
		err := pg.Exec(ctx, tx, "note an inbox key", insertInbox(3),
			append([]any{w.Name, []string{d.Key}}, inboxParams([]*Delivery{d})...)...)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO parked (consumer, key, subject, headers, payload, reason, attempts)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (consumer, key) DO NOTHING`, w.Name, d.Key, d.Subject, headers, d.Data, reason, d.Attempt)
		if err != nil {
			return fmt.Errorf("park a message: %w", err)
		}

		return Enqueue(ctx, tx, msg.Message{
			Key:     "dead:" + w.Name + ":" + d.Key,
			Subject: "dead." + w.Name,
			Payload: map[string]any{
				"consumer": w.Name,
				"key":      d.Key,
				"subject":  d.Subject,
				"headers":  headers,
				"payload":  d.Data,
				"reason":   reason,
			},
		})
	})
}

// retry refuses a message so that it comes again after a growing, jittered delay. (The server's own
// BackOff does not apply to refusals.)
func (w *worker) retry(d *Delivery, err error) {
	delay := Backoff(d.Attempt, retryFirstPause, retryMaxPause)
	level := w.bus.log.Warn
	if d.Attempt >= 10 {
		level = w.bus.log.Error
	}
	level("message refused, will come again", "consumer", w.Name, "key", d.Key, "attempt", d.Attempt, "delay_ms",
		delay.Milliseconds(), "error", err)
	obs.Messages.WithLabelValues(w.Name, "retry").Inc()
	d.failed = true
	w.record(d, 1)
	if err := d.raw.NakWithDelay(delay); err != nil {
		w.bus.log.Debug("refusing", "consumer", w.Name, "error", err) // it comes again after AckWait
	}
}

// outage pauses before the next group while the database is away.
func (w *worker) outage(ctx context.Context, err error) {
	w.outages++
	pause := Backoff(w.outages, outageFirstPause, outageMaxPause)
	w.bus.log.Warn("database unavailable, consumer pauses", "consumer", w.Name,
		"pause_ms", pause.Milliseconds(), "error", err)
	wait.Sleep(ctx, pause)
}

// Backoff is the delay before try n+1: first, doubled for each try, at most limit, give or take a
// fifth.
func Backoff(n int, first, limit time.Duration) time.Duration {
	d := limit
	if n < 20 {
		d = min(first<<max(n-1, 0), limit)
	}
	return d + time.Duration((rand.Float64()-0.5)*0.4*float64(d)) //nolint:gosec // jitter
}

// guard turns a panic into an error.
func guard(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.Join(fmt.Errorf("panic: %v", p), errors.New(string(debug.Stack())))
		}
	}()
	return fn()
}
