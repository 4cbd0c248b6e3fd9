package user

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// FindPerson returns the accounts, prospects, addresses and codes of a person whom a command names
// by a member's id or by an address. What is known under a member's addresses counts as the
// member's, proved or not, so check first whether the address belongs to the person who asks. An
// address that another member has proved stays that member's.
//
// Records that were merged are one person's: whichever is named, all of them are found. The address
// of a merged record or of a closed account finds prospects only, and none at all once another
// member has it.
func FindPerson(ctx context.Context, db pg.DB, named erasure.Person) (p erasure.Person, err error) {
	merged, err := mergedMembers(ctx, db, named.Emails)
	if err != nil {
		return erasure.Person{}, err
	}
	if p.MemberIDs, err = findAccounts(ctx, db, slices.Concat(named.MemberIDs, merged), named.Emails); err != nil {
		return erasure.Person{}, err
	}

	p.Emails, err = pg.List[string](ctx, db, "find a person's addresses", `
		WITH known AS (
		  SELECT email FROM account WHERE id = ANY($1)
		  UNION
		  SELECT email FROM former_address WHERE member_id = ANY($1)
		  UNION
		  SELECT unnest($2::varchar[])
		), others AS (
		  SELECT lower(email) FROM account
		  WHERE email_verified AND id <> ALL($1) AND lower(email) = ANY(ARRAY(SELECT lower(email) FROM known))
		)
		SELECT email FROM known WHERE lower(email) <> ALL(ARRAY(SELECT * FROM others)) ORDER BY email`,
		p.MemberIDs, named.Emails)
	if err != nil {
		return erasure.Person{}, err
	}

	if err := findProspects(ctx, db, &p); err != nil {
		return erasure.Person{}, err
	}
	p.Codes, err = pg.List[string](ctx, db, "find a person's codes", `
		SELECT mb_cd FROM account WHERE id = ANY($1)
		UNION
		SELECT unsubscribe_token FROM account WHERE id = ANY($1)
		UNION
		SELECT pr_cd FROM prospect WHERE id = ANY($2)
		UNION
		SELECT unsubscribe_token FROM prospect WHERE id = ANY($2)
		UNION
		SELECT pr_cd FROM prospect_alias WHERE prospect_id = ANY($2)
		ORDER BY 1`, p.MemberIDs, p.ProspectIDs)
	return p, err
}

// findAccounts finds the accounts of members and of addresses, with all accounts that were merged
// with these.
func findAccounts(ctx context.Context, db pg.DB, members []int64, emails []string) ([]int64, error) {
	kept, err := pg.List[int64](ctx, db, "find a person's accounts", `
		SELECT DISTINCT coalesce(merged_member, id) FROM account a
		WHERE id = ANY($1)
		  OR lower(email) = ANY(ARRAY(SELECT lower(e) FROM unnest($2::varchar[]) AS n (e)))
		    AND (merged_member IS NULL OR NOT EXISTS (SELECT FROM account o
		      WHERE lower(o.email) = lower(a.email) AND o.merged_member IS NULL AND o.id <> a.merged_member))
		ORDER BY 1`, members, emails)
	if err != nil || len(kept) == 0 {
		return nil, err
	}
	for {
		all, err := pg.List[int64](ctx, db, "lock a person's accounts", `
			SELECT id FROM account WHERE id = ANY($1) OR merged_member = ANY($1) ORDER BY id FOR UPDATE`, kept)
		if err != nil {
			return nil, err
		}
		now, err := pg.List[int64](ctx, db, "check whether a person's accounts were merged just now", `
			SELECT DISTINCT coalesce(merged_member, id) FROM account WHERE id = ANY($1) ORDER BY 1`, all)
		if err != nil || len(now) == 0 || slices.Equal(now, kept) {
			return all, err
		}
		kept = now
	}
}

// findProspects finds the prospect records of a person's accounts and addresses, and those that
// were merged with them, until there are no new ones. It adds the addresses of merged records to
// the person's.
func findProspects(ctx context.Context, db pg.DB, p *erasure.Person) (err error) {
	for {
		p.ProspectIDs, err = pg.List[int64](ctx, db, "find a person's prospect records", `
			SELECT id FROM prospect WHERE lower(email) = ANY(ARRAY(SELECT lower(e) FROM unnest($1::text[]) AS n (e)))
			ORDER BY id FOR UPDATE`, p.Emails)
		if err != nil {
			return err
		}

		more, err := pg.List[string](ctx, db, "find the addresses of merged records", `
			SELECT email FROM (
			  SELECT email FROM prospect WHERE merged_member = ANY($1)
			  UNION
			  SELECT email FROM prospect WHERE merged_prospect = ANY($2)
			  UNION
			  SELECT email FROM prospect
			  WHERE id = ANY(ARRAY(SELECT merged_prospect FROM prospect WHERE id = ANY($2)))) AS r
			WHERE lower(email) <> ALL(ARRAY(SELECT lower(e) FROM unnest($3::text[]) AS n (e)))
			  AND NOT EXISTS (SELECT FROM account a WHERE lower(a.email) = lower(r.email) AND a.id <> ALL($1))
			ORDER BY email`, p.MemberIDs, p.ProspectIDs, p.Emails)
		if err != nil || len(more) == 0 {
			return err
		}
		p.Emails = append(p.Emails, more...)
	}
}

