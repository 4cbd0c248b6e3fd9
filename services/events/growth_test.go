package events

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Erasing and exporting a person, and the report, read no table whole that grows with every visit or order.
func TestNothingIsReadWhole(t *testing.T) {
	t.Parallel()
	const rows = 3000
	pool := testenv.Pool(t, "events", Migrations()...)
	e := testenv.DB{TB: t, Conn: pool}
	e.Exec(`INSERT INTO member (id, mb_cd, version) SELECT i, 'm' || i, 1 FROM generate_series(1, $1::int) AS i`, rows)
	e.Exec(`INSERT INTO prospect (id, version) SELECT i, 1 FROM generate_series(1, $1::int) AS i`, rows)
	const visits = `SELECT 'e' || i, i, 'b' || i, '/p' || i % 9 || '?email=buyer' || i || '%40mail.example.com', $2, now() FROM
		generate_series(1, $1::int) AS i`
	e.Exec(`INSERT INTO pageview (event_id, user_id, anonymous_id, url, order_mark, at) `+visits, rows, "x")
	e.Exec(`INSERT INTO ajax_error (event_id, user_id, anonymous_id, url, error_id, at) `+visits, rows, "x")
	e.Exec(`INSERT INTO button_click (event_id, user_id, anonymous_id, url, button_id, at) `+visits, rows, "x")
	e.Exec(`INSERT INTO link_event (event_id, user_id, anonymous_id, url, prospect_id, at)
		SELECT event_id, user_id, anonymous_id, url, user_id, at FROM pageview`)
	e.Exec(`UPDATE pageview SET order_mark = event_id`)
	e.Exec(`INSERT INTO order_placed (identifier, member_id, visitor, currency, total, pieces, at, pr_cd)
		SELECT 'o' || i, i, FALSE, 'usd', 100, 2, now() - i % 40 * interval '1 day', 'c' || i FROM generate_series(1, $1::int) AS i`, rows)
	e.Exec(`VACUUM ANALYZE`)
	p := erasure.Person{MemberIDs: []int64{7}, ProspectIDs: []int64{8}, Emails: []string{"Buyer9@mail.example.com"}, Codes: []string{"c10"}}
	whole := e.ReadsWhole(rows, func(tx pgx.Tx, in testenv.DB) {
		if _, err := ExportVisits(t.Context(), tx, p); err != nil {
			t.Error(err)
		}
		if err := erasePerson(t.Context(), tx, p); err != nil {
			t.Error(err)
		}
		for _, table := range []string{"pageview", "ajax_error", "button_click", "link_event"} {
			if n := in.Number(`SELECT count(*) FROM ` + table + ` WHERE user_id = 7 OR anonymous_id IN ('b7', 'b9')`); n != 0 {
				t.Errorf("%d rows of %s still name the person", n, table)
			}
		}
	})
	if len(whole) != 0 {
		t.Errorf("read whole: %q", whole)
	}
}

// The report counts what came in by day, each event once, and orders with their pieces and totals.
func TestReportCountsByDay(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, id := range []string{"a", "b", "a"} { // one came twice
		e.Exec(`INSERT INTO pageview (event_id, url, at) VALUES ($1, '/cart?x=' || $1, '2026-01-31T23:59:59Z') ON CONFLICT DO NOTHING`, id)
	}
	e.Exec(`INSERT INTO pageview (event_id, url, at) SELECT 'n' || i, '/p' || i % 2 || '#x', now() FROM generate_series(1, 3) AS i`)
	e.Exec(`INSERT INTO order_placed (identifier, visitor, currency, total, pieces, at) VALUES ('o1', TRUE, 'usd', 150, 2, now()),
		('o2', TRUE, 'usd', 50, 1, now())`)
	if n := e.Number(`SELECT views FROM pageview_day WHERE day = '2026-01-31' AND page = '/cart'`); n != 2 {
		t.Errorf("%d views of a day, want 2", n)
	}
	a := e.staff().Get("/staff/reports/summary?days=1")
	a.Want(3, "page_views", "0", "count")
	a.Want(2, "orders", "0", "count")
	a.Want(3, "orders", "0", "pieces")
	a.Want("2.00", "orders", "0", "total")
	a.Want("/p1", "top_urls", "0", "name")
	a.Want(2, "top_urls", "0", "count")
}
