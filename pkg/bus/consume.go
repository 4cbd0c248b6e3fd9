package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// GroupSize is how many messages a consumer takes into one transaction at most. It takes those that
// lie ready: nothing waits for a group to fill, except for a moment where a consumer says so
// (Gather).
const GroupSize = 128

const (
	// interruptedFirst is the pause after a subscription broke, doubled each time up to
	// interruptedLimit. One that had lasted for steadyFrom begins with the first pause again.
	interruptedFirst, interruptedLimit, steadyFrom = 100 * time.Millisecond, 5 * time.Second, time.Minute
	// pullExpiry is how long a pull request stays open; the broker sends a heartbeat on it every
	// pullHeartbeat.
	pullExpiry, pullHeartbeat = 3 * time.Second, time.Second
	// measureEvery is how often the waiting messages are counted, at the broker and in the outbox.
	measureEvery = 5 * time.Second
)

// Delivery is one received message.
type Delivery struct {
	Key     string
	Subject string
	Data    []byte
	// Attempt counts deliveries of this message, from 1.
	Attempt int
	// Value is what Prepare made of the message.
	Value any

	headers map[string]string
	sender  string
	// sequence and published are where the broker keeps it, and since when.
	sequence  int64
	published time.Time
	raw       jetstream.Msg
	misfit    bool // its key does not match its subject
	// These are kept for traces: what the sender sent, when it came, and that it was not acted on.
	caller string
	began  time.Time
	failed bool
}

// Trace is the traceparent that what follows from a message belongs to, or "".
func (d *Delivery) Trace() string { return d.headers[obs.TraceHeader] }

// Consumer acts on the messages of one durable consumer.
type Consumer struct {
	Name   string // a name of pkg/msg's list
	Stream string
	Pool   *pgxpool.Pool
	// Outbox is where Handle enqueues, if it does.
	Outbox *Outbox
	// Gather is how long a message may wait for others to share its transaction, if no one waits
	// for the effect. With 0 only messages that lie ready are taken.
	Gather time.Duration
	// Prepare, if set, reads a message and does what is slow (HTTP) before the transaction. It may
	// be called again for the same message, so it changes nothing.
	Prepare func(ctx context.Context, d *Delivery) error
	// Concerns, if set, says whether a prepared message has an effect here at all. One without is
	// acknowledged without a transaction.
	Concerns func(d *Delivery) bool
	// Handle acts on messages that this consumer has not seen before, in one transaction that also
	// notes their keys. It is given a group; when it fails, the group is halved until the culprit
	// stands alone. A message that fails comes again later; one that fails with a Permanent error
	// (or one that PostgreSQL blames on the data) is parked. A panic counts as an error.
	Handle func(ctx context.Context, tx pgx.Tx, group []*Delivery) error
	// Effect, if set, turns a group into one statement, instead of Handle. It returns nil for a
	// group that needs Handle.
	Effect func(group []*Delivery) (*Effect, error)
	// Committed, if set, runs after each commit, with those messages that were new.
	Committed func(group []*Delivery)
}

// permanent marks an error that no repetition will fix.
type permanent struct{ error }

// Unwrap is for errors.Is and errors.As.
func (p permanent) Unwrap() error { return p.error }

// Permanent says that a message can never succeed: it is parked for a human, with the reason.
func Permanent(err error) error { return permanent{err} }

// IsPermanent reports an error made by Permanent.
func IsPermanent(err error) bool {
	_, ok := errors.AsType[permanent](err)
	return ok
}

// Consume works until ctx ends, finishes the group in flight, and returns nil. It survives the loss
// of its consumer, its stream and its broker: it logs an error and tries again.
func (b *Bus) Consume(ctx context.Context, c Consumer) error {
	for pause := interruptedFirst; ; pause = min(2*pause, interruptedLimit) {
		began := time.Now()
		err := b.consume(ctx, c)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > steadyFrom {
			pause = interruptedFirst
		}
		if b.Connected() {
			b.log.Warn("consumer interrupted, will try again", "consumer", c.Name, "error", err)
		}
		if !wait.Sleep(ctx, pause) {
			return nil
		}
	}
}

