package bus_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// parking is a consumer whose handler fails until it is repaired; each message that it handles is a
// row of effect.
func (e *env) parking() (c bus.Consumer, mend func()) {
	e.t.Helper()
	owner := testenv.DB{TB: e.t, Conn: testenv.OpenOwner(e.t, e.databaseURL, "order")}
	owner.Exec(`CREATE TABLE effect (key text)`)
	owner.Exec(`GRANT ALL ON effect TO shop_order`)
	var mended atomic.Bool
	c = bus.Consumer{Name: msg.OrderStripe, Stream: "STRIPE", Pool: e.receiver,
		Handle: func(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
			for _, d := range group {
				if _, err := tx.Exec(ctx, `INSERT INTO effect VALUES ($1)`, d.Key); err != nil {
					return err
				}
			}
			if !mended.Load() {
				return bus.Permanent(errors.New("the version is behind"))
			}
			return nil
		}}
	testenv.Run(e.t, func(ctx context.Context) error { return e.receiving.Consume(ctx, c) })
	return c, func() { mended.Store(true) }
}

// A parked message that is replayed takes effect once, however many replay it and however often the
// broker delivers it meanwhile; what belongs to the replay is committed with it.
func TestAReplayedMessageTakesEffectOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	c, mend := e.parking()
	stop := testenv.Run(t, e.outbox.Run)
	e.send(0, 3)
	testenv.Eventually(t, 30*time.Second, "three parked", func() bool { return e.query(e.receiver, `SELECT count(*) FROM parked`) == 3 })
	list, err := bus.ListParked(t.Context(), e.receiver, bus.ParkedList{Consumer: c.Name, Rows: 10})
	if err != nil || len(list) != 3 {
		t.Fatal(list, err)
	}

	trail, err := bus.Trail(t.Context(), e.receiver, []string{c.Name}, []string{list[0].Key})
	if err != nil || len(trail.Parked) != 1 || trail.Parked[0].Reason != list[0].Reason {
		t.Errorf("the trail of a parked message: %+v, %v", trail.Parked, err)
	}
	nothing := func(pgx.Tx, bus.Parked) error { return nil }
	if err := c.Replay(t.Context(), list[0].ID, "ann", nothing); err == nil || e.query(e.receiver, `SELECT count(*) FROM effect`) != 0 {
		t.Errorf("a message that fails again: %v", err)
	}
	if p, _, _ := bus.FindParked(t.Context(), e.receiver, list[0].ID); p.Attempts != list[0].Attempts+1 || p.Resolution != "" {
		t.Errorf("after another try %+v", p)
	}

	mend()
	broken := errors.New("the record fails")
	if err := c.Replay(t.Context(), list[0].ID, "ann", func(pgx.Tx, bus.Parked) error { return broken }); !errors.Is(err, broken) {
		t.Error(err)
	}

	stop()
	var wg sync.WaitGroup
	var done atomic.Int64
	for range 4 {
		wg.Go(func() {
			for _, m := range list[:2] {
				err := c.Replay(t.Context(), m.ID, "ann", nothing)
				if err == nil {
					done.Add(1)
				} else if !errors.Is(err, bus.ErrNotParked) {
					t.Error(err)
				}
			}
		})
	}

	testenv.Run(t, e.outbox.Run)
	e.send(0, 3) // under the same keys
	wg.Wait()
	testenv.Eventually(t, 30*time.Second, "the repetitions are confirmed", e.outboxEmpty)
	if n := e.query(e.receiver, `SELECT count(*) FROM effect`); n != 2 || done.Load() != 2 {
		t.Errorf("%d effects, %d replays", n, done.Load())
	}
	if err := c.Drop(t.Context(), list[2].ID, "ben", "a test", nothing); err != nil {
		t.Error(err)
	}
	if err := c.Replay(t.Context(), list[2].ID, "ann", nothing); !errors.Is(err, bus.ErrNotParked) {
		t.Error(err)
	}

	if n, err := bus.CountParked(t.Context(), e.receiver); err != nil || n.Count != 0 {
		t.Error(n, err)
	}
	p, _, err := bus.FindParked(t.Context(), e.receiver, list[2].ID)
	if err != nil || p.Resolution != "dropped" || p.ResolvedBy != "ben" || p.Note != "a test" {
		t.Errorf("dropped: %+v, %v", p, err)
	}
}

// A message that no sender published is not replayed for anyone.
func TestAForgedMessageIsNotReplayed(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	c, mend := e.parking()
	mend()
	testenv.DB{TB: t, Conn: e.receiver}.Exec(`INSERT INTO parked (consumer, key, subject, payload, reason, attempts)
		VALUES ('order-stripe', 'misfit:STRIPE:1', 'stripe.checkout.session.completed', '{}', 'forged', 1)`)
	err := c.Replay(t.Context(), 1, "ann", func(pgx.Tx, bus.Parked) error { return nil })
	if !errors.Is(err, bus.ErrForged) || e.query(e.receiver, `SELECT count(*) FROM effect`) != 0 {
		t.Error(err)
	}
}

// A consumer whose effect is one statement replays by that statement.
func TestAReplayedEffectIsAppliedOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	owner := testenv.DB{TB: t, Conn: testenv.OpenOwner(t, e.databaseURL, "order")}
	owner.Exec(`CREATE TABLE effect (key text)`)
	owner.Exec(`GRANT ALL ON effect TO shop_order`)
	owner.Exec(`INSERT INTO parked (consumer, key, subject, payload, reason, attempts)
		VALUES ('order-stripe', 'evt_1', 'stripe.checkout.session.completed', '{}', 'at first', 1)`)
	c := bus.Consumer{Name: msg.OrderStripe, Stream: "STRIPE", Pool: e.receiver,
		Effect: func([]*bus.Delivery) (*bus.Effect, error) {
			return &bus.Effect{What: "note an effect", SQL: `e AS (INSERT INTO effect SELECT key FROM fresh)`}, nil
		}}
	for _, want := range []error{nil, bus.ErrNotParked} {
		if err := c.Replay(t.Context(), 1, "ann", func(pgx.Tx, bus.Parked) error { return nil }); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if n := owner.Number(`SELECT count(*) FROM effect JOIN inbox USING (key)`); n != 1 {
		t.Errorf("%d effects", n)
	}
}
