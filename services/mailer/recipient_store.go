package mailer

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// upsertRecipient notes the newest version of a person, unless the person was erased.
func upsertRecipient(ctx context.Context, tx pgx.Tx, r recipient) error {
	return pg.Exec(ctx, tx, "store $1 $2", `
		INSERT INTO recipient (kind, id, email, first_name, last_name, code, newsletter, unsubscribed, token, version, refused)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 WHERE NOT EXISTS (SELECT FROM erased WHERE kind = $1 AND id = $2)
		ON CONFLICT (kind, id) DO UPDATE SET email = excluded.email, first_name = excluded.first_name, last_name = excluded.last_name, code = excluded.code,
			newsletter = excluded.newsletter, unsubscribed = excluded.unsubscribed, token = excluded.token, version = excluded.version,
			refused = excluded.refused
		WHERE recipient.version < excluded.version`,
		r.kind, r.id, r.email, r.firstName, r.lastName, r.code, r.newsletter, r.unsubscribed, r.token, r.version, r.refused)
}

// wantsNewsletters is a condition on r: members who asked for newsletters, prospects who have not
// unsubscribed; and none whose address, in whatever letters, is also that of a record that refuses
// them. Prospects of whom user has not told more than "unsubscribed" speak for other prospects.
const wantsNewsletters = ` NOT r.unsubscribed AND (r.newsletter OR r.kind = 'prospect') AND NOT EXISTS (
	SELECT FROM recipient o WHERE lower(o.email) IN (lower(r.email), lower($2)) AND (o.kind = 'member' AND o.unsubscribed
		OR o.kind = 'prospect' AND coalesce(o.refused, o.unsubscribed AND r.kind = 'prospect'))) `

// listReceivers are the people of a kind who want newsletters, each address once.
func listReceivers(ctx context.Context, d pg.DB, kind string) ([]recipient, error) {
	return queryReceivers(ctx, d, `
		SELECT * FROM (SELECT DISTINCT ON (lower(email)) kind, id, email, first_name, code, token FROM recipient r
			WHERE kind = $1 AND`+wantsNewsletters+`ORDER BY lower(email), id) AS once ORDER BY id`, kind, "")
}

// findReceiver is one of them, if that person still wants newsletters; address is where the mail goes,
// which the person may have left since.
func findReceiver(
	ctx context.Context, d pg.DB, kind string, id int64, address string,
) (r recipient, wanted bool, err error) {
	list, err := queryReceivers(ctx, d, `
		SELECT kind, id, email, first_name, code, token FROM recipient r WHERE kind = $1 AND id = $3 AND`+wantsNewsletters, kind, address, id)
	if err != nil || len(list) == 0 {
		return recipient{}, false, err
	}
	return list[0], true, nil
}

func queryReceivers(ctx context.Context, d pg.DB, sql string, args ...any) ([]recipient, error) {
	rows, err := d.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("look for the receivers of newsletters: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r recipient, err error) {
		err = row.Scan(&r.kind, &r.id, &r.email, &r.firstName, &r.code, &r.token)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("look for the receivers of newsletters: %w", err)
	}
	return list, nil
}

// erase deletes a person and the mails to the person's addresses. A mail that waits for another
// member who shares the address stays.
func erase(ctx context.Context, tx pgx.Tx, e msg.Erased, hashes []string) error {
	err := pg.Exec(ctx, tx, "erase a person", `
		WITH who AS (SELECT * FROM (VALUES ('member', $1::bigint), ('prospect', $2::bigint)) AS w (kind, id) WHERE id <> 0),
		noted AS (INSERT INTO erased (kind, id) SELECT kind, id FROM who ON CONFLICT DO NOTHING),
		gone AS (DELETE FROM recipient r USING who WHERE r.kind = who.kind AND r.id = who.id)
		DELETE FROM delivery WHERE (member_id = $1 AND $1 <> 0)
			OR (to_hashes && $3 AND (state NOT IN ('queued', 'paused') OR member_id IS NULL))`, e.MemberID, e.ProspectID, hashes)
	if err != nil {
		return err
	}
	return bus.ForgetPeople(ctx, tx, e)
}

// deliveriesTo finds mails by what they were filled with.
func deliveriesTo(ctx context.Context, pool *pgxpool.Pool, e msg.Erased) (ids []int64, err error) {
	rows, err := pool.Query(ctx, `
		SELECT id, payload FROM delivery WHERE payload IS NOT NULL AND EXISTS (
			SELECT FROM unnest($1::text[]) AS n (needle) WHERE position(encode(convert_to(needle, 'UTF8'), 'escape') IN lower(encode(payload, 'escape'))) > 0)`, e.Needles())
	if err != nil {
		return nil, fmt.Errorf("look for the mails of a person: %w", err)
	}
	var id int64
	var payload []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &payload}, func() error {
		if e.Mentions(payload) {
			ids = append(ids, id)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for the mails of a person: %w", err)
	}
	return ids, nil
}
