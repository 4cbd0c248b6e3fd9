package webhook

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/printout"
)

// Export is everything that this service has of a person: the events of Stripe that name them, and
// those of the same purchases.
func Export(ctx context.Context, pool *pgxpool.Pool, p msg.Person) (raw json.RawMessage, err error) {
	ids, err := eventsAbout(ctx, pool, msg.Erased{Emails: p.Emails, Codes: p.Codes})
	if err != nil {
		return nil, err
	}
	rows, err := pool.Query(ctx, `SELECT to_jsonb(t) - 'payload', payload FROM event t WHERE id = ANY($1) ORDER BY received, id`, ids)
	if err != nil {
		return nil, fmt.Errorf("export the events of a person: %w", err)
	}
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (json.RawMessage, error) {
		var event json.RawMessage
		var payload []byte
		if err := row.Scan(&event, &payload); err != nil {
			return nil, err
		}
		return printout.With(event, "payload", payload)
	})
	if err != nil {
		return nil, fmt.Errorf("export the events of a person: %w", err)
	}
	return json.Marshal(map[string][]json.RawMessage{"events": append([]json.RawMessage{}, events...)})
}
