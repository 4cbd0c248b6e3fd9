package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
)

// erasure is the durable consumer that erases people from the streams.
const erasure = "provision-erasure"

// underway is how long a message that left an outbox before the erasure may be on its way into its
// stream: longer than any attempt to publish takes.
const underway = 8 * time.Second

// KeepErasing deletes from every stream what mentions an erased person, as soon as every service
// has acted on the message that said so, and once more when nothing can be under way any more, at
// the end with that message itself; until ctx ends. It needs the rights of provisioning.
func (b *Bus) KeepErasing(ctx context.Context) {
	for ctx.Err() == nil {
		err := b.keepErasing(ctx)
		if ctx.Err() != nil {
			return
		}
		if b.Connected() {
			b.log.Warn("erasing interrupted, will try again", "error", err)
		}
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
		}
	}
}

func (b *Bus) keepErasing(ctx context.Context) error {
	create, cancel := context.WithTimeout(ctx, apiTimeout)
	cons, err := b.js.CreateOrUpdateConsumer(create, "USER", jetstream.ConsumerConfig{
		Durable: erasure, FilterSubject: msg.UserErased, AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Minute, MaxDeliver: -1,
	})
	cancel()
	if err != nil {
		return fmt.Errorf("make consumer %s: %w", erasure, err)
	}
	for ctx.Err() == nil {
		wait, cancel := context.WithTimeout(ctx, 5*time.Second) // ctx's end must not wait for a message
		first, err := cons.Next(jetstream.FetchContext(wait))
		cancel()
		if errors.Is(err, jetstream.ErrNoMessages) || errors.Is(err, context.DeadlineExceeded) || (err != nil && strings.Contains(err.Error(), "timeout")) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", erasure, err)
		}
		group := []jetstream.Msg{first}
		more, err := cons.FetchNoWait(GroupSize)
		if err != nil {
			return errors.Join(fmt.Errorf("read %s: %w", erasure, err), first.Nak())
		}
		for m := range more.Messages() {
			group = append(group, m)
		}
		if err := b.eraseFor(ctx, group); err != nil {
			return err
		}
	}
	return nil
}

// reminder is a message that says whom to erase.
type reminder struct {
	jetstream.Msg
	who      msg.Erased
	sequence uint64
}

// eraseFor does a group of messages of msg.UserErased. They themselves go last: each is the
// reminder, should this process end half way.
func (b *Bus) eraseFor(ctx context.Context, group []jetstream.Msg) error {
	var due []reminder
	for _, m := range group {
		if !fits(m) {
			obs.Messages.WithLabelValues(erasure, "misfit").Inc()
			b.log.Error("no sender published this: nobody is erased for it", "subject", m.Subject())
			if err := m.Term(); err != nil {
				return fmt.Errorf("refuse: %w", err)
			}
			continue
		}
		r, err := b.readReminder(ctx, m)
		if err != nil {
			b.log.Info("person not yet erased from the streams, will try again", "reason", err)
			if err := m.NakWithDelay(time.Second); err != nil {
				return fmt.Errorf("refuse: %w", err)
			}
			continue
		}
		due = append(due, r)
	}
	if len(due) == 0 {
		return nil
	}
	deleted, err := b.eraseFromAll(ctx, due)
	if err != nil {
		for _, r := range due {
			err = errors.Join(err, r.NakWithDelay(2*time.Second))
		}
		return err
	}
	for _, r := range due {
		if err := b.deleteMessage(ctx, "USER", r.sequence); err != nil {
			return err
		}
		if err := r.Ack(); err != nil {
			return fmt.Errorf("acknowledge: %w", err)
		}
	}
	b.log.Info("people erased from the streams", "erasures", len(due), "messages", deleted)
	return nil
}

// readReminder returns an error as long as a service has not acted on the message.
func (b *Bus) readReminder(ctx context.Context, m jetstream.Msg) (reminder, error) {
	meta, err := m.Metadata()
	if err != nil {
		return reminder{}, fmt.Errorf("read metadata: %w", err)
	}
	r := reminder{Msg: m, sequence: meta.Sequence.Stream}
	if err := json.Unmarshal(m.Data(), &r.who); err != nil {
		return reminder{}, errors.Join(fmt.Errorf("read %s: %w", msg.UserErased, err), m.Term())
	}
	for _, name := range msg.Receivers(msg.UserErased) {
		if err := b.hasPassed(ctx, name, r.sequence); err != nil {
			return reminder{}, err
		}
	}
	return r, nil
}

