package mailer

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/printout"
)

// Export is everything that this service has of a person, as a JSON object with a list for each
// table: who they are to mailer, and the mails to them with what they were filled with. The ledger
// knows receivers by keyed hashes; the addresses are found in what the mails were filled with, for as
// long as that is kept.
func Export(ctx context.Context, pool *pgxpool.Pool, p msg.Person) (raw json.RawMessage, err error) {
	ids, err := deliveriesTo(ctx, pool, msg.Erased{Emails: p.Emails, Codes: p.Codes})
	if err != nil {
		return nil, err
	}
	var recipients json.RawMessage
	err = pool.QueryRow(ctx, `
		SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY kind, id), '[]') FROM recipient t WHERE kind = 'member' AND id = ANY($1) OR kind = 'prospect' AND id = ANY($2)`,
		p.MemberIDs, p.ProspectIDs).Scan(&recipients)
	if err != nil {
		return nil, fmt.Errorf("export a person as mailer knows them: %w", err)
	}
	rows, err := pool.Query(ctx, `
		SELECT to_jsonb(t) - 'to_hashes' - 'payload', payload FROM delivery t WHERE id = ANY($1) OR member_id = ANY($2) OR prospect_code = ANY($3) ORDER BY id`,
		ids, p.MemberIDs, p.Codes)
	if err != nil {
		return nil, fmt.Errorf("export a person's mails: %w", err)
	}
	deliveries, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (json.RawMessage, error) {
		var delivery json.RawMessage
		var payload []byte
		if err := row.Scan(&delivery, &payload); err != nil {
			return nil, err
		}
		return printout.With(delivery, "payload", payload)
	})
	if err != nil {
		return nil, fmt.Errorf("export a person's mails: %w", err)
	}
	return json.Marshal(map[string]any{"recipients": recipients, "deliveries": append([]json.RawMessage{}, deliveries...)})
}
