package events

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Client addresses, and events that are too old, are removed. There are more of them than one group
// holds, and rows on both sides of each age.
func TestOldClientsAndEventsAreRemoved(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, "events", Migrations()...)
	db := testenv.DB{TB: t, Conn: pool}
	for _, sql := range []string{
		`INSERT INTO page_view (event_id, url, remote_addr, user_agent, at)
			SELECT 'old' || n, '/', '192.0.2.1', 'B', now() - interval '401 days' FROM generate_series(1, 5100) AS n
			UNION ALL SELECT 'month' || n, '/', '192.0.2.1', NULL, now() - interval '31 days' FROM generate_series(1, 5100) AS n
			UNION ALL SELECT 'agent', '/', NULL, 'B', now() - interval '31 days'
			UNION ALL SELECT 'young', '/', '192.0.2.1', 'B', now() - interval '29 days'`,
		`INSERT INTO call_error (event_id, url, error_id, at) SELECT 'e' || d, '/', 'x', now() - d * interval '1 day'
			FROM unnest('{399,401}'::int[]) AS d`,
		`INSERT INTO click (event_id, url, button_id, at) SELECT 'b' || d, '/', 'x', now() - d * interval '1 day'
			FROM unnest('{399,401}'::int[]) AS d`,
		`INSERT INTO arrival (event_id, url, at) SELECT 'l' || d, '/', now() - d * interval '1 day'
			FROM unnest('{399,401}'::int[]) AS d`,
	} {
		db.Exec(sql)
	}

	// Clients go after 30 days.
	if n, err := clearClients(t.Context(), pool, traceableDays); err != nil || n != 10201 {
		t.Errorf("%d clients dropped, %v", n, err)
	}
	if n := db.Number(`SELECT count(*) FROM page_view WHERE remote_addr IS NOT NULL OR user_agent IS NOT NULL`); n != 1 ||
		db.Number(`SELECT count(*) FROM page_view`) != 10202 {
		t.Errorf("%d page views tell the client", n)
	}

	// Events go after 400 days.
	if n, err := dropOldEvents(t.Context(), pool, 400); err != nil || n != 5103 {
		t.Errorf("%d reports deleted, %v", n, err)
	}
	if n := db.Number(`
		SELECT (SELECT count(*) FROM page_view) * 1000 + (SELECT count(*) FROM call_error) * 100
			+ (SELECT count(*) FROM click) * 10 + (SELECT count(*) FROM arrival)`); n != 5102111 {
		t.Errorf("what is left: %d", n)
	}

	// A second run finds nothing.
	if n, err := dropOldEvents(t.Context(), pool, 400); err != nil || n != 0 {
		t.Errorf("once more: %d deleted, %v", n, err)
	}
}

// PAGE_VIEW_DAYS has to be from 1 to 36600.
func TestPageViewDaysAreBounded(t *testing.T) {
	t.Parallel()
	for days, good := range map[int]bool{0: false, -1: false, 1: true, 400: true, 36601: false} {
		c := Config{PageViewDays: days}
		c.ShopEnv, c.LogLevel, c.NATSURL = "development", "info", "nats://127.0.0.1:4222"
		if err := c.Validate(); (err == nil) != good {
			t.Errorf("%d days: %v", days, err)
		}
	}
}
