package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
)

// duplicateWindow is how long the broker recognizes a message id. It is a convenience: what counts
// is the receivers' inbox. Each id costs memory, so minutes and not hours.
const duplicateWindow = 10 * time.Minute

// Provision makes every stream and consumer of the lists in pkg/msg and brings existing ones up to
// date, with copies on that many servers (1, or 3 or 5 of a cluster). It never deletes a stream,
// nor a copy.
func (b *Bus) Provision(ctx context.Context, copies int) error {
	for _, s := range msg.Streams {
		if err := b.provisionStream(ctx, s, copiesOf(s, copies)); err != nil {
			return fmt.Errorf("provision stream %s: %w", s.Name, err)
		}
	}
	for _, c := range msg.Consumers {
		ctx, cancel := context.WithTimeout(ctx, apiTimeout)
		_, err := b.js.CreateOrUpdateConsumer(ctx, c.Stream, jetstream.ConsumerConfig{
			Durable:        c.Name,
			FilterSubjects: c.Subjects,
			AckPolicy:      jetstream.AckExplicitPolicy,
			AckWait:        c.AckWait,
			MaxAckPending:  c.MaxAckPending,
			MaxDeliver:     -1,
			DeliverPolicy:  jetstream.DeliverAllPolicy,
		})
		cancel()
		if err != nil {
			return fmt.Errorf("provision consumer %s: %w", c.Name, err)
		}
	}
	return nil
}

// ProvisionAtStart is Provision for a shop that opens: while the broker does not answer in time, as
// beside a busy disk, it is asked again until ctx ends.
func (b *Bus) ProvisionAtStart(ctx context.Context, copies int) error {
	for {
		err := b.Provision(ctx, copies)
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return err
		}
		b.log.Warn("the broker is slow", "error", err)
	}
}

// copiesOf is how many servers keep a stream. One that is written without waiting for the disk
// cannot be copied, and counters of limits in memory need not be: they count within each edge while
// their server is away.
func copiesOf(s msg.Stream, copies int) int {
	if s.Async || s.Counters {
		return 1
	}
	return max(copies, 1)
}

func (b *Bus) provisionStream(ctx context.Context, s msg.Stream, copies int) error {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	cfg := jetstream.StreamConfig{
		Name:               s.Name,
		Subjects:           s.Subjects,
		Retention:          jetstream.LimitsPolicy,
		Storage:            jetstream.FileStorage,
		MaxAge:             s.MaxAge,
		MaxBytes:           s.MaxBytes,
		Duplicates:         duplicateWindow,
		AllowDirect:        true,
		Discard:            jetstream.DiscardNew,
		AllowAtomicPublish: true,
	}
	if s.DropOld {
		cfg.Discard = jetstream.DiscardOld
	}
	if s.Async {
		cfg.PersistMode, cfg.AllowAtomicPublish = jetstream.AsyncPersistMode, false
	}
	if s.Counters {
		cfg.AllowMsgCounter, cfg.AllowAtomicPublish, cfg.Storage = true, false, jetstream.MemoryStorage
		cfg.MaxMsgsPerSubject, cfg.Duplicates = 1, 0
	}
	cfg.Replicas = copies
	if there, err := b.js.Stream(ctx, s.Name); err == nil { // only a person reduces the number of copies
		cfg.Replicas = max(copies, there.CachedInfo().Config.Replicas)
	}
	_, err := b.js.CreateOrUpdateStream(ctx, cfg)
	return err
}

// provisionedEvery is how often streams and consumers are checked, awayEvery how often while the
// broker is away, and provisionPause the pause after they could not be made.
const provisionedEvery, awayEvery, provisionPause = 5 * time.Second, 50 * time.Millisecond, time.Second

// KeepProvisioned provisions now and after every reconnect, and checks every few seconds that
// everything is still there, until ctx ends: a broker that comes back with an empty store gets its
// streams again, and the outboxes fill them. good is called whenever everything is in place.
func (b *Bus) KeepProvisioned(ctx context.Context, copies int, good func()) {
	c, stop := b.back.subscribe()
	defer stop()
	for {
		wait := provisionedEvery
		if !b.nc.IsConnected() {
			wait = awayEvery
		} else if err := b.checkProvisioned(ctx, copies); err == nil {
			good()
		} else if ctx.Err() == nil {
			b.log.Error("streams or consumers are missing or out of date", "error", err)
			wait = provisionPause
		}
		select {
		case <-c:
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// checkProvisioned provisions when a stream, a copy of one, or a consumer is missing. Not every
// stream has consumers, and the one in memory is gone after every restart of the broker.
func (b *Bus) checkProvisioned(ctx context.Context, copies int) error {
	for _, s := range msg.Streams {
		look, cancel := context.WithTimeout(ctx, apiTimeout)
		there, err := b.js.Stream(look, s.Name)
		cancel()
		if err == nil {
			info := there.CachedInfo()
			obs.StreamBytes.WithLabelValues(s.Name).Set(float64(info.State.Bytes))
			obs.StreamLimit.WithLabelValues(s.Name).Set(float64(info.Config.MaxBytes))
			if have := info.Config.Replicas; have < copiesOf(s, copies) {
				b.log.Warn("provisioning", "stream", s.Name, "copies", have, "want", copies)
				return b.Provision(ctx, copies)
			}
		}
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			b.log.Warn("provisioning", "missing", s.Name)
			return b.Provision(ctx, copies)
		}
		if err != nil {
			return fmt.Errorf("look at stream %s: %w", s.Name, err)
		}
	}

	for _, c := range msg.Consumers {
		look, cancel := context.WithTimeout(ctx, apiTimeout)
		_, err := b.js.Consumer(look, c.Stream, c.Name)
		cancel()
		if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrConsumerNotFound) ||
			errors.Is(err, jetstream.ErrConsumerDoesNotExist) {
			b.log.Warn("provisioning", "missing", c.Name)
			return b.Provision(ctx, copies)
		}
		if err != nil {
			return fmt.Errorf("look at consumer %s: %w", c.Name, err)
		}
	}

	return nil
}
