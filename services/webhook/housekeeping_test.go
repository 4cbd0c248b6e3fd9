package webhook

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

func TestOldEventsAreDeleted(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, "webhook", Migrations()...)
	_, err := pool.Exec(t.Context(), `
		INSERT INTO event (id, type, received, payload)
		SELECT 'evt_old' || n, 'x', now() - interval '401 days', '{}'::bytea FROM generate_series(1, 2100) AS n
		UNION ALL SELECT 'evt_young', 'x', now() - interval '399 days', '{}'
		UNION ALL SELECT 'evt_waiting', 'x', now() - interval '500 days', '{}'`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `INSERT INTO outbox (key, subject, payload) VALUES ('evt_waiting', 'stripe.x', '{}')`); err != nil {
		t.Fatal(err)
	}
	if n, err := deleteOldEvents(t.Context(), pool); err != nil || n != 2100 {
		t.Errorf("deleted %d, %v; want 2100", n, err)
	}
	var left string
	if err := pool.QueryRow(t.Context(), `SELECT string_agg(id, ',' ORDER BY id) FROM event`).Scan(&left); err != nil ||
		left != "evt_waiting,evt_young" {
		t.Errorf("left %q, %v", left, err)
	}
}
