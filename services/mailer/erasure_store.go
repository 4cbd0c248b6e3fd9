package mailer

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// isPersonSQL is a condition on recipient: a person is a member ($1) or a prospect ($2).
const isPersonSQL = `(kind = 'member' AND id = ANY($1) OR kind = 'prospect' AND id = ANY($2))`

// eraseMails deletes a person and the mails to the person's addresses. A mail that waits for
// another member who shares the address stays.
func eraseMails(ctx context.Context, tx pgx.Tx, p erasure.Person, hashes []string) error {
	return pg.Exec(ctx, tx, "erase a person", `
		WITH noted AS (
		  INSERT INTO erased (kind, id)
		  SELECT 'member', unnest($1::bigint[]) UNION ALL SELECT 'prospect', unnest($2::bigint[])
		  ON CONFLICT DO NOTHING
		), gone AS (
		  DELETE FROM recipient WHERE `+isPersonSQL+`
		), back AS (
		  DELETE FROM bounced WHERE hash = ANY($3)
		), mails AS (
		  DELETE FROM delivery
		  WHERE member_id = ANY($1) OR (to_hashes && $3 AND (state NOT IN ('queued', 'paused') OR member_id IS NULL))
		  RETURNING id, newsletter_id, state)`+
		countingSQL(`SELECT id, newsletter_id, 'dropped', 1 FROM mails WHERE state IN ('queued', 'paused')`),
		p.MemberIDs, p.ProspectIDs, hashes)
}

// ExportMails exports all that mailer has of a person: the recipient, and the mails to them with
// their data. The ledger knows receivers only by keyed hashes; the addresses are found in the data,
// for as long as that is kept.
func ExportMails(ctx context.Context, db pg.DB, p erasure.Person) (json.RawMessage, error) {
	named, err := erasure.Mentioning[int64](ctx, db, p, "look for the mails of a person",
		`SELECT id, '', payload FROM delivery WHERE payload IS NOT NULL AND `+erasure.InBytes("payload", "$1"))
	if err != nil {
		return nil, err
	}
	deliveries, err := erasure.ExportPayloads(ctx, db, erasure.Table{
		Name: "deliveries", Rows: `delivery WHERE id = ANY($1) OR member_id = ANY($2) OR prospect_code = ANY($3) ` +
			`ORDER BY id`, Without: "to_hashes,written,bounced", // written repeats the payload
	}, named, p.MemberIDs, p.Codes)
	if err != nil {
		return nil, err
	}
	recipients, err := pg.List[json.RawMessage](ctx, db, "export a person as mailer knows them",
		`SELECT to_jsonb(t) FROM recipient t WHERE `+isPersonSQL+` ORDER BY kind, id`, p.MemberIDs, p.ProspectIDs)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string][]json.RawMessage{"recipients": recipients, "deliveries": deliveries})
}
