package mailer

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// Export is everything that this service has of a person, as a JSON object with a list for each
// table: who they are to mailer, and the mails to them with what they were filled with. The ledger
// knows receivers by keyed hashes; the addresses are found in what the mails were filled with, for as
// long as that is kept.
func Export(ctx context.Context, pool *pgxpool.Pool, p msg.Person) (raw json.RawMessage, err error) {
	deliveries, err := deliveriesTo(ctx, pool, msg.Erased{Emails: p.Emails, Codes: p.Codes})
	if err != nil {
		return nil, err
	}
	err = pool.QueryRow(ctx, `
		SELECT jsonb_build_object(
			'recipients', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY kind, id), '[]') FROM recipient t
				WHERE kind = 'member' AND id = ANY($1) OR kind = 'prospect' AND id = ANY($2)),
			'deliveries', (SELECT coalesce(jsonb_agg(to_jsonb(t) - 'to_hashes' || jsonb_build_object('payload', convert_from(payload, 'UTF8')::jsonb) ORDER BY id), '[]') FROM delivery t
				WHERE id = ANY($3) OR member_id = ANY($1) OR prospect_code = ANY($4)))`,
		p.MemberIDs, p.ProspectIDs, deliveries, p.Codes).Scan(&raw)
	if err != nil {
		return nil, fmt.Errorf("export a person's mails: %w", err)
	}
	return raw, nil
}
