package bus

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

const (
	// confirmPause gathers confirmations: one statement notes those of all receivers. Rows stay
	// that much longer.
	confirmPause = 250 * time.Millisecond
	// confirmGroup is how many confirmations end the pause.
	confirmGroup = 500
	// confirmTimeout is how long noting confirmations may take; a confirmation that is lost costs a
	// repetition.
	confirmTimeout = 5 * time.Second
)

// confirmation is what a consumer tells a sender on cfm.<sender> after its commit.
type confirmation struct {
	Consumer string   `json:"consumer"`
	Keys     []string `json:"keys"`
}

// confirmed are the confirmations that were heard and not noted yet: keys, and the consumers that
// confirmed them.
type confirmed struct {
	mu        sync.Mutex
	keys      []string
	consumers []string
	some      chan struct{} // woken when there are some
	many      chan struct{} // woken when there are confirmGroup
}

func newConfirmed() confirmed {
	return confirmed{some: make(chan struct{}, 1), many: make(chan struct{}, 1)}
}

func (c *confirmed) add(consumer string, keys []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		c.keys, c.consumers = append(c.keys, key), append(c.consumers, consumer)
	}
	wait.Wake(c.some)
	if len(c.keys) >= confirmGroup {
		wait.Wake(c.many)
	}
}

func (c *confirmed) take() (keys, consumers []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	keys, consumers = c.keys, c.consumers
	c.keys, c.consumers = nil, nil
	return keys, consumers
}

func (o *Outbox) onConfirmation(data []byte) {
	var c confirmation
	in := json.NewDecoder(bytes.NewReader(data))
	in.DisallowUnknownFields() // the broker's answers have other fields
	if err := in.Decode(&c); err != nil || c.Consumer == "" {
		o.bus.log.Warn("not a confirmation", "error", err)
		return
	}
	o.awaited.confirm(c.Consumer, c.Keys)
	o.confirmed.add(c.Consumer, c.Keys)
}

// noteConfirmations notes what was confirmed until ctx ends, and then what is left.
func (o *Outbox) noteConfirmations(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-o.confirmed.some:
		case <-ctx.Done():
			continue
		}
		select {
		case <-time.After(confirmPause):
		case <-o.confirmed.many:
		case <-ctx.Done():
		}
		o.confirmAll(ctx)
	}
	o.confirmAll(ctx)
}

func (o *Outbox) confirmAll(ctx context.Context) {
	keys, consumers := o.confirmed.take()
	if len(keys) == 0 {
		return
	}
	fault.Point(o.bus.service, "relay-confirming")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), confirmTimeout)
	defer cancel()
	if err := confirm(ctx, o.pool, keys, consumers); err != nil && !pg.IsUnavailable(err) {
		o.bus.log.Warn("outbox", "error", err)
	}
}
