package webhook

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Events about a person, and those of the same purchase, are found by the index of their marks;
// events that are older than the marks are found by their text.
func TestEventsAreFoundByIndex(t *testing.T) {
	t.Parallel()
	const rows = 3000
	pool := testenv.Pool(t, "webhook", Migrations()...)
	e := testenv.DB{TB: t, Conn: pool}

	e.Exec(`INSERT INTO event (id, type, payload, marks)
		SELECT 'evt_' || i, 'x', '{}', ARRAY[i] FROM generate_series(1, $1::int) AS i`, rows)
	for id, body := range map[string]string{
		"evt_mine": `{"id":"cs_test_123456","email":"Ann@mail.example.com"}`, "evt_same": `{"session":"cs_test_123456","name":"Ann Lee"}`,
		"evt_jo": `{"id":"cs_test_999999","email":"joann@mail.example.com"}`,
	} {
		e.Exec(`INSERT INTO event (id, type, payload, marks) VALUES ($1, 'x', $2, $3)`,
			id, []byte(body), erasure.Fingerprints([]byte(body)))
	}
	e.Exec(`INSERT INTO event (id, type, payload) VALUES ('evt_old', 'x', '{"email":"ann@mail.example.com"}')`)
	e.Exec(`VACUUM ANALYZE event`)

	p := erasure.Person{MemberIDs: []int64{7}, Emails: []string{"ann@mail.example.com"}}
	whole := e.ReadsWhole(rows, func(tx pgx.Tx, in testenv.DB) {
		if err := eraseEvents(t.Context(), tx, p); err != nil {
			t.Error(err)
		}
		if left := in.Text(`SELECT string_agg(id, ' ') FROM event WHERE id = ANY($1) AND payload <> '{}'`,
			[]string{"evt_mine", "evt_same", "evt_jo", "evt_old"}); left != "evt_jo" {
			t.Errorf("left as they were: %s", left)
		}
		if n := in.Number(`SELECT count(*) FROM event WHERE id IN ('evt_mine', 'evt_same') AND marks <> '{}'`); n != 0 {
			t.Errorf("%d emptied events have marks", n)
		}
	})

	if len(whole) != 0 {
		t.Errorf("read whole: %q", whole)
	}
}
