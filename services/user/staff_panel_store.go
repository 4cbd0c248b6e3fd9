package user

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// customerOf finds a member by id, or a prospect by a code, former codes included.
func customerOf(ctx context.Context, db pg.DB, member int64, code string) (kind string, id int64, found bool,
	err error) {
	type row struct {
		Kind string
		ID   int64
	}
	r, found, err := pg.One[row](ctx, db, "find the customer of an order", `
		SELECT 'member' AS kind, id FROM account WHERE id = $1
		UNION ALL
		SELECT 'prospect', id FROM prospect WHERE pr_cd = $2
		UNION ALL
		SELECT 'prospect', prospect_id FROM prospect_alias WHERE pr_cd = $2
		LIMIT 1`, member, code)
	return r.Kind, r.ID, found, err
}
