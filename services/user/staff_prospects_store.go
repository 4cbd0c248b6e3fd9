package user

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// listProspectRows lists prospects, or those who have registered since, whose address, last name or
// name on an order begins with the searched text, newest first, below the id after unless it is 0.
func listProspectRows(ctx context.Context, db pg.DB, search string, registered bool, after int64,
	rows int) ([]prospectRow, error) {
	which := `converted IS NULL`
	if registered {
		which = `converted IS NOT NULL`
	}
	return pg.List[prospectRow](ctx, db, "list prospects for staff", `
		SELECT id, email, `+prospectNameSQL+` AS name, coalesce(phone, '') AS phone,
		  `+prospectNewsSQL+` AS newsletter, source, pr_cd AS code,
		  created, coalesce(converted, `+neverSQL+`) AS converted
		FROM prospect
		WHERE `+which+` AND merged_member IS NULL AND merged_prospect IS NULL AND ($1 = 0 OR id < $1)
		  AND ($2 = '' OR lower(email) LIKE $3 OR lower(last_name) LIKE $3 OR `+orderNameBeginsSQL("$3")+`)
		ORDER BY id DESC LIMIT $4`, after, search, begins(search), rows)
}

// addressesOfMembers are the addresses among emails that members have, in lower case.
func addressesOfMembers(ctx context.Context, db pg.DB, emails []string) ([]string, error) {
	return pg.List[string](ctx, db, "find members in a list", `
		SELECT lower(email) FROM account
		WHERE lower(email) = ANY(ARRAY(SELECT lower(e) FROM unnest($1::text[]) AS n (e))) AND `+stillOpenSQL,
		emails)
}

// prospectAddresses are the addresses among emails that prospects have, in lower case.
func prospectAddresses(ctx context.Context, db pg.DB, emails []string) ([]string, error) {
	return pg.List[string](ctx, db, "find prospects in a list", `
		SELECT lower(email) FROM prospect
		WHERE lower(email) = ANY(ARRAY(SELECT lower(e) FROM unnest($1::text[]) AS n (e)))`,
		emails)
}
