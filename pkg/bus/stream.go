package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/startupwebapp/startupwebapp/pkg/obs"
)

// Publisher sends messages that have no database behind them: analytics. Publish never waits; what
// the broker does not take at once is kept in memory, up to a limit, and tried again.
type Publisher struct {
	bus   *Bus
	queue chan *nats.Msg
}

// publisherLimit bounds what is kept in memory while the broker is away (about 50 MB).
const publisherLimit = 50_000

// NewPublisher makes a publisher; Run sends.
func (b *Bus) NewPublisher() *Publisher {
	return &Publisher{bus: b, queue: make(chan *nats.Msg, publisherLimit)}
}

// Publish hands a message over and says whether there was room.
func (p *Publisher) Publish(subject, key string, data []byte) bool {
	m := nats.NewMsg(subject)
	m.Header.Set(headerKey, key)
	m.Header.Set(nats.MsgIdHdr, key)
	m.Data = data
	select {
	case p.queue <- m:
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
		case m := <-p.queue:
			p.send(ctx, p.gather(m))
		case <-ctx.Done():
			return p.flush(context.WithoutCancel(ctx))
		}
	}
}

func (p *Publisher) gather(first *nats.Msg) []*nats.Msg {
	group := []*nats.Msg{first}
	for len(group) < relayGroup {
		select {
		case m := <-p.queue:
			group = append(group, m)
		default:
			return group
		}
	}
	return group
}

// send tries a group again and again until the broker has all of it or ctx ends.
func (p *Publisher) send(ctx context.Context, group []*nats.Msg) {
	for try := 1; ; try++ {
		if p.bus.Connected() {
			group = p.publish(group)
			if len(group) == 0 {
				return
			}
			p.bus.log.Warn("events not published, will try again", "events", len(group))
		}
		select {
		case <-time.After(Backoff(try, 50*time.Millisecond, 2*time.Second)):
		case <-ctx.Done():
			return
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

func (p *Publisher) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for {
		select {
		case m := <-p.queue:
			p.send(ctx, p.gather(m))
			if ctx.Err() != nil {
				return fmt.Errorf("%d events were not published", len(p.queue))
			}
		default:
			return nil
		}
	}
}
