package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
)

// workLease is how long the broker waits for a word about a message that AfterAll works on.
const workLease = time.Minute

// AfterAll calls do with groups of messages of a subject as soon as every service that receives them has
// acted on them, until ctx ends. When do returns nil they are deleted from their stream, otherwise they
// come again. name is the durable consumer for that. It needs the rights of provisioning.
func AfterAll[T any](ctx context.Context, b *Bus, name, subject string, do func(context.Context, []T) error) {
	for ctx.Err() == nil {
		err := afterAll(ctx, b, name, subject, do)
		if ctx.Err() != nil {
			return
		}
		if b.Connected() {
			b.log.Warn("consumer interrupted, will try again", "consumer", name, "error", err)
		}
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
		}
	}
}

func afterAll[T any](ctx context.Context, b *Bus, name, subject string, do func(context.Context, []T) error) error {
	create, cancel := context.WithTimeout(ctx, apiTimeout)
	cons, err := b.js.CreateOrUpdateConsumer(create, streamOf(subject), jetstream.ConsumerConfig{
		Durable: name, FilterSubject: subject, AckPolicy: jetstream.AckExplicitPolicy, AckWait: workLease, MaxDeliver: -1,
	})
	cancel()
	if err != nil {
		return fmt.Errorf("make consumer %s: %w", name, err)
	}
	for ctx.Err() == nil {
		group, err := nextGroup(ctx, cons)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		var due []jetstream.Msg
		var payloads []T
		for _, m := range group {
			var payload T
			ready, err := b.isReady(ctx, name, m, &payload)
			if err != nil {
				return err
			}
			if ready {
				due, payloads = append(due, m), append(payloads, payload)
			}
		}
		if len(due) == 0 {
			continue
		}
		if err := b.finish(ctx, due, func() error { return do(ctx, payloads) }); err != nil {
			return err
		}
	}
	return nil
}

// nextGroup waits five seconds at most, so that ctx's end need not wait for a message.
func nextGroup(ctx context.Context, cons jetstream.Consumer) ([]jetstream.Msg, error) {
	wait, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	first, err := cons.Next(jetstream.FetchContext(wait))
	if err != nil {
		if errors.Is(err, jetstream.ErrNoMessages) || errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "timeout") {
			return nil, nil
		}
		return nil, err
	}
	group := []jetstream.Msg{first}
	more, err := cons.FetchNoWait(GroupSize)
	if err != nil {
		return nil, errors.Join(err, first.Nak())
	}
	for m := range more.Messages() {
		group = append(group, m)
	}
	return group, nil
}

// isReady reads a message and says whether every service has acted on it. One that is not ready comes
// again in a second, one that no sender published or that cannot be read stays in its stream.
func (b *Bus) isReady(ctx context.Context, name string, m jetstream.Msg, payload any) (bool, error) {
	if err := json.Unmarshal(m.Data(), payload); err != nil || !fits(m) {
		obs.Messages.WithLabelValues(name, "misfit").Inc()
		b.log.Error("no sender published this: nothing is done for it", "consumer", name, "subject", m.Subject(), "error", err)
		if err := m.Term(); err != nil {
			return false, fmt.Errorf("refuse: %w", err)
		}
		return false, nil
	}
	for _, receiver := range msg.Receivers(m.Subject()) {
		err := b.hasPassed(ctx, receiver, m)
		if err == nil {
			continue
		}
		b.log.Info("a service has not acted yet, will try again", "consumer", name, "reason", err)
		if err := m.NakWithDelay(time.Second); err != nil {
			return false, fmt.Errorf("refuse: %w", err)
		}
		return false, nil
	}
	return true, nil
}

// finish runs do for messages and deletes them. They go last: should this process end half way, they come again.
func (b *Bus) finish(ctx context.Context, due []jetstream.Msg, do func() error) error {
	working, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		for tick := time.Tick(workLease / 3); ; {
			select {
			case <-tick:
			case <-working.Done():
				return
			}
			for _, m := range due {
				_ = m.InProgress() // the worst is that the work is done twice
			}
		}
	}()
	if err := do(); err != nil {
		for _, m := range due {
			err = errors.Join(err, m.NakWithDelay(2*time.Second))
		}
		return err
	}
	for _, m := range due {
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("read metadata: %w", err)
		}
		if err := b.deleteMessage(ctx, meta.Stream, meta.Sequence.Stream); err != nil {
			return err
		}
		if err := m.Ack(); err != nil {
			return fmt.Errorf("acknowledge: %w", err)
		}
	}
	return nil
}

// hasPassed is nil when a consumer has acknowledged everything up to a message of its stream.
func (b *Bus) hasPassed(ctx context.Context, name string, m jetstream.Msg) error {
	meta, err := m.Metadata()
	if err != nil {
		return fmt.Errorf("read metadata: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	cons, err := b.js.Consumer(ctx, meta.Stream, name)
	if err != nil {
		return fmt.Errorf("look at consumer %s: %w", name, err)
	}
	if info := cons.CachedInfo(); info.AckFloor.Stream < meta.Sequence.Stream && (info.NumPending > 0 || info.NumAckPending > 0) {
		return fmt.Errorf("%s has not acted on it", name)
	}
	return nil
}

// Walk visits the messages of a stream from a sequence number on, deletes those of which visit says so
// (the broker overwrites them on disk), and returns where to go on later. It needs the rights of
// provisioning.
func (b *Bus) Walk(ctx context.Context, name string, from uint64, visit func(subject string, data []byte) (drop bool)) (next uint64, deleted int, err error) {
	look, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	stream, err := b.js.Stream(look, name)
	if err != nil {
		return from, 0, fmt.Errorf("open stream %s: %w", name, err)
	}
	state := stream.CachedInfo().State
	for seq := max(state.FirstSeq, from); seq <= state.LastSeq && state.Msgs > 0; seq++ {
		if ctx.Err() != nil {
			return from, deleted, ctx.Err()
		}
		get, cancel := context.WithTimeout(ctx, apiTimeout)
		raw, err := stream.GetMsg(get, seq, jetstream.WithGetMsgSubject(">"))
		cancel()
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break // none from here on
		}
		if err != nil {
			return from, deleted, fmt.Errorf("read message %d of %s: %w", seq, name, err)
		}
		seq = raw.Sequence // gaps are skipped
		if !visit(raw.Subject, raw.Data) {
			continue
		}
		if err := b.deleteMessage(ctx, name, seq); err != nil {
			return from, deleted, err
		}
		deleted++
	}
	return state.LastSeq + 1, deleted, nil
}

// deleteMessage overwrites a message on disk.
func (b *Bus) deleteMessage(ctx context.Context, name string, seq uint64) error {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	stream, err := b.js.Stream(ctx, name)
	if err == nil {
		err = stream.SecureDeleteMsg(ctx, seq)
	}
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return fmt.Errorf("delete message %d of %s: %w", seq, name, err)
	}
	return nil
}
