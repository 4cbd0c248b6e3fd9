package user

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// FindPerson says where a person is found that a command names by a member's id or by an address. What
// is known under a member's addresses counts as the member's, proved or not, so look first whether the
// person who asks is the one the address belongs to. An address that another member has proved stays
// that member's.
func FindPerson(ctx context.Context, db pg.DB, named erasure.Person) (p erasure.Person, err error) {
	p.MemberIDs, err = pg.List[int64](ctx, db, "look for a person's accounts", `
		SELECT id FROM account WHERE id = ANY($1) OR lower(email) = ANY(ARRAY(SELECT lower(e)
		  FROM unnest($2::varchar[]) AS n (e))) ORDER BY id FOR UPDATE`,
		named.MemberIDs, named.Emails)
	if err != nil {
		return erasure.Person{}, err
	}
	p.Emails, err = pg.List[string](ctx, db, "look for a person's addresses", `
		WITH known AS (
			SELECT email FROM account WHERE id = ANY($1) UNION SELECT email FROM former_address
			  WHERE member_id = ANY($1)
			UNION SELECT unnest($2::varchar[])), others AS (
			SELECT lower(email) FROM account WHERE email_verified AND id <> ALL($1)
			  AND lower(email) = ANY(ARRAY(SELECT lower(email) FROM known)))
		SELECT email FROM known WHERE lower(email) <> ALL(ARRAY(SELECT * FROM others)) ORDER BY email`,
		p.MemberIDs, named.Emails)
	if err != nil {
		return erasure.Person{}, err
	}
	p.ProspectIDs, err = pg.List[int64](ctx, db, "look for a person's prospect records",
		`SELECT id FROM prospect WHERE lower(email) = ANY(ARRAY(SELECT lower(e) FROM unnest($1::text[]) AS n (e))) `+
			`ORDER BY id FOR UPDATE`, p.Emails)
	if err != nil {
		return erasure.Person{}, err
	}
	p.Codes, err = pg.List[string](ctx, db, "look for a person's codes", `
		SELECT mb_cd FROM account WHERE id = ANY($1) UNION SELECT unsubscribe_token FROM account WHERE id = ANY($1)
		UNION SELECT pr_cd FROM prospect WHERE id = ANY($2) UNION SELECT unsubscribe_token FROM prospect
		  WHERE id = ANY($2)
		UNION SELECT pr_cd FROM prospect_alias WHERE prospect_id = ANY($2) ORDER BY 1`, p.MemberIDs, p.ProspectIDs)
	return p, err
}

// Whose a row is, by the columns of its table.
const (
	byMember   = ` WHERE member_id = ANY($1)`
	byProspect = ` OR prospect_id = ANY($2)`
	byAddress  = ` lower(email) = ANY(ARRAY(SELECT lower(e) FROM unnest($3::text[]) AS n (e)))`
)

// ExportPerson is everything that this service has of a person; only secrets (password, hashes of codes)
// are left out.
func ExportPerson(ctx context.Context, db pg.DB, p erasure.Person) (json.RawMessage, error) {
	return erasure.Export(ctx, db, "", []erasure.Table{
		{Name: "accounts", Rows: `account WHERE id = ANY($1) ORDER BY id`, Without: "password"},
		{Name: "address_changes", Rows: `address_change` + byMember + ` ORDER BY id`, Without: "hash"},
		{Name: "former_addresses", Rows: `former_address` + byMember + ` ORDER BY until`},
		{Name: "terms_agreed", Rows: `terms_agreed` + byMember + ` ORDER BY id`},
		{Name: "codes", Rows: `code` + byMember + ` ORDER BY id`, Without: "hash"},
		{Name: "prospects", Rows: `prospect WHERE id = ANY($2) ORDER BY id`},
		{Name: "prospect_codes", Rows: `prospect_alias WHERE prospect_id = ANY($2) ORDER BY pr_cd`},
		{Name: "consents", Rows: `consent` + byMember + byProspect + ` ORDER BY id`},
		{Name: "unsubscribe_reasons", Rows: `unsubscribe_reason` + byMember + byProspect + ` ORDER BY id`},
		{Name: "chat_messages", Rows: `chat_message` + byMember + byProspect + ` OR` + byAddress + ` ORDER BY id`},
		{Name: "requests_for_mails", Rows: `mail_request WHERE` + byAddress + ` ORDER BY id`},
	}, p.MemberIDs, p.ProspectIDs, p.Emails)
}

// erasePerson deletes every row of a person. With an account and a prospect goes all that refers to them.
func erasePerson(ctx context.Context, tx pgx.Tx, p erasure.Person) error {
	return pg.Exec(ctx, tx, "erase a person", `
		WITH chat AS (DELETE FROM chat_message`+byMember+byProspect+` OR`+byAddress+`),
		requests AS (DELETE FROM mail_request WHERE`+byAddress+`),
		prospects AS (DELETE FROM prospect WHERE id = ANY($2))
		DELETE FROM account WHERE id = ANY($1)`, p.MemberIDs, p.ProspectIDs, p.Emails)
}
