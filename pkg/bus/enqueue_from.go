package bus

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// EnqueueFrom is Enqueue for messages whose payloads are in a table of the service already, in the
// column payload of the row whose id is the message's key: the database takes them from there, as
// they are. Each has headers of its own, as JSON.
func EnqueueFrom(ctx context.Context, tx pgx.Tx, table string, keys, subjects, headers []string) error {
	pending := make([]string, len(subjects))
	for i, subject := range subjects {
		pending[i] = pendingFor(subject)
	}
	var t *handingTx
	if len(keys) <= handedFrom {
		t = handing(tx, len(keys))
	} else {
		markDue(tx)
	}

	// QueryExecModeExec plans it each time: a plan that was made while the table was small would go
	// through all of it when it is large.
	sql := `
		INSERT INTO outbox (key, subject, payload, headers, pending, attempts, next_at)
		SELECT id, subject, payload, headers::jsonb, pending::text[], $5::int, now() + $5::int * $6::interval
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS n (id, subject, headers, pending)
		  JOIN ` + table + ` USING (id)
		ON CONFLICT (key) DO NOTHING`

	args := []any{pgx.QueryExecModeExec, keys, subjects, headers, pending, t.attempts(), publishAfter}
	if t == nil {
		return pg.Exec(ctx, tx, "enqueue messages from "+table, sql, args...)
	}
	rows, err := pg.List[outboxRow](ctx, tx, "enqueue messages from "+table, sql+` RETURNING `+outboxColumns, args...)
	t.rows = append(t.rows, rows...)
	return err
}

// handedFrom is how many messages EnqueueFrom hands to the relay at most: it has to read their
// payloads for that, which a claim does once for many.
const handedFrom = 8
