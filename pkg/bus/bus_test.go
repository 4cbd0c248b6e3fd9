package bus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// world is a sender (webhook's outbox) and a receiver (order's consumer) with a broker between them.
type world struct {
	t                *testing.T
	broker           *testenv.Broker
	sender, receiver *pgxpool.Pool
	outbox           *bus.Outbox
	receiving        *bus.Bus
	mu               sync.Mutex
	handled          map[string]int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	url := testenv.Database(t, testenv.Schema{Service: "webhook", Sets: []pg.Set{bus.Tables()}}, testenv.Schema{Service: "order", Sets: []pg.Set{bus.Tables()}})
	w := &world{t: t, broker: testenv.NewBroker(t), sender: testenv.Open(t, url, "webhook"), receiver: testenv.Open(t, url, "order"), handled: map[string]int{}}
	w.outbox = bus.NewOutbox(w.broker.Bus("webhook"), w.sender)
	w.receiving = w.broker.Bus("order")
	return w
}

// start runs a loop for the length of the test.
func (w *world) start(run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("a loop ended with %v", err)
		}
	})
}

func (w *world) receive(fail func(d *bus.Delivery) error) {
	w.start(func(ctx context.Context) error {
		return w.receiving.Consume(ctx, bus.Consumer{Name: msg.OrderStripe, Stream: "STRIPE", Pool: w.receiver,
			Handle: func(_ context.Context, _ pgx.Tx, group []*bus.Delivery) error {
				for _, d := range group {
					if err := fail(d); err != nil {
						return err
					}
				}
				w.mu.Lock()
				defer w.mu.Unlock()
				for _, d := range group {
					w.handled[d.Key]++
				}
				return nil
			}})
	})
}

func (w *world) send(from, to int) {
	w.t.Helper()
	var messages []msg.Message
	for i := from; i < to; i++ {
		messages = append(messages, msg.Message{Key: fmt.Sprintf("evt_%d", i), Subject: msg.StripeSubject("checkout.session.completed"), Payload: json.RawMessage(`{"n":1}`)})
	}
	if err := w.outbox.Tx(w.t.Context(), func(tx pgx.Tx) error { return bus.Enqueue(w.t.Context(), tx, messages...) }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.handled)
}

func (w *world) query(pool *pgxpool.Pool, sql string) (n int) {
	w.t.Helper()
	if err := pool.QueryRow(w.t.Context(), sql).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) outboxEmpty() bool { return w.query(w.sender, `SELECT count(*) FROM outbox`) == 0 }

func nothingFails(*bus.Delivery) error { return nil }

func TestMessagesArriveOnceAndTheOutboxEmpties(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.outbox.Run)
	w.receive(nothingFails)
	w.send(0, 5)   // singly
	w.send(3, 300) // keys 3 and 4 again; the rest as atomic batches
	testenv.Eventually(t, 30*time.Second, "300 messages handled and confirmed", func() bool { return w.count() == 300 && w.outboxEmpty() })
	for key, n := range w.handled {
		if n != 1 {
			t.Errorf("%s was handled %d times", key, n)
		}
	}
}

func TestARowStaysUntilItsReceiverHasCommitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.outbox.Run)
	w.send(0, 1)
	testenv.Eventually(t, 30*time.Second, "published", func() bool { return w.query(w.sender, `SELECT attempts FROM outbox`) > 0 })
	w.receive(nothingFails)
	testenv.Eventually(t, 30*time.Second, "confirmed", w.outboxEmpty)
}

// Await is bounded, so on a busy machine it may once be over too early, but not for twenty seconds.
func TestAwaitFindsTheEffect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.outbox.Run)
	w.receive(nothingFails)
	n := 0
	testenv.Eventually(t, 20*time.Second, "a message that was awaited is handled", func() bool {
		w.send(n, n+1)
		w.outbox.Await(t.Context(), msg.OrderStripe, fmt.Sprintf("evt_%d", n))
		n++
		return w.count() == n
	})
}

// A key that is said again, after its row was confirmed and deleted, is confirmed with the first
// publication, not after the wait for a second one.
func TestAKeySaidAgainIsConfirmedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.outbox.Run)
	w.receive(nothingFails)
	w.send(0, 1)
	testenv.Eventually(t, 30*time.Second, "confirmed", w.outboxEmpty)
	w.send(0, 1)
	attempts := 0
	testenv.Eventually(t, 30*time.Second, "confirmed again", func() bool {
		attempts = max(attempts, w.query(w.sender, `SELECT coalesce(max(attempts), 0) FROM outbox`))
		return w.outboxEmpty()
	})
	if attempts > 1 {
		t.Errorf("%d publications", attempts)
	}
	if w.handled["evt_0"] != 1 {
		t.Errorf("handled %d times", w.handled["evt_0"])
	}
}

func TestABrokerThatLosesItsStoreLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.outbox.Run)
	w.send(0, 50)
	testenv.Eventually(t, 30*time.Second, "published", func() bool { return w.query(w.sender, `SELECT count(*) FROM outbox WHERE attempts > 0`) == 50 })
	w.broker.Wipe()
	w.send(50, 60) // accepted while the broker is away
	w.broker.Start()
	w.broker.Provision()
	w.receive(nothingFails)
	testenv.Eventually(t, 30*time.Second, "60 messages handled and confirmed", func() bool { return w.count() == 60 && w.outboxEmpty() })
}

func TestOneBadMessageDoesNotSpoilItsGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(0, 100)
	w.start(w.outbox.Run)
	own := bus.NewOutbox(w.receiving, w.receiver)
	w.start(own.Run)
	w.receive(func(d *bus.Delivery) error {
		switch d.Key {
		case "evt_7":
			return bus.Permanent(errors.New("seven is unreadable: a\x00b\xff"))
		case "evt_13":
			panic("thirteen")
		case "evt_50":
			if d.Attempt < 3 {
				return errors.New("not yet")
			}
		}
		return nil
	})
	testenv.Eventually(t, 30*time.Second, "all but two handled", func() bool { return w.count() == 98 })
	testenv.Eventually(t, 30*time.Second, "one parked", func() bool { return w.query(w.receiver, `SELECT count(*) FROM parked`) == 1 })
	var reason, key string
	var payload []byte
	if err := w.receiver.QueryRow(t.Context(), `SELECT key, reason, payload FROM parked`).Scan(&key, &reason, &payload); err != nil {
		t.Fatal(err)
	}
	if key != "evt_7" || !strings.Contains(reason, "unreadable") || string(payload) != `{"n":1}` {
		t.Errorf("parked %s: %s %s", key, reason, payload)
	}
	testenv.Eventually(t, 30*time.Second, "only the panicking one unconfirmed, dead letter published", func() bool {
		return w.query(w.sender, `SELECT count(*) FROM outbox`) == 1 && w.query(w.receiver, `SELECT count(*) FROM outbox`) == 0
	})
}

func TestARollBackLeavesNoInboxKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.outbox.Run)
	w.send(0, 1)
	w.receive(func(d *bus.Delivery) error {
		if d.Attempt < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	testenv.Eventually(t, 30*time.Second, "handled at the third delivery", func() bool { return w.count() == 1 })
}

func TestPublisherKeepsEventsWhileTheBrokerIsAway(t *testing.T) {
	t.Parallel()
	url := testenv.Database(t, testenv.Schema{Service: "events", Sets: []pg.Set{bus.Tables()}})
	broker := testenv.NewBroker(t)
	p := broker.Bus("edge").NewPublisher()
	w := &world{t: t, broker: broker, receiver: testenv.Open(t, url, "events"), receiving: broker.Bus("events"), handled: map[string]int{}}
	w.start(p.Run)
	w.start(func(ctx context.Context) error {
		return w.receiving.Consume(ctx, bus.Consumer{Name: msg.EventsEvent, Stream: "EVENT", Pool: w.receiver,
			Handle: func(_ context.Context, _ pgx.Tx, group []*bus.Delivery) error {
				w.mu.Lock()
				defer w.mu.Unlock()
				for _, d := range group {
					events := []string{string(d.Data)}
					if d.Subject == msg.EventsTogether {
						events = strings.Split(strings.Trim(string(d.Data), "[]"), ",")
					}
					for _, e := range events {
						w.handled[e]++
					}
				}
				return nil
			}})
	})
	publish := func(from, to int) {
		for i := from; i < to; i++ {
			if !p.Publish("event.pageview", fmt.Sprintf("e%d", i), fmt.Appendf(nil, `{"n":%d}`, i)) {
				t.Fatal("no room")
			}
		}
	}
	publish(0, 1000)
	testenv.Eventually(t, 30*time.Second, "1,000 events", func() bool { return w.count() == 1000 })
	broker.Stop()
	publish(1000, 1500)
	broker.Start()
	testenv.Eventually(t, 30*time.Second, "1,500 events", func() bool { return w.count() == 1500 })
}
