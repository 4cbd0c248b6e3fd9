package user

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// boughtRowsSQL reads rows of boughtRow from the third argument of a statement.
const boughtRowsSQL = `jsonb_to_recordset($3::jsonb) AS o (
	    key text, identifier text, member bigint, email text, name text,
	    total bigint, returned bigint, version bigint, at timestamptz)`

// buyerOfSQL finds the customer c of an order o: the member who placed it or, if a visitor did, the
// member who has proved the address; otherwise the prospect of the address, or the customer into
// whose record that one was merged. Orders of a merged account count for the account that stays.
const buyerOfSQL = `
		  LEFT JOIN LATERAL (
		    SELECT coalesce(merged_member, id) AS id FROM account
		    WHERE CASE WHEN o.member <> 0 THEN id = o.member
		      ELSE lower(email) = lower(o.email) AND email_verified END
		    ORDER BY id LIMIT 1) a ON true
		  LEFT JOIN LATERAL (
		    SELECT id, merged_member, merged_prospect FROM prospect
		    WHERE o.member = 0 AND lower(email) = lower(o.email) ORDER BY id LIMIT 1) p ON true
		  CROSS JOIN LATERAL (
		    SELECT coalesce(a.id, p.merged_member) AS member, coalesce(p.merged_prospect, p.id) AS prospect) AS c`

// countBought adds orders to the figures of their customers (see buyerOfSQL).
func countBought(rows []boughtRow) *bus.Effect {
	return &bus.Effect{
		What: "count orders",
		Args: []any{rows},
		SQL: `
		counted AS (
		  INSERT INTO bought (identifier, member_id, prospect_id, total, at)
		  SELECT o.identifier, c.member, CASE WHEN c.member IS NULL THEN c.prospect END, o.total, o.at
		  FROM ` + boughtRowsSQL + ` JOIN fresh USING (key)` + buyerOfSQL + `
		  WHERE num_nonnulls(c.member, c.prospect) > 0
		  ON CONFLICT (identifier) DO NOTHING
		  RETURNING identifier, total, at, member_id AS member, prospect_id AS prospect
		), members AS (
		  UPDATE account SET orders = account.orders + s.orders, spent = account.spent + s.spent,
		    last_order = greatest(account.last_order, s.last)
		  FROM (SELECT member, count(*) AS orders, sum(total) AS spent, max(at) AS last FROM counted GROUP BY member) s
		  WHERE account.id = s.member
		), prospects AS (
		  UPDATE prospect SET orders = prospect.orders + s.orders, spent = prospect.spent + s.spent,
		    last_order = greatest(prospect.last_order, s.last),
		    order_name = CASE WHEN s.last >= coalesce(prospect.last_order, s.last)
		      THEN coalesce(s.name, prospect.order_name) ELSE prospect.order_name END
		  FROM (SELECT prospect, count(*) AS orders, sum(n.total) AS spent, max(n.at) AS last,
		      (array_agg(o.name ORDER BY n.at DESC) FILTER (WHERE o.name <> ''))[1] AS name
		    FROM counted n JOIN ` + boughtRowsSQL + ` USING (identifier) WHERE n.member IS NULL GROUP BY prospect) s
		  WHERE prospect.id = s.prospect
		)`,
	}
}

// adoptBought gives a member what visitors bought under the address that the member has just
// proved, as order does with the orders themselves.
func adoptBought(ctx context.Context, tx pgx.Tx, a account) error {
	// This statement comes first, so that the next one sees all that was counted until then.
	if err := pg.Exec(ctx, tx, "lock the prospects of member $1", `
		SELECT FROM prospect WHERE lower(email) = lower($2) AND $1::bigint <> 0 ORDER BY id FOR UPDATE`, a.ID,
		a.Email); err != nil {
		return err
	}
	return pg.Exec(ctx, tx, "move figures to member $1", `
		WITH found AS (
		  SELECT id, orders, spent, last_order FROM prospect
		  WHERE lower(email) = lower($2) AND orders > 0 AND merged_member IS NULL AND merged_prospect IS NULL
		  ORDER BY id FOR UPDATE
		), spent AS (
		  UPDATE prospect SET orders = 0, spent = 0, last_order = NULL FROM found WHERE prospect.id = found.id
		), theirs AS (
		  UPDATE bought SET member_id = $1, prospect_id = NULL FROM found WHERE prospect_id = found.id
		)
		UPDATE account SET orders = account.orders + s.orders, spent = account.spent + s.spent,
		  last_order = greatest(account.last_order, s.last)
		FROM (SELECT sum(orders) AS orders, sum(spent) AS spent, max(last_order) AS last FROM found) s
		WHERE account.id = $1 AND s.orders > 0`, a.ID, a.Email)
}

// buyer is the customer of an order: a member or a prospect, or neither (0 and 0) if none is known.
type buyer struct{ Member, Prospect int64 }