// consume works on one subscription until it breaks.
func (b *Bus) consume(ctx context.Context, c Consumer) error {
	lookup, cancel := context.WithTimeout(ctx, apiTimeout)
	cons, err := b.js.Consumer(lookup, c.Stream, c.Name)
	cancel()
	if err != nil {
		return fmt.Errorf("find consumer %s: %w", c.Name, err)
	}

	messages := make(chan jetstream.Msg, 2*GroupSize)
	broken := make(chan error, 1)
	cc, err := cons.Consume(func(m jetstream.Msg) { messages <- m },
		jetstream.PullMaxMessages(2*GroupSize), jetstream.PullExpiry(pullExpiry),
		jetstream.PullHeartbeat(pullHeartbeat),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			if b.lost(err) {
				select {
				case broken <- err:
				default:
				}
			}
		}))
	if err != nil {
		return fmt.Errorf("consume %s: %w", c.Name, err)
	}

	stop := func() {
		cc.Stop()
		for { // the handler may be waiting to hand over one more
			select {
			case m := <-messages:
				if err := m.Nak(); err != nil { // otherwise it would come again only after AckWait
					b.log.Debug("giving a message back", "consumer", c.Name, "error", err)
				}
			case <-cc.Closed():
				return
			}
		}
	}
	defer stop()

	w := worker{bus: b, Consumer: c}
	for _, outcome := range []string{"done", "repeat", "retry", "parked", "misfit"} {
		obs.Messages.WithLabelValues(c.Name, outcome).Add(0) // otherwise an alarm would miss the first one
	}
	lag := time.NewTicker(measureEvery)
	defer lag.Stop()

	for {
		select {
		case m := <-messages:
			w.work(ctx, wait.Gathered(ctx, m, messages, GroupSize, c.Gather))
		case <-lag.C:
			w.measure(ctx, cons)
		case err := <-broken:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// lost reports whether an error of a consumer means that it has to be looked up again.
func (b *Bus) lost(err error) bool {
	return errors.Is(err, jetstream.ErrNoHeartbeat) && b.Connected() || errors.Is(err, jetstream.ErrConsumerNotFound) ||
		errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, jetstream.ErrStreamNotFound)
}

func (w *worker) measure(ctx context.Context, cons jetstream.Consumer) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	if info, err := cons.Info(ctx); err == nil {
		obs.ConsumerPending.WithLabelValues(w.Name).Set(float64(info.NumPending))
		obs.ConsumerUnacked.WithLabelValues(w.Name).Set(float64(info.NumAckPending))
		obs.ConsumerRedelivered.WithLabelValues(w.Name).Set(float64(info.NumRedelivered))
	}
}

func newDelivery(m jetstream.Msg) *Delivery {
	h := m.Headers()
	d := &Delivery{
		Key:     h.Get(headerKey),
		Subject: m.Subject(),
		Data:    m.Data(),
		Attempt: 1,
		sender:  h.Get(headerSender),
		raw:     m,
		headers: map[string]string{},
	}
	for name := range h {
		d.headers[name] = h.Get(name)
	}
	if parent := d.headers[obs.TraceHeader]; obs.Tracing() && parent != "" {
		d.caller, d.began, d.headers[obs.TraceHeader] = parent, time.Now(), obs.Follow(parent)
	}
	d.misfit = !fits(m)

	meta, err := m.Metadata()
	if err == nil {
		d.Attempt = int(meta.NumDelivered)       //nolint:gosec // a count
		d.sequence = int64(meta.Sequence.Stream) //nolint:gosec // a count
		d.published = meta.Timestamp.UTC()
	}

	if d.Key == "" && err == nil {
		d.Key = fmt.Sprintf("%s:%d", meta.Stream, meta.Sequence.Stream)
	}
	if d.misfit {
		// Parked under its own key it would block the message that the key belongs to, and that
		// message's sender must not be told that it arrived.
		d.sender, d.Key = "", misfitKey+d.Key
		if err == nil {
			d.Key = fmt.Sprintf(misfitKey+"%s:%d", meta.Stream, meta.Sequence.Stream)
		}
	}

	return d
}

// fits reports whether a message has the subject under which its sender published it, and a key of
// that subject.
func fits(m jetstream.Msg) bool {
	h := m.Headers()
	key, meant := h.Get(headerKey), h.Get(headerSubject)
	if key == "" && meant == m.Subject() {
		return msg.KeyBegin(meant) == "" // a client event that came without an id
	}
	return msg.Fits(m.Subject(), key) && (meant == "" || meant == m.Subject())
}
