package user

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// findPerson locks a person's accounts and says where else the person is found.
func findPerson(ctx context.Context, tx pgx.Tx, p Person) (h holdings, err error) {
	rows, err := tx.Query(ctx, `SELECT id FROM account WHERE id = $1 OR email = nullif($2::varchar, '') ORDER BY id FOR UPDATE`, p.MemberID, p.Email)
	if err != nil {
		return holdings{}, fmt.Errorf("look for a person's accounts: %w", err)
	}
	if h.Members, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
		return holdings{}, fmt.Errorf("look for a person's accounts: %w", err)
	}
	rows, err = tx.Query(ctx, `
		SELECT email FROM (
			SELECT email FROM account WHERE id = ANY($1) UNION SELECT email FROM former_address WHERE member_id = ANY($1)
			UNION SELECT $2::varchar WHERE $2::varchar <> '') AS known
		WHERE NOT EXISTS (SELECT FROM account a WHERE a.email = known.email AND a.email_verified AND a.id <> ALL($1)) ORDER BY email`, h.Members, p.Email)
	if err != nil {
		return holdings{}, fmt.Errorf("look for a person's addresses: %w", err)
	}
	if h.Emails, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return holdings{}, fmt.Errorf("look for a person's addresses: %w", err)
	}
	rows, err = tx.Query(ctx, `SELECT id FROM prospect WHERE email = ANY($1) ORDER BY id FOR UPDATE`, h.Emails)
	if err != nil {
		return holdings{}, fmt.Errorf("look for a person's prospect records: %w", err)
	}
	if h.Prospects, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
		return holdings{}, fmt.Errorf("look for a person's prospect records: %w", err)
	}
	return h, nil
}

// readPersonRows is one JSON object with a list for each table.
func readPersonRows(ctx context.Context, tx pgx.Tx, h holdings) (raw json.RawMessage, err error) {
	err = tx.QueryRow(ctx, `
		SELECT jsonb_build_object(
			'accounts', (SELECT coalesce(jsonb_agg(to_jsonb(t) - 'password' ORDER BY id), '[]') FROM account t WHERE id = ANY($1)),
			'former_addresses', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY until), '[]') FROM former_address t WHERE member_id = ANY($1)),
			'terms_agreed', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY id), '[]') FROM terms_agreed t WHERE member_id = ANY($1)),
			'codes', (SELECT coalesce(jsonb_agg(to_jsonb(t) - 'hash' ORDER BY id), '[]') FROM code t WHERE member_id = ANY($1)),
			'prospects', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY id), '[]') FROM prospect t WHERE id = ANY($2)),
			'prospect_codes', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY pr_cd), '[]') FROM prospect_alias t WHERE prospect_id = ANY($2)),
			'consents', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY id), '[]') FROM consent t WHERE member_id = ANY($1) OR prospect_id = ANY($2)),
			'unsubscribe_reasons', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY id), '[]') FROM unsubscribe_reason t WHERE member_id = ANY($1) OR prospect_id = ANY($2)),
			'chat_messages', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY id), '[]') FROM chat_message t
				WHERE member_id = ANY($1) OR prospect_id = ANY($2) OR email = ANY($3)))`,
		h.Members, h.Prospects, h.Emails).Scan(&raw)
	if err != nil {
		return nil, fmt.Errorf("export a person: %w", err)
	}
	return raw, nil
}

// deletePersonRows leaves nothing of a person: neither rows nor what waits to be sent or lies parked.
func deletePersonRows(ctx context.Context, tx pgx.Tx, h holdings) error {
	for _, step := range []struct {
		what, sql string
		args      []any
	}{
		{"chat messages", `DELETE FROM chat_message WHERE member_id = ANY($1) OR prospect_id = ANY($2) OR email = ANY($3)`, []any{h.Members, h.Prospects, h.Emails}},
		{"requests for mails", `DELETE FROM mail_request WHERE lower(email) IN (SELECT lower(e) FROM unnest($1::text[]) AS n (e))`, []any{h.Emails}},
		{"prospects", `DELETE FROM prospect WHERE id = ANY($1)`, []any{h.Prospects}},
		{"accounts", `DELETE FROM account WHERE id = ANY($1)`, []any{h.Members}}, // and with them all that refers to them
		// An address stands in JSON as it is, but for an ampersand, which Go escapes.
		{"messages to be sent", `
			DELETE FROM outbox WHERE EXISTS (SELECT FROM unnest($1::text[]) AS n (e) WHERE position(convert_to('"' || replace(e, '&', '\u0026') || '"', 'UTF8') IN payload) > 0)`, []any{h.Emails}},
		{"parked messages", `
			DELETE FROM parked WHERE EXISTS (SELECT FROM unnest($1::text[]) AS n (e) WHERE position(lower('"' || replace(e, '&', '\\u0026') || '"') IN lower(encode(payload, 'escape'))) > 0)`, []any{h.Emails}},
	} {
		if _, err := tx.Exec(ctx, step.sql, step.args...); err != nil {
			return fmt.Errorf("erase a person's %s: %w", step.what, err)
		}
	}
	return nil
}
