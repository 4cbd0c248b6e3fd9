package erasure_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// start runs a loop for the length of the test.
func start(t *testing.T, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("a loop ended with %v", err)
		}
	})
}

func TestErasingAPersonReachesTheStreams(t *testing.T) {
	t.Parallel()
	broker := testenv.NewBroker(t)
	url := testenv.Database(t, testenv.Schema{Service: "user", Sets: []pg.Set{bus.Tables()}})
	pool := testenv.Open(t, url, "user")
	b := broker.Bus("user")
	outbox := bus.NewOutbox(b, pool)
	start(t, outbox.Run)
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
		erasure.SweepStreams(erasing, slog.New(slog.DiscardHandler), broker.Bus("provision"))
		close(ended)
	}()
	erased := msg.Message{Key: "user.erased:7:0:1", Subject: msg.UserErased,
		Payload: msg.Erased{MemberID: 7, Emails: []string{"ann@mail.example.com"}}}
	if err := outbox.Tx(t.Context(), func(tx pgx.Tx) error { return bus.Enqueue(t.Context(), tx, erased) }); err != nil {
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

	// One that is not confirmed may go out again (a relay rushes its rows at each connect), so
	// count from there.
	testenv.Eventually(t, 30*time.Second, "the message is in its stream", func() bool { return left() >= 11 })

	// Nothing is erased before every service has acted on it.
	for _, c := range msg.Consumers {
		if c.Stream != "USER" || !slices.ContainsFunc(c.Subjects, func(s string) bool { return msg.Matches(s, msg.UserErased) }) {
			continue
		}
		start(t, func(ctx context.Context) error {
			return b.Consume(ctx, bus.Consumer{Name: c.Name, Stream: c.Stream, Pool: pool,
				Handle: func(context.Context, pgx.Tx, []*bus.Delivery) error { return nil }})
		})
	}
	testenv.Eventually(t, 30*time.Second, "only what is about others is left", func() bool { return left() == 3 })

	// It waits five seconds at a time for messages; a stop must not.
	stopErasing()
	select {
	case <-ended:
	case <-time.After(3 * time.Second):
		t.Error("erasing does not end")
	}
}
