package user

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const neverSQL = `'0001-01-01'::timestamptz`

// findCustomer finds a member or a prospect.
func findCustomer(ctx context.Context, db pg.DB, kind string, id int64) (customerDetails, error) {
	return web.OrNotFound(pg.One[customerDetails](ctx, db, "find $1 $2", `
		SELECT 'member' AS kind, id, first_name || ' ' || last_name AS name, email, username, email_verified AS proved,
		  joined AS since, `+memberNewsSQL+` AS newsletter, 'registration' AS source, tags, orders::bigint AS orders,
		  spent, first_name, last_name, '' AS phone, unsubscribed, coalesce(last_login, `+neverSQL+`) AS last_login,
		  coalesce(last_order, `+neverSQL+`) AS last_order, version, mb_cd AS code, '{}'::text[] AS aliases,
		  coalesce((SELECT max(version) FROM terms_agreed WHERE member_id = a.id), 0) AS terms, '' AS comment,
		  '' AS remark, 0 AS excited, `+neverSQL+` AS converted, coalesce(merged_member, 0) AS merged_member,
		  0::bigint AS merged_prospect
		FROM account a WHERE $1 = 'member' AND id = $2
		UNION ALL
		SELECT 'prospect', id, `+prospectNameSQL+`, email, '', false, created,
		  `+prospectNewsSQL+`, source, tags, orders::bigint, spent, coalesce(first_name, ''), coalesce(last_name, ''),
		  coalesce(phone, ''), unsubscribed, `+neverSQL+`, coalesce(last_order, `+neverSQL+`), version, pr_cd,
		  ARRAY(SELECT pr_cd::text FROM prospect_alias WHERE prospect_id = p.id ORDER BY pr_cd), 0, prospect_comment,
		  swa_comment, coalesce(how_excited, 0), coalesce(converted, `+neverSQL+`), coalesce(merged_member, 0),
		  coalesce(merged_prospect, 0)
		FROM prospect p WHERE $1 = 'prospect' AND id = $2`, kind, id))
}

// mergedInto lists what was merged into a customer's record: prospects and closed accounts.
func mergedInto(ctx context.Context, db pg.DB, kind string, id int64) ([]customer, error) {
	return pg.List[customer](ctx, db, "list what was merged into $1 $2", `
		SELECT 'prospect' AS kind, id, `+prospectNameSQL+` AS name, email,
		  '' AS username, false AS proved, `+prospectNewsSQL+` AS newsletter, source, tags, orders::bigint AS orders,
		  spent, created AS since
		FROM prospect WHERE CASE WHEN $1 = 'member' THEN merged_member = $2 ELSE merged_prospect = $2 END
		UNION ALL
		SELECT 'member', id, first_name || ' ' || last_name, email, username, email_verified, `+memberNewsSQL+`,
		  'registration', tags, orders::bigint, spent, joined
		FROM account WHERE $1 = 'member' AND merged_member = $2 ORDER BY 1, 2`,
		kind, id)
}

// customerRows bounds the lists on a customer's page.
const customerRows = 100

// events lists what happened with a customer, newest first. from selects the columns at, text,
// detail and by of the rows that belong to the members $1 and the prospects $2.
func events(ctx context.Context, db pg.DB, what string, all records, from string) ([]customerEvent, error) {
	return pg.List[customerEvent](ctx, db, what, from+` ORDER BY 1 DESC LIMIT $3`,
		append([]int64{}, all.members...), append([]int64{}, all.prospects...), customerRows)
}

// consentsOf lists what a customer agreed to and took back.
func consentsOf(ctx context.Context, db pg.DB, all records) ([]customerEvent, error) {
	return events(ctx, db, "list the consents of a customer", all, `
		SELECT at, what || CASE WHEN given THEN ': agreed' ELSE ': taken back' END AS text, source AS detail, '' AS by
		FROM consent `+byPersonSQL)
}

// chatOf lists what a customer wrote in the chat.
func chatOf(ctx context.Context, db pg.DB, all records) ([]customerEvent, error) {
	return events(ctx, db, "list the chat of a customer", all, `
		SELECT created AS at, message AS text, '' AS detail, '' AS by FROM chat_message `+byPersonSQL)
}

