package user

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// countBought adds orders to the figures of their customers: of the member who placed one, or has proved the address;
// else of the prospect of the address, or whose record that one was merged into.
func countBought(rows []boughtRow) *bus.Effect {
	return &bus.Effect{What: "count orders", Args: []any{rows}, SQL: `
		n AS (
		  SELECT o.total, o.at,
		    CASE WHEN o.member <> 0 THEN o.member ELSE coalesce(a.id, p.merged_member) END AS member,
		    coalesce(p.merged_prospect, p.id) AS prospect
		  FROM jsonb_to_recordset($3::jsonb) AS o (key text, member bigint, email text, total bigint, at timestamptz)
		  JOIN fresh USING (key)
		  LEFT JOIN LATERAL (SELECT id FROM account WHERE o.member = 0 AND lower(email) = lower(o.email)
		    AND email_verified ORDER BY id LIMIT 1) a ON true
		  LEFT JOIN LATERAL (SELECT id, merged_member, merged_prospect FROM prospect
		    WHERE o.member = 0 AND lower(email) = lower(o.email) ORDER BY id LIMIT 1) p ON true
		), members AS (
		  UPDATE account SET orders = account.orders + s.orders, spent = account.spent + s.spent,
		    last_order = greatest(account.last_order, s.last)
		  FROM (SELECT member, count(*) AS orders, sum(total) AS spent, max(at) AS last FROM n GROUP BY member) s
		  WHERE account.id = s.member
		), prospects AS (
		  UPDATE prospect SET orders = prospect.orders + s.orders, spent = prospect.spent + s.spent,
		    last_order = greatest(prospect.last_order, s.last)
		  FROM (SELECT prospect, count(*) AS orders, sum(total) AS spent, max(at) AS last FROM n WHERE member IS NULL
		    GROUP BY prospect) s
		  WHERE prospect.id = s.prospect
		)`}
}

// adoptBought gives what visitors bought under the address that a member has just proved to the member, as order does
// with their orders.
func adoptBought(ctx context.Context, tx pgx.Tx, a account) error {
	return pg.Exec(ctx, tx, "hand figures over to member $1", `
		WITH p AS (SELECT id, orders, spent, last_order FROM prospect
		  WHERE lower(email) = lower($2) AND orders > 0 AND merged_member IS NULL AND merged_prospect IS NULL
		  ORDER BY id FOR UPDATE),
		spent AS (UPDATE prospect SET orders = 0, spent = 0, last_order = NULL FROM p WHERE prospect.id = p.id)
		UPDATE account SET orders = account.orders + s.orders, spent = account.spent + s.spent,
		  last_order = greatest(account.last_order, s.last)
		FROM (SELECT sum(orders) AS orders, sum(spent) AS spent, max(last_order) AS last FROM p) s
		WHERE account.id = $1 AND s.orders > 0`, a.ID, a.Email)
}
