package bus_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

func TestErasingAPersonReachesTheStreams(t *testing.T) {
	t.Parallel()
	broker := testenv.NewBroker(t)
	url := testenv.Database(t, testenv.Schema{Service: "user", Sets: []pg.Set{bus.Tables()}})
	w := &world{t: t, broker: broker, sender: testenv.Open(t, url, "user"), handled: map[string]int{}}
	b := broker.Bus("user")
	w.outbox = bus.NewOutbox(b, w.sender)
	w.start(w.outbox.Run)
	nc, err := nats.Connect(broker.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	publish := func(subject, text string) {
		if _, err := js.Publish(t.Context(), subject, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	publish("stripe.charge.refunded", `{"email":"ann@mail.example.com"}`)
	publish("stripe.charge.refunded", `{"email":"bob@mail.example.com"}`)
	publish("stripe.payment_intent.succeeded", `{"id":"pi_1234567","name":"Ann"}`)
	publish("stripe.payment_intent.succeeded", `{"id":"pi_7654321","name":"Bob"}`)
	publish("stripe.checkout.session.completed", `{"payment_intent":"pi_1234567","email":"ann@mail.example.com"}`)
	publish("order.placed", `{"member_id":7,"total":1}`)
	publish("order.placed", `{"member_id":77,"total":1}`)
	publish("mail.send.verify", `{"to":["ANN@mail.example.com"]}`)
	publish("event.pageview", `{"id":"x","user_id":7}`)
	letter, err := json.Marshal(map[string]any{"payload": []byte(`{"email":"ann@mail.example.com"}`)})
	if err != nil {
		t.Fatal(err)
	}
	publish("dead.order-stripe", string(letter))

	erasing, stopErasing := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		broker.Bus("provision").KeepErasing(erasing)
		close(ended)
	}()
	erased := msg.Message{Key: "user.erased:7:0:1", Subject: msg.UserErased, Payload: msg.Erased{MemberID: 7, Emails: []string{"ann@mail.example.com"}}}
	if err := w.outbox.Tx(t.Context(), func(tx pgx.Tx) error { return bus.Enqueue(t.Context(), tx, erased) }); err != nil {
		t.Fatal(err)
	}
	left := func() (n int) {
		for _, s := range msg.Streams {
			if s.Name == "ADVISORY" {
				continue // the broker's own words about deleted messages: sequence numbers
			}
			stream, err := js.Stream(t.Context(), s.Name)
			if err != nil {
				t.Fatal(err)
			}
			n += int(stream.CachedInfo().State.Msgs) //nolint:gosec // a count
		}
		return n
	}
	// One that is not confirmed may go out again (a relay rushes its rows at each connect), so count from there.
	testenv.Eventually(t, 30*time.Second, "the message is in its stream", func() bool { return left() >= 11 })
	// Nothing is erased before every service has acted on it.
	for _, c := range msg.Consumers {
		if c.Stream != "USER" || !msg.Matches(c.Subjects[len(c.Subjects)-1], msg.UserErased) {
			continue
		}
		w.start(func(ctx context.Context) error {
			return b.Consume(ctx, bus.Consumer{Name: c.Name, Stream: c.Stream, Pool: w.sender, Handle: func(context.Context, pgx.Tx, []*bus.Delivery) error { return nil }})
		})
	}
	testenv.Eventually(t, 30*time.Second, "only what is about others is left", func() bool { return left() == 3 })
	// It waits five seconds at a time for messages; the end must not.
	stopErasing()
	select {
	case <-ended:
	case <-time.After(3 * time.Second):
		t.Error("erasing does not end")
	}
}

func TestForgetPeople(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, "user", bus.Tables())
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		err := bus.Enqueue(t.Context(), tx, msg.Message{Key: "a", Subject: "mail.send.verify", Payload: map[string]string{"to": "Ann@mail.example.com"}},
			msg.Message{Key: "b", Subject: "mail.send.verify", Payload: map[string]string{"to": "bob@mail.example.com"}})
		if err != nil {
			return err
		}
		return bus.ForgetPeople(t.Context(), tx, msg.Erased{Emails: []string{"ann@mail.example.com", ""}, Codes: []string{"Code1"}})
	})
	if err != nil {
		t.Fatal(err)
	}
	var left string
	if err := pool.QueryRow(t.Context(), `SELECT string_agg(key, ',') FROM outbox`).Scan(&left); err != nil || left != "b" {
		t.Errorf("left %q, %v; want b", left, err)
	}
}