// buyersOf finds the customers of orders, in the order of rows: as they are stored or, if an order
// is not, as they are found now.
func buyersOf(ctx context.Context, tx pgx.Tx, rows []boughtRow) ([]buyer, error) {
	return pg.List[buyer](ctx, tx, "find the buyers of orders", `
		SELECT coalesce(b.member_id, CASE WHEN b.identifier IS NULL THEN c.member END, 0) AS member,
		  coalesce(b.prospect_id,
		    CASE WHEN b.identifier IS NULL AND c.member IS NULL THEN c.prospect END, 0) AS prospect
		FROM (
		  SELECT n, (j->>'identifier') AS identifier, (j->>'member')::bigint AS member, j->>'email' AS email
		  FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS e (j, n)) AS o
		  LEFT JOIN bought b USING (identifier)`+buyerOfSQL+` ORDER BY o.n`, rows)
}

// lockBuyers keeps customers as they are until tx ends, members before prospects, in the order of
// their ids.
func lockBuyers(ctx context.Context, tx pgx.Tx, customers []buyer) error {
	members, prospects := idsOf(customers)
	if err := pg.Exec(ctx, tx, "lock members", `
		SELECT FROM account WHERE id = ANY($1) ORDER BY id FOR UPDATE`, members); err != nil {
		return err
	}
	return pg.Exec(ctx, tx, "lock prospects", `
		SELECT FROM prospect WHERE id = ANY($1) ORDER BY id FOR UPDATE`, prospects)
}

func idsOf(customers []buyer) (members, prospects []int64) {
	members, prospects = []int64{}, []int64{}
	for _, c := range customers {
		members, prospects = append(members, c.Member), append(prospects, c.Prospect)
	}
	return members, prospects
}

// upsertBought stores what orders came to, in the newest version of each. Orders of no known
// customer are left out.
func upsertBought(ctx context.Context, tx pgx.Tx, rows []boughtRow, customers []buyer) error {
	members, prospects := idsOf(customers)
	return pg.Exec(ctx, tx, "upsert what orders came to", `
		INSERT INTO bought (identifier, member_id, prospect_id, total, returned, version, at)
		SELECT DISTINCT ON (identifier)
		  o.identifier, nullif(o.member, 0), nullif(o.prospect, 0), o.total, o.returned, o.version, o.at
		FROM ROWS FROM (
		  jsonb_to_recordset($1::jsonb) AS (
		    identifier text, total bigint, returned bigint, version bigint, at timestamptz),
		  unnest($2::bigint[]), unnest($3::bigint[])
		) AS o (identifier, total, returned, version, at, member, prospect)
		WHERE o.member <> 0 OR o.prospect <> 0 ORDER BY identifier, version DESC
		ON CONFLICT (identifier) DO UPDATE SET total = excluded.total, returned = excluded.returned,
		  version = excluded.version, at = excluded.at
		WHERE bought.version < excluded.version`, rows, members, prospects)
}

// sumUp sets the figures of customers, who must be locked, to the sums of what they bought.
func sumUp(ctx context.Context, tx pgx.Tx, customers []buyer) error {
	members, prospects := idsOf(customers)
	return pg.Exec(ctx, tx, "sum up what customers bought", `
		WITH members AS (
		  UPDATE account SET orders = s.orders, spent = s.spent, last_order = s.last
		  FROM (
		    SELECT member_id, count(*) AS orders, sum(total - returned) AS spent, max(at) AS last
		    FROM bought WHERE member_id = ANY($1) GROUP BY 1) AS s
		  WHERE account.id = s.member_id
		)
		UPDATE prospect SET orders = s.orders, spent = s.spent, last_order = s.last
		FROM (
		  SELECT prospect_id, count(*) AS orders, sum(total - returned) AS spent, max(at) AS last
		  FROM bought WHERE prospect_id = ANY($2) GROUP BY 1) AS s
		WHERE prospect.id = s.prospect_id`, members, prospects)
}

// nameVisitors stores the names on orders for the prospects who placed them, each that of the last
// order.
func nameVisitors(ctx context.Context, tx pgx.Tx, rows []boughtRow, customers []buyer) error {
	if !slices.ContainsFunc(rows, func(r boughtRow) bool { return r.Name != "" }) {
		return nil
	}
	_, prospects := idsOf(customers)
	return pg.Exec(ctx, tx, "update the names on orders", `
		UPDATE prospect SET order_name = s.name
		FROM (
		  SELECT DISTINCT ON (prospect) prospect, name, at
		  FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS (name text, at timestamptz), unnest($2::bigint[]))
		    AS o (name, at, prospect)
		  WHERE prospect <> 0 AND name <> '' ORDER BY prospect, at DESC) AS s
		WHERE prospect.id = s.prospect AND (prospect.order_name = '' OR s.at >= prospect.last_order)`, rows, prospects)
}
