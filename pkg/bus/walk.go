package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// workLease is how long the broker waits for an acknowledgement of a message that AfterAll works
// on.
const workLease = time.Minute

// walkPause is the pause before AfterAll goes on after it was interrupted.
const walkPause = time.Second

// AfterAll calls do with groups of messages of a subject as soon as every service that receives
// them has acted on them, until ctx ends. When do returns nil they are deleted from their stream,
// otherwise they come again. name is the durable consumer for that. It needs the rights of
// provisioning.
func AfterAll[T any](ctx context.Context, b *Bus, name, subject string, do func(context.Context, []T) error) {
	var cons jetstream.Consumer
	for ok := true; ok; ok = wait.Sleep(ctx, walkPause) {
		err := b.makeConsumer(ctx, name, subject, &cons)
		if err == nil {
			err = afterAll(ctx, b, cons, do)
		}
		if err != nil && ctx.Err() == nil && b.Connected() {
			b.log.Warn("consumer interrupted, will try again", "consumer", name, "error", err)
			cons = nil // it may be gone
		}
	}
}

// makeConsumer makes the consumer, unless it is there.
func (b *Bus) makeConsumer(ctx context.Context, name, subject string, cons *jetstream.Consumer) (err error) {
	if *cons != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	*cons, err = b.js.CreateOrUpdateConsumer(ctx, streamOf(subject), jetstream.ConsumerConfig{
		Durable:       name,
		FilterSubject: subject,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       workLease,
		MaxDeliver:    -1,
	})
	return err
}

// afterAll handles the messages that are there.
func afterAll[T any](ctx context.Context, b *Bus, cons jetstream.Consumer, do func(context.Context, []T) error) error {
	group, err := cons.FetchNoWait(GroupSize)
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	var due []jetstream.Msg
	var payloads []T
	for m := range group.Messages() {
		var payload T
		switch {
		case json.Unmarshal(m.Data(), &payload) != nil || !fits(m):
			obs.Messages.WithLabelValues(cons.CachedInfo().Name, "misfit").Inc()
			b.log.Error("no sender published this message: it is ignored", "subject", m.Subject())
			err = errors.Join(err, m.Term())
		case !b.allHavePassed(ctx, m):
			err = errors.Join(err, m.NakWithDelay(time.Second))
		default:
			due, payloads = append(due, m), append(payloads, payload)
		}
	}
	if err = errors.Join(err, group.Error()); err != nil || len(due) == 0 {
		return err
	}
	return b.finish(ctx, due, func() error { return do(ctx, payloads) })
}

// allHavePassed reports whether every service that receives a message has acknowledged everything
// up to it.
func (b *Bus) allHavePassed(ctx context.Context, m jetstream.Msg) bool {
	meta, err := m.Metadata()
	for _, name := range msg.Receivers(m.Subject()) {
		if err == nil {
			err = b.hasPassed(ctx, meta.Stream, name, meta.Sequence.Stream)
		}
	}
	if err != nil {
		b.log.Info("waiting for a service, will try again", "subject", m.Subject(), "reason", err)
	}
	return err == nil
}

func (b *Bus) hasPassed(ctx context.Context, stream, name string, sequence uint64) error {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	cons, err := b.js.Consumer(ctx, stream, name)
	if err != nil {
		return fmt.Errorf("look at consumer %s: %w", name, err)
	}
	if info := cons.CachedInfo(); info.AckFloor.Stream < sequence && (info.NumPending > 0 || info.NumAckPending > 0) {
		return fmt.Errorf("%s has not acted on it", name)
	}
	return nil
}

// finish runs do for messages and deletes them. They go last: should this process end half way,
// they come again.
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

// Walk visits the messages of a stream from a sequence number on, deletes those for which visit
// returns true (the broker overwrites them on disk), and returns where to go on later. It needs the
// rights of provisioning.
func (b *Bus) Walk(ctx context.Context, name string, from uint64,
	visit func(subject string, data []byte) (drop bool)) (next uint64, deleted int, err error) {
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
