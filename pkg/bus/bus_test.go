package bus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// env is a sender (webhook's outbox) and a receiver (order's consumer) with a broker between them.
type env struct {
	t                *testing.T
	broker           *testenv.Broker
	sender, receiver *pgxpool.Pool
	databaseURL      string
	outbox           *bus.Outbox
	receiving        *bus.Bus
	mu               sync.Mutex
	handled          map[string]int
}

func newEnv(t *testing.T) *env {
	t.Helper()
	broker := testenv.NewBroker(t)
	e := newEnvOn(t, broker.URL())
	e.broker = broker
	return e
}

// newEnvOn is newEnv on a broker, or several, without streams.
func newEnvOn(t *testing.T, brokers string) *env {
	t.Helper()
	url := testenv.Database(t, testenv.Schema{Service: "webhook", Sets: []pg.Set{bus.Tables()}},
		testenv.Schema{Service: "order", Sets: []pg.Set{bus.Tables()}})
	e := &env{t: t, sender: testenv.Open(t, url, "webhook"), receiver: testenv.Open(t, url, "order"),
		databaseURL: url, handled: map[string]int{}}
	connect := func(service string) *bus.Bus {
		b, err := bus.Connect(testenv.Log(t), brokers, service)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		return b
	}
	e.outbox, e.receiving = bus.NewOutbox(connect("webhook"), e.sender), connect("order")
	return e
}

func (e *env) receive(fail func(d *bus.Delivery) error) {
	testenv.Run(e.t, func(ctx context.Context) error {
		return e.receiving.Consume(ctx, bus.Consumer{Name: msg.OrderStripe, Stream: "STRIPE", Pool: e.receiver,
			Handle: func(_ context.Context, _ pgx.Tx, group []*bus.Delivery) error {
				for _, d := range group {
					if err := fail(d); err != nil {
						return err
					}
				}
				e.mu.Lock()
				defer e.mu.Unlock()
				for _, d := range group {
					e.handled[d.Key]++
				}
				return nil
			}})
	})
}

func (e *env) send(from, to int) {
	e.t.Helper()
	var messages []msg.Message
	for i := from; i < to; i++ {
		messages = append(messages, msg.Message{Key: fmt.Sprintf("evt_%d", i), Subject: msg.StripeSubject("checkout.session.completed"),
			Payload: json.RawMessage(`{"n":1}`)})
	}
	testenv.Enqueue(e.t, e.outbox, messages...)
}

func (e *env) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.handled)
}

func (e *env) query(pool *pgxpool.Pool, sql string) int {
	e.t.Helper()
	return testenv.DB{TB: e.t, Conn: pool}.Number(sql)
}

func (e *env) outboxEmpty() bool { return e.query(e.sender, `SELECT count(*) FROM outbox`) == 0 }

func nothingFails(*bus.Delivery) error { return nil }

func TestMessagesArriveOnceAndTheOutboxEmpties(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	testenv.Run(e.t, e.outbox.Run)
	e.receive(nothingFails)
	e.send(0, 5)   // singly
	e.send(3, 300) // keys 3 and 4 again; the rest as atomic batches
	testenv.Eventually(t, 30*time.Second, "300 messages handled and confirmed", func() bool { return e.count() == 300 && e.outboxEmpty() })
	for key, n := range e.handled {
		if n != 1 {
			t.Errorf("%s was handled %d times", key, n)
		}
	}
}

func TestARowStaysUntilItsReceiverHasCommitted(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	testenv.Run(e.t, e.outbox.Run)
	e.send(0, 1)
	testenv.Eventually(t, 30*time.Second, "published", func() bool { return e.query(e.sender, `SELECT attempts FROM outbox`) > 0 })
	e.receive(nothingFails)
	testenv.Eventually(t, 30*time.Second, "confirmed", e.outboxEmpty)
}

