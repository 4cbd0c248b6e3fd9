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

// PretendToRelay has transactions hand their rows over to no one, as if the process was killed right then.
func (o *Outbox) PretendToRelay() { o.relaying.Store(true) }
