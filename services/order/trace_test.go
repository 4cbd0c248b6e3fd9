package order

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
)

// The messages about orders that are placed in one transaction each carry the trace of their own
// payment.
func TestEachOrderKeepsItsTrace(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	var group []payment
	for i := range 2 {
		p := e.visitor()
		p.add("6", "1")
		d := event(fmt.Sprintf("evt_%d", i), completed, p.quoted(""), nil)
		if err := e.server.readStripeEvent(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		paid := d.Value.(*stripeEvent).session //nolint:forcetypeassert // of the line above
		group = append(group, payment{Session: paid, eventID: d.Key, raw: d.Data,
			trace: fmt.Sprintf("00-4bf92f3577b34da6a3ce929d0e0e473%d-00f067aa0ba902b7-01", i)})
	}

	err := pgx.BeginFunc(t.Context(), e.pool, func(tx pgx.Tx) error {
		_, err := e.server.place(t.Context(), tx, group)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	for _, p := range group {
		n := e.Number(`SELECT count(*) FROM outbox WHERE headers ->> 'traceparent' = $1
			AND split_part(key, ':', 1) IN ('order-placed', 'order-confirmation')
			AND split_part(key, ':', 2) = (SELECT checkout_id::text FROM orders WHERE session_id = $2)`, p.trace, p.ID)
		if n != 2 {
			t.Errorf("%d messages of session %s carry its trace", n, p.ID)
		}
	}
}
