package bus_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// An hour of messages that no vacuum may touch, because a transaction is as old, must not be read by those that come now:
// storing, claiming and confirming a message costs about as many buffers as in an empty outbox.
func TestDeadRowsCostTheOutboxNothing(t *testing.T) {
	t.Parallel()
	url := testenv.Database(t, testenv.Schema{Service: "order", Sets: []pg.Set{bus.Tables()}})
	owner := testenv.OpenOwner(t, url, "order")
	old, err := owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer old.Rollback(t.Context()) //nolint:errcheck // it was only there
	if _, err := old.Exec(t.Context(), `SELECT pg_current_xact_id()`); err != nil {
		t.Fatal(err)
	}
	db := testenv.DB{TB: t, Conn: owner}
	db.Exec(`INSERT INTO outbox (key, subject, payload, pending, attempts, next_at)
		SELECT 'old-' || i, 'order.placed', convert_to(repeat('x', 900), 'UTF8'), '{user-order}', 1,
		  now() - interval '1 hour' + i * interval '0.1 s'
		FROM generate_series(1, 20000) AS i`)
	db.Exec(`DELETE FROM outbox`)
	db.Exec(`INSERT INTO outbox (key, subject, payload, pending) SELECT 'new-' || i, 'order.placed', '{}', '{user-order}'
		FROM generate_series(1, 10) AS i`)
	for what, hits := range map[string]int{
		"claim": buffers(t, owner, bus.ClaimSQL, 500, time.Now().Add(-30*time.Second)),
		"confirm": buffers(t, owner, bus.ConfirmSQL, []string{"new-1", "new-2", "new-3"},
			[]string{"user-order", "user-order", "user-order"}),
	} {
		t.Logf("%s: %d buffers", what, hits)
		if hits > 250 {
			t.Errorf("%s of ten rows reads %d buffers", what, hits)
		}
	}
}

// buffers is how many buffers a statement reads, executed for real.
func buffers(t *testing.T, db pg.DB, sql string, args ...any) (n int) {
	t.Helper()
	var raw []byte
	if err := db.QueryRow(t.Context(), `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) `+sql, append([]any{pgx.QueryExecModeExec}, args...)...).
		Scan(&raw); err != nil {
		t.Fatal(fmt.Errorf("explain: %w", err))
	}
	var plans []struct {
		Plan struct {
			Hit  int `json:"Shared Hit Blocks"`
			Read int `json:"Shared Read Blocks"`
		}
	}
	if err := json.Unmarshal(raw, &plans); err != nil {
		t.Fatal(err)
	}
	return plans[0].Plan.Hit + plans[0].Plan.Read
}
