package order

import (
	"testing"
)

// Existing orders are enqueued once each, with what was given back of them by now. After a stop it
// goes on where it was; orders that are placed in the meantime wait until no transaction can have a
// smaller id; and in the end it is over.
func TestOldOrdersArePublished(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	first := e.sold("ann@mail.example.com", "1")
	e.mustHandle(refundEvent("evt_1", "charge.refund.updated", "re_1", e.intent(first), 355, "succeeded", nil))
	e.sold("bob@mail.example.com", "2")
	e.sold("who@mail.example.com", "1")
	e.Exec(`UPDATE orders SET email = NULL, member_id = NULL, tax_included = 7 WHERE email = 'who@mail.example.com'`) // erased

	tell := func(want int64) {
		t.Helper()
		if n, err := e.server.enqueueHistory(t.Context(), e.pool); err != nil || n != want {
			t.Errorf("%d orders told, want %d: %v", n, want, err)
		}
	}

	tell(0) // a new shop has no history
	e.Exec(`DELETE FROM outbox`)
	e.Exec(`INSERT INTO history_told (until) VALUES (now() + interval '1 hour')`)
	tell(0) // too young
	e.Exec(`UPDATE orders SET placed_at = now() - interval '10 minutes' WHERE identifier = $1`, first)

	tell(1)
	e.Exec(`UPDATE orders SET placed_at = now() - interval '10 minutes'`)
	tell(2)
	tell(0)
	const told = `SELECT string_agg(concat_ws(' ', j->>'email', j->>'returned', j->>'version'), ', ' ORDER BY seq)
		FROM (SELECT seq, convert_from(payload, 'UTF8')::jsonb AS j FROM outbox WHERE subject = 'order.money') AS m`
	if got := e.Text(told); got != "ann@mail.example.com 355 1, bob@mail.example.com 0 0" {
		t.Errorf("told: %s", got)
	}

	// Reports get what was given back and the taxes, also of erased people.
	if got := e.Text(givenBackTold); got != "0 v1 355/0/0, 7 v0" && got != "v1 355/0/0, 7 v0" {
		t.Errorf("amounts given back: %s", got)
	}
	e.Exec(`UPDATE history_told SET until = now() - interval '10 minutes'`)
	tell(0)
	if n := e.Number(`SELECT count(*) FROM history_told`); n != 0 {
		t.Error("it does not end")
	}
}
