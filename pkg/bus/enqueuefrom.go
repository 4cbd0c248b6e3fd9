package bus

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// EnqueueFrom is Enqueue for messages whose payloads are in a table of the service already, in the column
// payload of the row whose id is the message's key: the database takes them from there, as they are.
// Each has headers of its own, as JSON.
func EnqueueFrom(ctx context.Context, tx pgx.Tx, table string, keys, subjects, headers []string) error {
	pending := make([]string, len(subjects))
	for i, subject := range subjects {
		pending[i] = pendingFor(subject)
	}
	// QueryExecModeExec plans it each time: a plan that was made while the table was small would go
	// through all of it when it is large.
	_, err := tx.Exec(ctx, `
		INSERT INTO outbox (key, subject, payload, headers, pending)
		SELECT id, subject, payload, headers::jsonb, pending::text[]
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS n (id, subject, headers, pending)
		  JOIN `+table+` USING (id)
		ON CONFLICT (key) DO NOTHING`, pgx.QueryExecModeExec, keys, subjects, headers, pending)
	if err != nil {
		return fmt.Errorf("enqueue %d messages from %s: %w", len(keys), table, err)
	}
	return nil
}
