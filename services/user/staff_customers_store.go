package user

import (
	"context"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// listCustomers lists members and prospects from the newest down, those after a place in the list if it is
// one, whose address, last name or user name begins with the searched text if there is any.
func listCustomers(ctx context.Context, db pg.DB, search string, after customerPlace, rows int) ([]customer, error) {
	return pg.List[customer](ctx, db, "list customers", `
		SELECT * FROM (
		  (SELECT 'member' AS kind, id, first_name || ' ' || last_name AS name, email, username,
		    email_verified AS proved, joined AS since
		   FROM account
		   WHERE ($1 = '' OR lower(email) LIKE $2 OR lower(last_name) LIKE $2 OR lower(username) LIKE $2)
		     AND ($5 = 0 OR (joined, 'member', id) < ($3, $4, $5))
		   ORDER BY joined DESC, id DESC LIMIT $6)
		  UNION ALL
		  (SELECT 'prospect', id, coalesce(first_name, '') || ' ' || coalesce(last_name, ''), email, '', false, created
		   FROM prospect
		   WHERE converted IS NULL AND ($1 = '' OR lower(email) LIKE $2 OR lower(last_name) LIKE $2)
		     AND ($5 = 0 OR (created, 'prospect', id) < ($3, $4, $5))
		   ORDER BY created DESC, id DESC LIMIT $6)
		) AS c ORDER BY since DESC, kind DESC, id DESC LIMIT $6`,
		search, pg.Like(strings.ToLower(search))+"%", after.At, after.Kind, after.ID, rows)
}

// findCustomer finds a member or a prospect.
func findCustomer(ctx context.Context, db pg.DB, kind string, id int64) (customerDetails, error) {
	c, found, err := pg.One[customerDetails](ctx, db, "find $1 $2", `
		SELECT 'member' AS kind, id, first_name || ' ' || last_name AS name, email, username, email_verified AS proved,
		  joined AS since,
		  newsletter, unsubscribed, coalesce(last_login, '0001-01-01'::timestamptz) AS last_login,
		  coalesce((SELECT max(version) FROM terms_agreed WHERE member_id = a.id), 0) AS terms, '' AS comment
		FROM account a WHERE $1 = 'member' AND id = $2
		UNION ALL
		SELECT 'prospect', id, coalesce(first_name, '') || ' ' || coalesce(last_name, ''), email, '', false, created,
		  NOT unsubscribed,
		  unsubscribed, '0001-01-01'::timestamptz, 0, prospect_comment
		FROM prospect WHERE $1 = 'prospect' AND id = $2`, kind, id)
	if err == nil && !found {
		err = web.NotFound()
	}
	return c, err
}

// customerRows bounds the lists on a customer's page.
const customerRows = 100

// consentsOf lists what a customer agreed to and took back, the newest first.
func consentsOf(ctx context.Context, db pg.DB, kind string, id int64) ([]customerEvent, error) {
	return pg.List[customerEvent](ctx, db, "list the consents of $1 $2", `
		SELECT at, what || CASE WHEN given THEN ': agreed' ELSE ': taken back' END AS text, source AS detail
		  FROM consent
		WHERE $1 = 'member' AND member_id = $2 OR $1 = 'prospect' AND prospect_id = $2 ORDER BY at DESC LIMIT $3`,
		kind, id, customerRows)
}

// chatOf lists what a customer wrote in the chat, the newest first.
func chatOf(ctx context.Context, db pg.DB, kind string, id int64) ([]customerEvent, error) {
	return pg.List[customerEvent](ctx, db, "list the chat of $1 $2", `
		SELECT created AS at, message AS text, '' AS detail FROM chat_message
		WHERE $1 = 'member' AND member_id = $2 OR $1 = 'prospect' AND prospect_id = $2 ORDER BY created DESC LIMIT $3`,
		kind, id, customerRows)
}
