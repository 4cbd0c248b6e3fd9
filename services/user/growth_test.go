package user

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Finding, exporting and erasing a person reads no table whole that grows with every member.
func TestAPersonIsFoundByIndex(t *testing.T) {
	t.Parallel()
	const rows = 3000
	pool := testenv.Pool(t, "user", Migrations()...)
	e := testenv.DB{TB: t, Conn: pool}

	e.Exec(`INSERT INTO account (id, username, password, first_name, last_name, email, unsubscribe_token, mb_cd)
		SELECT i, 'u' || i, 'x', 'Ann', 'Lee', 'Buyer' || i || '@mail.example.com', 't' || i, 'm' || i
		FROM generate_series(1, $1::int) AS i`, rows)
	e.Exec(`INSERT INTO prospect (id, email, unsubscribe_token, pr_cd)
		SELECT i, 'buyer' || i || '@mail.example.com', 't' || i, 'p' || i FROM generate_series(1, $1::int) AS i`, rows)
	e.Exec(`INSERT INTO chat_message (member_id, name, email, message) SELECT id, 'Ann', email, 'x' FROM account`)
	e.Exec(`INSERT INTO consent (member_id, what, given, at, source) SELECT id, 'x', TRUE, now(), 'x' FROM account`)
	e.Exec(`INSERT INTO former_address (member_id, email) SELECT id, 'old' || email FROM account`)
	e.Exec(`VACUUM ANALYZE`)

	whole := e.ReadsWhole(rows, func(tx pgx.Tx, _ testenv.DB) {
		p, err := FindPerson(t.Context(), tx, erasure.Person{MemberIDs: []int64{7}, Emails: []string{"BUYER9@mail.example.com"}})
		if err != nil || len(p.MemberIDs) != 2 || len(p.ProspectIDs) != 2 {
			t.Errorf("found %+v, %v", p, err)
		}
		if _, err := ExportPerson(t.Context(), tx, p); err != nil {
			t.Error(err)
		}
		if err := erasePerson(t.Context(), tx, p); err != nil {
			t.Error(err)
		}
	})

	if len(whole) != 0 {
		t.Errorf("read whole: %q", whole)
	}
}
