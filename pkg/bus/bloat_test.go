package bus_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// An hour of messages that no vacuum may remove, because a transaction is as old, must not slow
// later ones down: storing, claiming and confirming a message costs about as many buffers as in an
// empty outbox.
func TestDeadRowsCostTheOutboxNothing(t *testing.T) {
	t.Parallel()
	url := testenv.Database(t, testenv.Schema{Service: "order", Sets: []pg.Set{bus.Tables()}})
	owner := testenv.OpenOwner(t, url, "order")
	old, err := owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer old.Rollback(t.Context()) //nolint:errcheck // it changed nothing
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

const (
	// hourRows is an hour of 55 messages a second, in the waves between two visits of autovacuum.
	hourRows, hourWaves = 200_000, 60
	// hourMeasured is how many messages are stored, claimed, noted and confirmed to measure that.
	hourMeasured = 10
)

// After an hour of messages that came and went, storing, claiming, noting and confirming further
// ones touches as many buffers as after a minute.
func TestAnHourCostsTheOutboxNothing(t *testing.T) {
	t.Parallel()
	url := testenv.Database(t, testenv.Schema{Service: "order", Sets: []pg.Set{bus.Tables()}})
	owner := testenv.OpenOwner(t, url, "order")
	db := testenv.DB{TB: t, Conn: owner}

	var minute, hour map[string]int
	for wave := range hourWaves {
		db.Exec(`INSERT INTO inbox (consumer, key) SELECT 'user-order', 'order-placed:' || md5(i::text)
			FROM generate_series($1::int, $2::int) AS i`, wave*hourRows/hourWaves, (wave+1)*hourRows/hourWaves-1)
		db.Exec(`INSERT INTO outbox (key, subject, payload, pending, attempts, next_at)
			SELECT 'order-placed:' || md5(i::text), 'order.placed', convert_to(repeat(md5(i::text), 20), 'UTF8'),
			  '{user-order}', 1, now() + i * interval '1 ms' FROM generate_series($1::int, $2::int) AS i`,
			wave*hourRows/hourWaves, (wave+1)*hourRows/hourWaves-1)
		db.Exec(`DELETE FROM outbox`)
		if hour = messageBuffers(t, owner, wave); wave == 0 {
			minute = hour
		}
		db.Exec(`VACUUM outbox`)
	}

	for what, before := range minute {
		t.Logf("%s: %d buffers after a minute, %d after an hour", what, before, hour[what])
		// Two indexes may have grown by a level since.
		if now := hour[what]; now > before+before/4+2*hourMeasured {
			t.Errorf("%s of %d messages touches %d buffers after an hour, %d after a minute", what, hourMeasured, now, before)
		}
	}
}

// messageBuffers is how many buffers new messages touch on their way.
func messageBuffers(t *testing.T, pool *pgxpool.Pool, wave int) map[string]int {
	t.Helper()
	keys, receivers := make([]string, hourMeasured), make([]string, hourMeasured)
	subjects, pending := make([]string, hourMeasured), make([]string, hourMeasured)
	payloads, texts := make([][]byte, hourMeasured), make([]string, hourMeasured)
	numbers, times := make([]int64, hourMeasured), make([]time.Time, hourMeasured)
	for i := range hourMeasured {
		keys[i], receivers[i] = fmt.Sprintf("order-placed:%x", sha256.Sum256(fmt.Append(nil, wave, i))), msg.UserOrder
		subjects[i], pending[i], payloads[i], times[i] = msg.OrderPlacedSubject, "{user-order}", []byte(`{"n":1}`), time.Now()
	}
	return map[string]int{
		"storing":    buffers(t, pool, bus.EnqueueSQL, keys, subjects, payloads, pending, texts, 0, time.Second),
		"claiming":   buffers(t, pool, bus.ClaimSQL, 500, time.Now().Add(-30*time.Second)),
		"noting":     buffers(t, pool, bus.NoteSQL, msg.UserOrder, keys, numbers, times, numbers, texts),
		"confirming": buffers(t, pool, bus.ConfirmSQL, keys, receivers),
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
