package bus

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// batchFrom is the number of messages from which one atomic batch, synced once, beats single
// publications, synced each (measured; docs/adr).
const batchFrom = 12

const (
	// batchTimeout bounds the publishing of one batch.
	batchTimeout = 5 * time.Second
	// futureTimeout is longer than the client's own limit for a future.
	futureTimeout = 6 * time.Second
)

// Headers of an atomic batch (NATS ADR-50).
const (
	batchID     = "Nats-Batch-Id"
	batchSeq    = "Nats-Batch-Sequence"
	batchCommit = "Nats-Batch-Commit"
)

// publishAll publishes messages durably and returns an error, or nil, for each.
func (b *Bus) publishAll(ctx context.Context, messages []*nats.Msg) []error {
	errs := make([]error, len(messages))
	byStream := map[string][]int{}
	for i, m := range messages {
		s := streamOf(m.Subject)
		byStream[s] = append(byStream[s], i)
	}
	for _, indexes := range byStream {
		if len(indexes) >= batchFrom {
			group := make([]*nats.Msg, len(indexes))
			for n, i := range indexes {
				group[n] = messages[i]
			}
			if err := b.publishAtomic(ctx, group); err == nil {
				continue
			}
			// A batch is refused whole when one of its ids is known already: singly then.
		}
		b.publishSingly(messages, indexes, errs)
	}
	return errs
}

func streamOf(subject string) string {
	for _, s := range msg.Streams {
		for _, filter := range s.Subjects {
			if msg.Matches(filter, subject) {
				return s.Name
			}
		}
	}
	return ""
}

// publishAtomic publishes messages of one stream as one atomic batch.
func (b *Bus) publishAtomic(ctx context.Context, group []*nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	id := rand.Text()
	for i, m := range group {
		c := nats.NewMsg(m.Subject)
		for name, values := range m.Header {
			c.Header[name] = values
		}
		c.Data = m.Data
		c.Header.Set(batchID, id)
		c.Header.Set(batchSeq, strconv.Itoa(i+1))
		if i < len(group)-1 {
			if err := b.nc.PublishMsg(c); err != nil {
				return fmt.Errorf("publish message %d of a batch: %w", i+1, err)
			}
			continue
		}

		fault.Point(b.service, "relay-publishing")
		c.Header.Set(batchCommit, "1")
		answer, err := b.nc.RequestMsgWithContext(ctx, c)
		if err != nil {
			return fmt.Errorf("commit a batch: %w", err)
		}
		var ack struct {
			Error *jetstream.APIError `json:"error"`
			Count int                 `json:"count"`
		}
		if err := json.Unmarshal(answer.Data, &ack); err != nil {
			return fmt.Errorf("read the answer to a batch: %w", err)
		}

		if ack.Error != nil {
			return ack.Error
		}
		if ack.Count != len(group) {
			return fmt.Errorf("the broker took %d of %d messages of a batch", ack.Count, len(group))
		}
	}

	return nil
}

func (b *Bus) publishSingly(messages []*nats.Msg, indexes []int, errs []error) {
	futures := make([]jetstream.PubAckFuture, len(indexes))
	for n, i := range indexes {
		futures[n], errs[i] = b.js.PublishMsgAsync(messages[i])
	}
	fault.Point(b.service, "relay-publishing")
	for n, i := range indexes {
		if errs[i] != nil {
			continue
		}
		select {
		case <-futures[n].Ok():
		case err := <-futures[n].Err():
			errs[i] = err
		case <-time.After(futureTimeout):
			errs[i] = errors.New("no answer from the broker")
		}
	}
}