// Await is bounded, so on a busy machine it may once be over too early, but not for twenty seconds.
func TestAwaitFindsTheEffect(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	testenv.Run(e.t, e.outbox.Run)
	e.receive(nothingFails)
	n := 0
	testenv.Eventually(t, 20*time.Second, "a message that was awaited is handled", func() bool {
		e.send(n, n+1)
		e.outbox.Await(t.Context(), msg.OrderStripe, fmt.Sprintf("evt_%d", n))
		n++
		return e.count() == n
	})
}

// A key that is sent again, after its row was confirmed and deleted, is confirmed with the first
// publication, not after the wait for a second one.
func TestAKeySentAgainIsConfirmedAtOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	testenv.Run(e.t, e.outbox.Run)
	e.receive(nothingFails)
	e.send(0, 1)
	testenv.Eventually(t, 30*time.Second, "confirmed", e.outboxEmpty)
	e.send(0, 1)
	attempts := 0
	testenv.Eventually(t, 30*time.Second, "confirmed again", func() bool {
		attempts = max(attempts, e.query(e.sender, `SELECT coalesce(max(attempts), 0) FROM outbox`))
		return e.outboxEmpty()
	})
	if attempts > 1 {
		t.Errorf("%d publications", attempts)
	}
	if e.handled["evt_0"] != 1 {
		t.Errorf("handled %d times", e.handled["evt_0"])
	}
}

func TestABrokerThatLosesItsStoreLosesNothing(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	testenv.Run(e.t, e.outbox.Run)
	e.send(0, 50)
	testenv.Eventually(t, 30*time.Second, "published",
		func() bool { return e.query(e.sender, `SELECT count(*) FROM outbox WHERE attempts > 0`) == 50 })
	e.broker.Wipe()
	e.send(50, 60) // accepted while the broker is away
	e.broker.Start()
	e.broker.Provision()
	e.receive(nothingFails)
	testenv.Eventually(t, 30*time.Second, "60 messages handled and confirmed", func() bool { return e.count() == 60 && e.outboxEmpty() })
}

