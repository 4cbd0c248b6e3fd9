package bus

import "github.com/nats-io/nats.go"

// PublishBatch and PublishSingly are the two ways of publishAll.
var PublishBatch = (*Bus).publishBatch

// PublishSingly publishes all messages.
func (b *Bus) PublishSingly(messages []*nats.Msg) []error {
	errs, indexes := make([]error, len(messages)), make([]int, len(messages))
	for i := range messages {
		indexes[i] = i
	}
	b.publishSingly(messages, indexes, errs)
	return errs
}
