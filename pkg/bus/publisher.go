package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// Publisher sends client events, which have no database behind them. Publish never waits; what the
// broker does not take at once is kept in memory, up to a limit, and tried again.
type Publisher struct {
	bus   *Bus
	queue chan event
}

type event struct {
	subject, key string
	data         []byte
}

const (
	// publisherLimit bounds what is kept in memory while the broker is away (about 50 MB).
	publisherLimit = 50_000
	// eventsFirstPause is the pause after events could not be published, eventsMaxPause the longest
	// one.
	eventsFirstPause, eventsMaxPause = 50 * time.Millisecond, 2 * time.Second
	// togetherFrom is the number of waiting events from which they travel together, in messages of
	// at most maxTogether events and about togetherBytes: a message costs broker and receiver more
	// than an event does.
	togetherFrom  = 8
	maxTogether   = 100
	togetherBytes = 128 << 10
)

// NewPublisher makes a publisher; Run sends.
func (b *Bus) NewPublisher() *Publisher {
	return &Publisher{bus: b, queue: make(chan event, publisherLimit)}
}

// Publish hands over an event, a JSON object, and reports whether there was room. Under load it may
// travel in an array with others, under msg.EventsTogether.
func (p *Publisher) Publish(subject, key string, data []byte) bool {
	select {
	case p.queue <- event{subject, key, data}:
		return true
	default:
		obs.Messages.WithLabelValues(p.bus.service+"-publisher", "dropped").Inc()
		return false
	}
}

// Run sends until ctx ends, and then what is left, for at most two seconds.
func (p *Publisher) Run(ctx context.Context) error {
	for {
		select {
		case e := <-p.queue:
			if left := p.send(ctx, messagesOf(wait.Queued(e, p.queue, relayGroup))); len(left) > 0 {
				return p.flush(context.WithoutCancel(ctx), left)
			}
		case <-ctx.Done():
			return p.flush(context.WithoutCancel(ctx), nil)
		}
	}
}

// messagesOf packs events into messages.
func messagesOf(group []event) []*nats.Msg {
	var messages []*nats.Msg
	if len(group) < togetherFrom {
		for _, e := range group {
			messages = append(messages, eventMessage(e))
		}
		return messages
	}
	for len(group) > 0 {
		array := []byte{'['}
		n := 0
		for n < min(len(group), maxTogether) && len(array) < togetherBytes {
			if n > 0 {
				array = append(array, ',')
			}
			array = append(array, group[n].data...)
			n++
		}
		// No other message has the key of its first event.
		messages = append(messages, eventMessage(event{msg.EventsTogether, group[0].key, append(array, ']')}))
		group = group[n:]
	}
	return messages
}

func eventMessage(e event) *nats.Msg {
	m := nats.NewMsg(e.subject)
	m.Header.Set(headerKey, e.key)
	m.Header.Set(headerSubject, e.subject)
	m.Header.Set(nats.MsgIdHdr, e.key)
	m.Data = e.data
	return m
}

// send tries a group again and again until the broker has all of it or ctx ends, and returns what
// is left.
func (p *Publisher) send(ctx context.Context, group []*nats.Msg) (left []*nats.Msg) {
	for try := 1; ; try++ {
		if p.bus.Connected() {
			group = p.publish(group)
			if len(group) == 0 {
				return nil
			}
			p.bus.log.Warn("events not published, will try again", "messages", len(group))
		}
		if !wait.Sleep(ctx, Backoff(try, eventsFirstPause, eventsMaxPause)) {
			return group
		}
	}
}

// publish returns what failed.
func (p *Publisher) publish(group []*nats.Msg) (failed []*nats.Msg) {
	indexes, errs := make([]int, len(group)), make([]error, len(group))
	for i := range group {
		indexes[i] = i
	}
	p.bus.publishSingly(group, indexes, errs)
	for i, err := range errs {
		if err != nil {
			failed = append(failed, group[i])
		}
	}
	return failed
}

// flush sends what is left of a group, and what is queued, within closeTimeout.
func (p *Publisher) flush(ctx context.Context, left []*nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	for {
		if len(left) > 0 {
			if left = p.send(ctx, left); len(left) > 0 {
				return fmt.Errorf("%d messages and %d events were not published", len(left), len(p.queue))
			}
		}
		select {
		case e := <-p.queue:
			left = messagesOf(wait.Queued(e, p.queue, relayGroup))
		default:
			return nil
		}
	}
}