// eraseFromAll goes through every stream, and later through what has come since.
func (b *Bus) eraseFromAll(ctx context.Context, due []reminder) (deleted int, err error) {
	next, purchases := map[string]uint64{}, map[string]bool{}
	round := func() error {
		for _, s := range msg.Streams {
			if s.Counters || s.Name == "ADVISORY" {
				continue // they hold hashes and sequence numbers only
			}
			n, err := b.eraseFrom(ctx, s.Name, due, next, purchases)
			deleted += n
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := round(); err != nil {
		return deleted, err
	}
	select {
	case <-time.After(underway):
		return deleted, round()
	case <-ctx.Done():
		return deleted, ctx.Err()
	}
}

// hasPassed is nil when a consumer has acknowledged everything up to a message.
func (b *Bus) hasPassed(ctx context.Context, name string, sequence uint64) error {
	i := slices.IndexFunc(msg.Consumers, func(c msg.Consumer) bool { return c.Name == name })
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	cons, err := b.js.Consumer(ctx, msg.Consumers[i].Stream, name)
	if err != nil {
		return fmt.Errorf("look at consumer %s: %w", name, err)
	}
	if info := cons.CachedInfo(); info.AckFloor.Stream < sequence && (info.NumPending > 0 || info.NumAckPending > 0) {
		return fmt.Errorf("%s has not acted on it", name)
	}
	return nil
}

// eraseFrom deletes the messages of one stream that are about these people, from next on, and notes
// where to go on. What Stripe says of a purchase may name its buyer without an address, so purchases
// are followed by the ids of Stripe's objects, which are gathered first.
func (b *Bus) eraseFrom(ctx context.Context, name string, due []reminder, next map[string]uint64, purchases map[string]bool) (deleted int, err error) {
	about := func(m *jetstream.RawStreamMsg) bool {
		return m.Subject != msg.UserErased && slices.ContainsFunc(due, func(r reminder) bool { return r.who.MentionedIn(m.Subject, m.Data) })
	}
	if name == "STRIPE" {
		known := len(purchases)
		_, err := b.scan(ctx, name, next[name], due, func(m *jetstream.RawStreamMsg) error {
			if about(m) {
				for _, id := range msg.StripeObjects(m.Data) {
					purchases[id] = true
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		if len(purchases) > known {
			next[name] = 0
		}
	}
	next[name], err = b.scan(ctx, name, next[name], due, func(m *jetstream.RawStreamMsg) error {
		linked := name == "STRIPE" && slices.ContainsFunc(msg.StripeObjects(m.Data), func(id string) bool { return purchases[id] })
		if !linked && !about(m) {
			return nil
		}
		deleted++
		return b.deleteMessage(ctx, name, m.Sequence)
	})
	return deleted, err
}

// scan visits the messages of a stream from a sequence number on and returns where to go on later.
func (b *Bus) scan(ctx context.Context, name string, from uint64, due []reminder, visit func(*jetstream.RawStreamMsg) error) (next uint64, err error) {
	look, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	stream, err := b.js.Stream(look, name)
	if err != nil {
		return from, fmt.Errorf("open stream %s: %w", name, err)
	}
	state := stream.CachedInfo().State
	for seq := max(state.FirstSeq, from); seq <= state.LastSeq && state.Msgs > 0; seq++ {
		if ctx.Err() != nil {
			return from, ctx.Err()
		}
		get, cancel := context.WithTimeout(ctx, apiTimeout)
		raw, err := stream.GetMsg(get, seq, jetstream.WithGetMsgSubject(">"))
		cancel()
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break // none from here on
		}
		if err != nil {
			return from, fmt.Errorf("read message %d of %s: %w", seq, name, err)
		}
		if seq/1000 != raw.Sequence/1000 || seq%1000 == 0 {
			stillAtIt(due)
		}
		seq = raw.Sequence // gaps are skipped
		if err := visit(raw); err != nil {
			return from, err
		}
	}
	return state.LastSeq + 1, nil
}

// stillAtIt keeps the broker from giving the reminders out again.
func stillAtIt(due []reminder) {
	for _, r := range due {
		_ = r.InProgress() // the worst is that the work is done twice
	}
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
