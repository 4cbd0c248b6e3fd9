package events

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Erasing and exporting a person reads no table whole that grows with every visit or order.
func TestErasureAndExportUseIndexes(t *testing.T) {
	t.Parallel()
	const rows = 3000
	pool := testenv.Pool(t, "events", Migrations()...)
	e := testenv.DB{TB: t, Conn: pool}

	e.Exec(`INSERT INTO member (id, mb_cd, version) SELECT i, 'm' || i, 1 FROM generate_series(1, $1::int) AS i`, rows)
	e.Exec(`INSERT INTO prospect (id, version) SELECT i, 1 FROM generate_series(1, $1::int) AS i`, rows)
	const visits = `SELECT 'e' || i, i, 'b' || i, '/p' || i % 9 || '?email=buyer' || i || '%40mail.example.com', $2, now()
		FROM generate_series(1, $1::int) AS i`
	e.Exec(`INSERT INTO page_view (event_id, user_id, anonymous_id, url, order_mark, at) `+visits, rows, "x")
	e.Exec(`INSERT INTO call_error (event_id, user_id, anonymous_id, url, error_id, at) `+visits, rows, "x")
	e.Exec(`INSERT INTO click (event_id, user_id, anonymous_id, url, button_id, at) `+visits, rows, "x")
	e.Exec(`INSERT INTO arrival (event_id, user_id, anonymous_id, url, prospect_id, at)
		SELECT event_id, user_id, anonymous_id, url, user_id, at FROM page_view`)
	for _, t := range visitTables { // as during an upgrade
		e.Exec(`INSERT INTO ` + t.before + ` (` + movedColumns[t.now] + `) SELECT ` + movedColumns[t.now] + ` FROM ` + t.now)
	}

	e.Exec(`UPDATE page_view SET order_mark = event_id`)
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
		for _, table := range []string{"page_view", "call_error", "click", "arrival", "pageview", "ajax_error",
			"button_click", "link_event"} {
			if n := in.Number(`SELECT count(*) FROM ` + table + ` WHERE user_id = 7 OR anonymous_id IN ('b7', 'b9')`); n != 0 {
				t.Errorf("%d rows of %s still name the person", n, table)
			}
		}
	})

	if len(whole) != 0 {
		t.Errorf("read whole: %q", whole)
	}
}
