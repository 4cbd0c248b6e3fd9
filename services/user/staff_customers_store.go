package user

import (
	"context"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// begins is the LIKE pattern of what begins with a text, in lower case.
func begins(text string) string { return pg.Like(strings.ToLower(text)) + "%" }

// What a member and a prospect have chosen about newsletters.
const (
	memberNewsSQL = `CASE WHEN unsubscribed THEN 'refused' WHEN newsletter THEN 'yes' ELSE 'no' END`
	// prospectNewsSQL is "no" for a prospect whom only registering took off the list.
	prospectNewsSQL = `CASE WHEN NOT unsubscribed THEN 'yes'
		WHEN unsubscribed_at IS NULL OR unsubscribed_at = converted THEN 'no'
		ELSE 'refused' END`
)

// prospectNameSQL is a prospect's own name, or that of their last order.
const prospectNameSQL = `coalesce(nullif(concat_ws(' ', first_name, last_name), ''), order_name)`

// orderNameBeginsSQL holds if the name on a prospect's last order, or its last word, is like a
// parameter.
func orderNameBeginsSQL(param string) string {
	return `lower(order_name) LIKE ` + param + ` OR lower(substring(order_name from '[^ ]+$')) LIKE ` + param
}

// customerSorts are the columns by which the list can be sorted: of members, of prospects, of the
// list, and the parameter that is compared with them.
var customerSorts = map[string]struct{ member, prospect, key, param string }{
	"since":  {member: "joined", prospect: "created", key: "since", param: "$9::timestamptz"},
	"orders": {member: "orders", prospect: "orders", key: "orders", param: "$9::bigint"},
	"spent":  {member: "spent", prospect: "spent", key: "spent", param: "$9::bigint"},
}

// listCustomers lists members and prospects without an account, in the order of l.Sort. A search is
// for the beginning of the address, the name, the last name or the user name. A prospect is also
// found by the name on the last order.
func listCustomers(ctx context.Context, db pg.DB, l customerList) ([]customer, error) {
	by, after, order := customerSorts[l.Sort], "<", "DESC"
	if !l.Down {
		after, order = ">", "ASC"
	}
	next := func(column, kind string) string {
		return `(NOT $8 OR ` + column + ` ` + after + `= ` + by.param + ` AND
			(` + column + `, '` + kind + `', id) ` + after + ` (` + by.param + `, $10, $11))
		  ORDER BY ` + column + ` ` + order + `, id ` + order + ` LIMIT $12`
	}

	return pg.List[customer](ctx, db, "list customers", `
		SELECT * FROM (
		  (SELECT 'member' AS kind, id, first_name || ' ' || last_name AS name, email, username,
		    email_verified AS proved, `+memberNewsSQL+` AS newsletter, 'registration' AS source, tags,
		    orders::bigint AS orders, spent, joined AS since
		   FROM account
		   WHERE merged_member IS NULL AND $3 IN ('', 'member') AND $5 IN ('', 'registration')
		     AND ($1 = '' OR lower(email) LIKE $2 OR lower(last_name) LIKE $2 OR lower(username) LIKE $2
		       OR lower(first_name || ' ' || last_name) LIKE $2)
		     AND ($4 = '' OR `+memberNewsSQL+` = $4) AND ($6 = '' OR tags @> ARRAY[$6])
		     AND orders >= $7 AND spent >= $13 AND `+next(by.member, kindMember)+`)
		  UNION ALL
		  (SELECT 'prospect', id, `+prospectNameSQL+`, email, '', false,
		    `+prospectNewsSQL+`, source, tags, orders::bigint, spent, created
		   FROM prospect
		   WHERE converted IS NULL AND merged_member IS NULL AND merged_prospect IS NULL
		     AND $3 IN ('', 'prospect') AND ($5 = '' OR source = $5)
		     AND ($1 = '' OR lower(email) LIKE $2 OR lower(last_name) LIKE $2 OR `+orderNameBeginsSQL("$2")+`)
		     AND ($4 = '' OR `+prospectNewsSQL+` = $4) AND ($6 = '' OR tags @> ARRAY[$6])
		     AND orders >= $7 AND spent >= $13 AND `+next(by.prospect, kindProspect)+`)
		) AS c ORDER BY `+by.key+` `+order+`, kind `+order+`, id `+order+` LIMIT $12`,
		l.Search, begins(l.Search), l.Kind, l.Newsletter, l.Source, l.Tag, l.Orders, l.More, l.after(),
		l.After.Kind, l.After.ID, l.Rows, int64(l.Spent))
}

// listTags lists tags that were given, by name.
func listTags(ctx context.Context, db pg.DB) ([]string, error) {
	return pg.List[string](ctx, db, "list tags", `SELECT name FROM tag ORDER BY name LIMIT 200`)
}