// notesOf lists the notes of the staff about a customer.
func notesOf(ctx context.Context, db pg.DB, all records) ([]customerEvent, error) {
	return events(ctx, db, "list the notes about a customer", all, `
		SELECT at, text, '' AS detail, written_by AS by FROM customer_note `+byPersonSQL)
}

// reasonTextSQL is the reasons of an unsubscription in words.
const reasonTextSQL = `concat_ws(', ',
	CASE WHEN no_longer_want THEN 'wants them no longer' END,
	CASE WHEN never_signed_up THEN 'never signed up' END,
	CASE WHEN inappropriate THEN 'inappropriate' END,
	CASE WHEN spam THEN 'spam' END)`

// reasonsOf lists why a customer unsubscribed.
func reasonsOf(ctx context.Context, db pg.DB, all records) ([]customerEvent, error) {
	return events(ctx, db, "list why a customer unsubscribed", all, `
		SELECT created AS at, 'Unsubscribed: ' || coalesce(nullif(`+reasonTextSQL+`, ''), 'in own words') AS text,
		  other AS detail, '' AS by FROM unsubscribe_reason `+byPersonSQL)
}

// termsOf lists the terms of use that a customer agreed to.
func termsOf(ctx context.Context, db pg.DB, all records) ([]customerEvent, error) {
	return events(ctx, db, "list the terms that a customer agreed to", all, `
		SELECT agreed AS at, 'Terms of use, version ' || version AS text, '' AS detail, '' AS by
		FROM terms_agreed `+byMemberSQL+` AND $2::bigint[] IS NOT NULL`)
}

// insertNote stores a note about a customer who is locked; it returns false if the same person has
// just written the same, in a form that was sent twice.
func insertNote(ctx context.Context, tx pgx.Tx, c customer, by, text string) (bool, error) {
	return pg.ExecOne(ctx, tx, "insert a note about $1 $2", `
		INSERT INTO customer_note (member_id, prospect_id, written_by, text)
		SELECT CASE WHEN $1 = 'member' THEN $2::bigint END, CASE WHEN $1 = 'prospect' THEN $2::bigint END,
		  $3::text, $4::text
		WHERE NOT EXISTS (SELECT FROM customer_note
		  WHERE text = $4 AND written_by = $3
		    AND CASE WHEN $1 = 'member' THEN member_id = $2 ELSE prospect_id = $2 END
		    AND at > now() - interval '1 minute')`,
		c.Kind, c.ID, by, text)
}

// insertTags makes tags known, so that lists can be filtered by them.
func insertTags(ctx context.Context, tx pgx.Tx, tags []string) error {
	return pg.Exec(ctx, tx, "insert tags", `
		INSERT INTO tag (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING`, tags)
}

// updateTags sets the tags of a member, which only staff set, and counts it as a change.
func updateTags(ctx context.Context, tx pgx.Tx, id int64, tags []string) (account, bool, error) {
	return queryAccount(ctx, tx, `
		UPDATE account SET tags = $2, version = version + 1 WHERE id = $1 RETURNING `+accountColumnsSQL, id, tags)
}

// nextVersion counts a change of a member that no column shows.
func nextVersion(ctx context.Context, tx pgx.Tx, id int64) (account, bool, error) {
	return queryAccount(ctx, tx, `
		UPDATE account SET version = version + 1
		WHERE id = $1 AND `+stillOpenSQL+` RETURNING `+accountColumnsSQL, id)
}

// lockProspectByID keeps a prospect as it is until tx ends.
func lockProspectByID(ctx context.Context, tx pgx.Tx, id int64) (prospect, bool, error) {
	return queryProspect(ctx, tx, `SELECT `+prospectColumnsSQL+` FROM prospect WHERE id = $1 FOR UPDATE`, id)
}

// prospectOfAddress finds the prospect of an address, in whatever case.
func prospectOfAddress(ctx context.Context, db pg.DB, email string) (id int64, found bool, err error) {
	return pg.One[int64](ctx, db, "find the prospect of an address", `
		SELECT id FROM prospect WHERE lower(email) = lower($1) ORDER BY id LIMIT 1`, email)
}

