package webhook

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Events older than eventTTL are deleted, except one that still waits for its receivers.
func TestOldEventsAreDeleted(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, "webhook", Migrations()...)
	db := testenv.DB{TB: t, Conn: pool}
	db.Exec(`
		INSERT INTO event (id, type, received, payload)
		SELECT 'evt_old' || n, 'x', now() - interval '401 days', '{}'::bytea FROM generate_series(1, 2100) AS n
		UNION ALL SELECT 'evt_young', 'x', now() - interval '399 days', '{}'
		UNION ALL SELECT 'evt_waiting', 'x', now() - interval '500 days', '{}'`)
	db.Exec(`INSERT INTO outbox (key, subject, payload) VALUES ('evt_waiting', 'stripe.x', '{}')`)
	if n, err := deleteOldEvents(t.Context(), pool); err != nil || n != 2100 {
		t.Errorf("deleted %d, %v; want 2100", n, err)
	}
	if left := db.Text(`SELECT string_agg(id, ',' ORDER BY id) FROM event`); left != "evt_waiting,evt_young" {
		t.Errorf("left %q", left)
	}
}
