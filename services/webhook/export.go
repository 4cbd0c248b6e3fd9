package webhook

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// Export is everything that this service has of a person: the events of Stripe that name them, and
// those of the same purchases.
func Export(ctx context.Context, pool *pgxpool.Pool, p msg.Person) (raw json.RawMessage, err error) {
	ids, err := eventsAbout(ctx, pool, msg.Erased{Emails: p.Emails, Codes: p.Codes})
	if err != nil {
		return nil, err
	}
	err = pool.QueryRow(ctx, `
		SELECT jsonb_build_object('events', (
			SELECT coalesce(jsonb_agg(to_jsonb(t) || jsonb_build_object('payload', convert_from(payload, 'UTF8')::jsonb) ORDER BY received, id), '[]') FROM event t WHERE id = ANY($1)))`,
		ids).Scan(&raw)
	if err != nil {
		return nil, fmt.Errorf("export the events of a person: %w", err)
	}
	return raw, nil
}
