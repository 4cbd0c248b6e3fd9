package bus

import (
	"context"

	"github.com/nats-io/nats.go"
)

// ClaimSQL and ConfirmSQL are what the relay asks of the outbox.
const (
	ClaimSQL   = claimSQL
	ConfirmSQL = confirmSQL
)

// EnqueueSQL is how a message is stored, and NoteSQL how its receiver notes its key.
var (
	EnqueueSQL = newOutboxRows{}.insert("", 0)
	NoteSQL    = insertInbox(3)
)

// PublishBatch and PublishSingly are the two ways of publishAll.
var PublishBatch = (*Bus).publishAtomic

// PublishSingly publishes all messages.
func (b *Bus) PublishSingly(messages []*nats.Msg) []error {
	errs, indexes := make([]error, len(messages)), make([]int, len(messages))
	for i := range messages {
		indexes[i] = i
	}
	b.publishSingly(messages, indexes, errs)
	return errs
}

// Queued is how many events wait, beside those that are being sent.
func (p *Publisher) Queued() int { return len(p.queue) }

// Stored is how many messages a stream holds.
func (b *Bus) Stored(ctx context.Context, stream string) (uint64, error) {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return 0, err
	}
	return s.CachedInfo().State.Msgs, nil
}

// PretendToRelay has transactions hand their rows over to no one, as if the process was killed
// right then.
func (o *Outbox) PretendToRelay() { o.relaying.Store(true) }

// InHand is how many messages a consumer has taken and not acknowledged; -1 when the broker does
// not say.
func (b *Bus) InHand(ctx context.Context, stream, consumer string) int {
	c, err := b.js.Consumer(ctx, stream, consumer)
	if err != nil {
		return -1
	}
	return c.CachedInfo().NumAckPending
}
