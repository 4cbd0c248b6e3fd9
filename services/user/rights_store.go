package user

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// findPerson locks a person's accounts and says where else the person is found.
func findPerson(ctx context.Context, tx pgx.Tx, p Person) (h msg.Person, err error) {
	h.MemberIDs, err = pg.List[int64](ctx, tx, "look for a person's accounts", `
		SELECT id FROM account WHERE id = $1 OR lower(email) = lower(nullif($2::varchar, '')) ORDER BY id FOR UPDATE`,
		p.MemberID, p.Email)
	if err != nil {
		return msg.Person{}, err
	}
	h.Emails, err = pg.List[string](ctx, tx, "look for a person's addresses", `
		SELECT email FROM (
			SELECT email FROM account WHERE id = ANY($1) UNION SELECT email FROM former_address WHERE member_id = ANY($1)
			UNION SELECT $2::varchar WHERE $2::varchar <> '') AS known
		WHERE NOT EXISTS (SELECT FROM account a WHERE lower(a.email) = lower(known.email) AND a.email_verified AND a.id <> ALL($1)) ORDER BY email`, h.MemberIDs, p.Email)
	if err != nil {
		return msg.Person{}, err
	}
	h.ProspectIDs, err = pg.List[int64](ctx, tx, "look for a person's prospect records", `
		SELECT id FROM prospect WHERE lower(email) = ANY(SELECT lower(e) FROM unnest($1::text[]) AS n (e))
		ORDER BY id FOR UPDATE`, h.Emails)
	if err != nil {
		return msg.Person{}, err
	}
	h.Codes, err = pg.List[string](ctx, tx, "look for a person's codes", `
		SELECT mb_cd FROM account WHERE id = ANY($1) UNION SELECT unsubscribe_token FROM account WHERE id = ANY($1)
		UNION SELECT pr_cd FROM prospect WHERE id = ANY($2) UNION SELECT unsubscribe_token FROM prospect WHERE id = ANY($2)
		UNION SELECT pr_cd FROM prospect_alias WHERE prospect_id = ANY($2) ORDER BY 1`, h.MemberIDs, h.ProspectIDs)
	return h, err
}

// readPersonRows is one JSON object with a list for each table.
func readPersonRows(ctx context.Context, tx pgx.Tx, h msg.Person) (raw json.RawMessage, err error) {
	return pg.Get[json.RawMessage](ctx, tx, "export a person", `
		SELECT jsonb_build_object(
			'accounts', (SELECT coalesce(jsonb_agg(to_jsonb(t) - 'password' ORDER BY id), '[]') FROM account t WHERE id = ANY($1)),
			'address_changes', (SELECT coalesce(jsonb_agg(to_jsonb(t) - 'hash' ORDER BY id), '[]') FROM address_change t WHERE member_id = ANY($1)),
			'former_addresses', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY until), '[]') FROM former_address t WHERE member_id = ANY($1)),
			'terms_agreed', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY id), '[]') FROM terms_agreed t WHERE member_id = ANY($1)),
			'codes', (SELECT coalesce(jsonb_agg(to_jsonb(t) - 'hash' ORDER BY id), '[]') FROM code t WHERE member_id = ANY($1)),
			'prospects', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY id), '[]') FROM prospect t WHERE id = ANY($2)),
			'prospect_codes', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY pr_cd), '[]') FROM prospect_alias t WHERE prospect_id = ANY($2)),
			'consents', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY id), '[]') FROM consent t WHERE member_id = ANY($1) OR prospect_id = ANY($2)),
			'unsubscribe_reasons', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY id), '[]') FROM unsubscribe_reason t WHERE member_id = ANY($1) OR prospect_id = ANY($2)),
			'chat_messages', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY id), '[]') FROM chat_message t
				WHERE member_id = ANY($1) OR prospect_id = ANY($2) OR lower(email) = ANY(SELECT lower(e) FROM unnest($3::text[]) AS n (e))),
			'requests_for_mails', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY id), '[]') FROM mail_request t WHERE lower(email) = ANY(SELECT lower(e) FROM unnest($3::text[]) AS n (e))))`,
		h.MemberIDs, h.ProspectIDs, h.Emails)
}

// deletePersonRows leaves no row of a person.
func deletePersonRows(ctx context.Context, tx pgx.Tx, h msg.Person) error {
	for _, step := range []struct {
		what, sql string
		args      []any
	}{
		{"chat messages", `DELETE FROM chat_message WHERE member_id = ANY($1) OR prospect_id = ANY($2) OR lower(email) = ANY(SELECT lower(e) FROM unnest($3::text[]) AS n (e))`, []any{h.MemberIDs, h.ProspectIDs, h.Emails}},
		{"requests for mails", `DELETE FROM mail_request WHERE lower(email) IN (SELECT lower(e) FROM unnest($1::text[]) AS n (e))`, []any{h.Emails}},
		{"prospects", `DELETE FROM prospect WHERE id = ANY($1)`, []any{h.ProspectIDs}},
		{"accounts", `DELETE FROM account WHERE id = ANY($1)`, []any{h.MemberIDs}}, // and with them all that refers to them
	} {
		if err := pg.Exec(ctx, tx, "erase a person's "+step.what, step.sql, step.args...); err != nil {
			return err
		}
	}
	return nil
}