// mergedMembers are the members into whose records those of the addresses were merged. An address
// that is a member's by now leads to no other member.
func mergedMembers(ctx context.Context, db pg.DB, emails []string) ([]int64, error) {
	return pg.List[int64](ctx, db, "find whose records a person's were merged into", `
		SELECT merged_member FROM prospect p
		WHERE merged_member IS NOT NULL
		  AND lower(email) = ANY(ARRAY(SELECT lower(e) FROM unnest($1::text[]) AS n (e)))
		  AND NOT EXISTS (SELECT FROM account a WHERE lower(a.email) = lower(p.email) AND a.merged_member IS NULL)`,
		emails)
}

// Conditions that select a person's rows, by the columns of a table.
const (
	byMemberSQL  = `WHERE member_id = ANY($1)`
	byPersonSQL  = `WHERE member_id = ANY($1) OR prospect_id = ANY($2)`
	byAddressSQL = `lower(email) = ANY(ARRAY(SELECT lower(e) FROM unnest($3::text[]) AS n (e)))`
	// threadsOfSQL selects the chats under an address of the person's, and those under another one
	// in which the person wrote.
	threadsOfSQL = `SELECT id FROM chat_thread WHERE ` + byAddressSQL + `
		UNION
		SELECT thread_id FROM chat_message ` + byPersonSQL
)

// ExportPerson returns everything that user has about a person, except secrets (password, hashes of
// codes).
func ExportPerson(ctx context.Context, db pg.DB, p erasure.Person) (json.RawMessage, error) {
	return erasure.Export(ctx, db, "", []erasure.Table{
		{Name: "accounts", Rows: `account WHERE id = ANY($1) ORDER BY id`, Without: "password"},
		{Name: "address_changes", Rows: `address_change ` + byMemberSQL + ` ORDER BY id`, Without: "hash"},
		{Name: "former_addresses", Rows: `former_address ` + byMemberSQL + ` ORDER BY until`},
		{Name: "terms_agreed", Rows: `terms_agreed ` + byMemberSQL + ` ORDER BY id`},
		{Name: "codes", Rows: `code ` + byMemberSQL + ` ORDER BY id`, Without: "hash"},
		{Name: "prospects", Rows: `prospect WHERE id = ANY($2) ORDER BY id`},
		{Name: "prospect_codes", Rows: `prospect_alias WHERE prospect_id = ANY($2) ORDER BY pr_cd`},
		{Name: "consents", Rows: `consent ` + byPersonSQL + ` ORDER BY id`},
		{Name: "unsubscribe_reasons", Rows: `unsubscribe_reason ` + byPersonSQL + ` ORDER BY id`},
		{Name: "bought", Rows: `bought ` + byPersonSQL + ` ORDER BY at`},
		{Name: "notes", Rows: `customer_note ` + byPersonSQL + ` ORDER BY id`},
		{Name: "chat_threads", Rows: `chat_thread WHERE id IN (` + threadsOfSQL + `) ORDER BY id`},
		{Name: "chat_answers", Rows: `chat_answer WHERE thread_id IN (` + threadsOfSQL + `) ORDER BY id`},
		{
			Name: "chat_messages",
			Rows: `chat_message ` + byPersonSQL + ` OR ` + byAddressSQL + ` ORDER BY id`,
		},
		{Name: "requests_for_mails", Rows: `mail_request WHERE ` + byAddressSQL + ` ORDER BY id`},
	}, p.MemberIDs, p.ProspectIDs, p.Emails)
}

// erasePerson deletes every row of a person. Whatever refers to the account or to a prospect goes
// with it, except merged records that are another member's by now: those stay, on their own. A chat
// under another address goes if only the person wrote in it.
func erasePerson(ctx context.Context, tx pgx.Tx, p erasure.Person) error {
	return pg.Exec(ctx, tx, "erase a person", `
		WITH chat AS (
		  DELETE FROM chat_message `+byPersonSQL+` OR `+byAddressSQL+`
		), threads AS (
		  DELETE FROM chat_thread
		  WHERE id IN (`+threadsOfSQL+`) AND (`+byAddressSQL+` OR NOT EXISTS (
		    SELECT FROM chat_message o
		    WHERE o.thread_id = chat_thread.id
		      AND (o.member_id = ANY($1)) IS NOT TRUE AND (o.prospect_id = ANY($2)) IS NOT TRUE))
		), bought AS (
		  DELETE FROM bought `+byPersonSQL+`
		), requests AS (
		  DELETE FROM mail_request WHERE `+byAddressSQL+`
		), others AS (
		  UPDATE prospect SET merged_member = NULL, merged_prospect = NULL
		  WHERE (merged_member = ANY($1) OR merged_prospect = ANY($2)) AND id <> ALL($2)
		), prospects AS (
		  DELETE FROM prospect WHERE id = ANY($2)
		)
		DELETE FROM account WHERE id = ANY($1)`, p.MemberIDs, p.ProspectIDs, p.Emails)
}
