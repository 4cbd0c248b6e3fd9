package bus_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

func paid(id string) msg.Message {
	return msg.Message{Key: id, Subject: msg.StripeSubject("checkout.session.completed"), Payload: msg.Raw(`{"n":1}`)}
}

// Messages that a transaction rolled back are never published: neither all of them, nor a part, nor
// those that were undone to an explicit savepoint.
func TestRolledBackRowsAreNotHandedOver(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	testenv.Run(e.t, e.outbox.Run)
	e.receive(nothingFails)
	e.send(0, 1)
	testenv.Eventually(t, 30*time.Second, "the relay works", func() bool { return e.count() == 1 && e.outboxEmpty() })
	stop := errors.New("stop")
	ctx := t.Context()
	if err := e.outbox.Tx(ctx, func(tx pgx.Tx) error {
		return errors.Join(bus.Enqueue(ctx, tx, paid("evt_whole")), stop)
	}); !errors.Is(err, stop) {
		t.Fatal(err)
	}

	err := e.outbox.Tx(ctx, func(tx pgx.Tx) error {
		part := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return errors.Join(bus.Enqueue(ctx, tx, paid("evt_part")), stop) })
		if !errors.Is(part, stop) {
			return part
		}
		if _, err := tx.Exec(ctx, `SAVEPOINT by_hand`); err != nil {
			return err
		}
		undo := bus.Enqueued(tx)
		if err := bus.Enqueue(ctx, tx, paid("evt_undone")); err != nil {
			return err
		}
		undo()
		if _, err := tx.Exec(ctx, `ROLLBACK TO by_hand`); err != nil {
			return err
		}
		kept := func(tx pgx.Tx) error { return bus.Enqueue(ctx, tx, paid("evt_kept_part")) }
		return errors.Join(pgx.BeginFunc(ctx, tx, kept), bus.Enqueue(ctx, tx, paid("evt_kept")))
	})
	if err != nil {
		t.Fatal(err)
	}

	testenv.Eventually(t, 30*time.Second, "what was kept is handled and confirmed",
		func() bool { return e.count() == 3 && e.outboxEmpty() })
	if e.handled["evt_kept"] != 1 || e.handled["evt_kept_part"] != 1 {
		t.Errorf("handled %v", e.handled)
	}
}

// Change sends its messages if the statement changed something; ChangeEach sends only those that
// the statement names.
func TestChangeSendsOnlyWhatChanged(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	testenv.Run(e.t, e.outbox.Run)
	e.receive(nothingFails)
	for i, found := range []bool{true, false} {
		done, err := e.outbox.Change(t.Context(), "try", `done AS (SELECT WHERE $1::boolean)`, []any{found},
			paid(fmt.Sprint("evt_", found)))
		if err != nil || done != found {
			t.Fatalf("%d: %v %v", i, done, err)
		}
	}
	if err := e.outbox.ChangeEach(t.Context(), "try", `done AS (SELECT unnest($1::text[]) AS key)`, []any{[]string{"evt_b"}}, paid("evt_a"),
		paid("evt_b")); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 30*time.Second, "two messages are handled and confirmed",
		func() bool { return e.count() == 2 && e.outboxEmpty() })
	if e.handled["evt_true"] != 1 || e.handled["evt_b"] != 1 {
		t.Errorf("handled %v", e.handled)
	}
}

// A process that ends between its commit and its publication leaves rows that another process
// publishes, once they are due.
func TestRowsOfAKilledRelayBecomeDue(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	connected := e.broker.Bus("webhook")
	testenv.Eventually(t, 30*time.Second, "connected", connected.Connected)
	killed := bus.NewOutbox(connected, e.sender)
	killed.PretendToRelay()
	testenv.Enqueue(t, killed, paid("evt_left"))
	if n := e.query(e.sender, `SELECT count(*) FROM outbox
		WHERE attempts = 1 AND next_at BETWEEN now() + interval '5 seconds' AND now() + interval '15 seconds'`); n != 1 {
		t.Fatal("the row is not stored as published once and due later")
	}
	e.receive(nothingFails)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { _ = e.outbox.Run(ctx) }() // it makes everything due, as any start does
	testenv.Eventually(t, 30*time.Second, "handled and confirmed", func() bool { return e.count() == 1 && e.outboxEmpty() })
}