// updateProspect stores what the staff know about a prospect.
func updateProspect(ctx context.Context, tx pgx.Tx, id int64, e customerEdit) (prospect, bool, error) {
	return queryProspect(ctx, tx, `
		UPDATE prospect SET first_name = nullif($2, ''), last_name = nullif($3, ''), phone = nullif($4, ''),
		  prospect_comment = $5, swa_comment = $6, tags = $7, version = version + 1
		WHERE id = $1 RETURNING `+prospectColumnsSQL,
		id, e.FirstName, e.LastName, e.Phone, e.Comment, e.Remark, e.Tags)
}

// mergeProspect moves what a prospect's record has to another customer's, and marks it as merged.
// Addresses, codes and consents stay with the record, since they belong to its address. quiet ends
// its newsletters: one is enough for a person.
func mergeProspect(ctx context.Context, tx pgx.Tx, id int64, into customer, quiet bool) (prospect, bool, error) {
	member, other := into.ID, int64(0)
	if into.Kind == kindProspect {
		member, other = 0, into.ID
	}

	err := pg.Exec(ctx, tx, "move the figures of prospect $1", `
		WITH record AS (
		  SELECT orders, spent, last_order, tags FROM prospect WHERE id = $1
		), notes AS (
		  UPDATE customer_note SET member_id = nullif($2::bigint, 0), prospect_id = nullif($3::bigint, 0)
		  WHERE prospect_id = $1
		), theirs AS (
		  UPDATE bought SET member_id = nullif($2::bigint, 0), prospect_id = nullif($3::bigint, 0)
		  WHERE prospect_id = $1
		), earlier AS (
		  UPDATE prospect SET merged_member = nullif($2, 0), merged_prospect = nullif($3, 0)
		  WHERE merged_prospect = $1
		), members AS (
		  UPDATE account SET orders = account.orders + record.orders, spent = account.spent + record.spent,
		    last_order = greatest(account.last_order, record.last_order),
		    tags = ARRAY(SELECT DISTINCT unnest(account.tags || record.tags) ORDER BY 1), version = version + 1
		  FROM record WHERE account.id = $2
		)
		UPDATE prospect SET orders = prospect.orders + record.orders, spent = prospect.spent + record.spent,
		  last_order = greatest(prospect.last_order, record.last_order),
		  tags = ARRAY(SELECT DISTINCT unnest(prospect.tags || record.tags) ORDER BY 1), version = version + 1
		FROM record WHERE prospect.id = $3`, id, member, other)
	if err != nil {
		return prospect{}, false, err
	}

	return queryProspect(ctx, tx, `
		UPDATE prospect SET orders = 0, spent = 0, last_order = NULL, merged_member = nullif($2::bigint, 0),
		  merged_prospect = nullif($3::bigint, 0), unsubscribed = unsubscribed OR $4, version = version + 1
		WHERE id = $1 RETURNING `+prospectColumnsSQL, id, member, other, quiet)
}

// reasonRow says why a person unsubscribed.
type reasonRow struct {
	customerEvent
	ID    int64  `json:"id"`
	Key   string `json:"customer"`
	Email string `json:"email"`
}

// listReasons lists why people unsubscribed, newest first, below the id after unless it is 0.
func listReasons(ctx context.Context, db pg.DB, after int64, rows int) ([]reasonRow, error) {
	return pg.List[reasonRow](ctx, db, "list why people unsubscribed", `
		SELECT u.id, u.created AS at, `+reasonTextSQL+` AS text, u.other AS detail, '' AS by,
		  CASE WHEN a.id IS NULL THEN 'prospect-' || p.id ELSE 'member-' || a.id END AS key,
		  coalesce(a.email, p.email) AS email
		FROM unsubscribe_reason u LEFT JOIN account a ON a.id = u.member_id LEFT JOIN prospect p ON p.id = u.prospect_id
		WHERE $1 = 0 OR u.id < $1 ORDER BY u.id DESC LIMIT $2`, after, rows)
}