func TestOneBadMessageDoesNotSpoilItsGroup(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.send(0, 100)
	testenv.Run(e.t, e.outbox.Run)
	own := bus.NewOutbox(e.receiving, e.receiver)
	testenv.Run(e.t, own.Run)
	e.receive(func(d *bus.Delivery) error {
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

	testenv.Eventually(t, 30*time.Second, "all but two handled", func() bool { return e.count() == 98 })
	testenv.Eventually(t, 30*time.Second, "one parked", func() bool { return e.query(e.receiver, `SELECT count(*) FROM parked`) == 1 })
	var reason, key string
	var payload []byte
	if err := e.receiver.QueryRow(t.Context(), `SELECT key, reason, payload FROM parked`).Scan(&key, &reason, &payload); err != nil {
		t.Fatal(err)
	}
	if key != "evt_7" || !strings.Contains(reason, "unreadable") || string(payload) != `{"n":1}` {
		t.Errorf("parked %s: %s %s", key, reason, payload)
	}

	testenv.Eventually(t, 30*time.Second, "only the panicking one unconfirmed, dead letter published", func() bool {
		return e.query(e.sender, `SELECT count(*) FROM outbox`) == 1 && e.query(e.receiver, `SELECT count(*) FROM outbox`) == 0
	})
}

func TestARollBackLeavesNoInboxKey(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	testenv.Run(e.t, e.outbox.Run)
	e.send(0, 1)
	e.receive(func(d *bus.Delivery) error {
		if d.Attempt < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	testenv.Eventually(t, 30*time.Second, "handled at the third delivery", func() bool { return e.count() == 1 })
}

// A stop while events are tried again sends them with what is queued.
func TestPublisherStopsWithEventsLeft(t *testing.T) {
	t.Parallel()
	broker := testenv.NewBroker(t)
	p := broker.Bus("edge").NewPublisher()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	broker.Stop()
	for i := range 10 {
		p.Publish("event.pageview", fmt.Sprintf("e%d", i), []byte(`{}`))
	}
	testenv.Eventually(t, 30*time.Second, "being sent", func() bool { return p.Queued() == 0 })
	broker.Start()
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if n, err := broker.Bus("edge").Stored(t.Context(), "EVENT"); err != nil || n == 0 {
		t.Errorf("%d messages, %v", n, err)
	}
}

func TestPublisherKeepsEventsWhileTheBrokerIsAway(t *testing.T) {
	t.Parallel()
	url := testenv.Database(t, testenv.Schema{Service: "events", Sets: []pg.Set{bus.Tables()}})
	broker := testenv.NewBroker(t)
	p := broker.Bus("edge").NewPublisher()
	e := &env{t: t, broker: broker, receiver: testenv.Open(t, url, "events"), receiving: broker.Bus("events"), handled: map[string]int{}}
	testenv.Run(t, p.Run)
	testenv.Run(t, func(ctx context.Context) error {
		return e.receiving.Consume(ctx, bus.Consumer{Name: msg.EventsEvent, Stream: "EVENT", Pool: e.receiver,
			Handle: func(_ context.Context, _ pgx.Tx, group []*bus.Delivery) error {
				e.mu.Lock()
				defer e.mu.Unlock()
				for _, d := range group {
					events := []string{string(d.Data)}
					if d.Subject == msg.EventsTogether {
						events = strings.Split(strings.Trim(string(d.Data), "[]"), ",")
					}
					for _, event := range events {
						e.handled[event]++
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
	testenv.Eventually(t, 30*time.Second, "1,000 events", func() bool { return e.count() == 1000 })
	broker.Stop()
	publish(1000, 1500)
	broker.Start()
	testenv.Eventually(t, 30*time.Second, "1,500 events", func() bool { return e.count() == 1500 })
}

// A consumer that gathers takes messages that arrive one after another into one transaction, and
// those in flight when it is stopped as well. The broker says what it sent, not what has arrived:
// on a busy machine a stop may come before the last message, which then goes back.
func TestGatheredMessagesShareATransaction(t *testing.T) {
	t.Parallel()
	var groups []int
	for range 5 {
		if groups = gathered(t); !slices.Equal(groups, []int{bus.GroupSize}) {
			break
		}
	}
	if want := []int{bus.GroupSize, 1}; !slices.Equal(groups, want) {
		t.Errorf("groups of %v, want %v", groups, want)
	}
}

// gathered are the groups in which a consumer that gathers handled one group and a message, after
// which it was stopped.
func gathered(t *testing.T) (groups []int) {
	t.Helper()
	e := newEnv(t)
	testenv.Run(e.t, e.outbox.Run)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stopped := make(chan error, 1)
	received := make(chan string, 2*bus.GroupSize)
	go func() {
		stopped <- e.receiving.Consume(ctx, bus.Consumer{Name: msg.OrderStripe, Stream: "STRIPE", Pool: e.receiver,
			Gather: 10 * time.Minute,
			Handle: func(_ context.Context, _ pgx.Tx, group []*bus.Delivery) error {
				groups = append(groups, len(group))
				for _, d := range group {
					received <- d.Key
				}
				return nil
			}})
	}()

	waitFor := func(want int) {
		testenv.Eventually(t, time.Minute, fmt.Sprint(want, " messages were handled"), func() bool { return len(received) == want })
	}
	stored := func(want uint64) {
		testenv.Eventually(t, time.Minute, fmt.Sprint("the broker has ", want, " messages"), func() bool {
			n, err := e.receiving.Stored(t.Context(), "STRIPE")
			return err == nil && n == want
		})
	}

	e.send(0, 1)
	stored(1)
	e.send(1, bus.GroupSize)
	waitFor(bus.GroupSize)
	e.send(bus.GroupSize, bus.GroupSize+1)
	stored(bus.GroupSize + 1)
	testenv.Eventually(t, time.Minute, "the consumer has it in hand",
		func() bool { return e.receiving.InHand(t.Context(), "STRIPE", msg.OrderStripe) == 1 })
	stop()
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}

	return groups
}
