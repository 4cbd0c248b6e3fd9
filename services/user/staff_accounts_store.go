package user

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// accountsNamed finds accounts other than one by a user name or, if none has it, by an address.
func accountsNamed(ctx context.Context, db pg.DB, but int64, name string) ([]int64, error) {
	return pg.List[int64](ctx, db, "find another account", `
		SELECT id FROM account WHERE username = $2 AND id <> $1 AND `+stillOpenSQL+`
		UNION ALL
		SELECT id FROM account WHERE lower(email) = lower($3) AND id <> $1 AND `+stillOpenSQL+`
		  AND NOT EXISTS (SELECT FROM account WHERE username = $2 AND id <> $1 AND `+stillOpenSQL+`) LIMIT 2`,
		but, name, normalEmail(name))
}

// countMoving counts what would move with an account.
func countMoving(ctx context.Context, db pg.DB, id int64) (movingRows, error) {
	return pg.Get[movingRows](ctx, db, "count what member $1 has", `
		SELECT (SELECT orders::bigint FROM account WHERE id = $1) AS orders,
		  (SELECT count(*) FROM customer_note WHERE member_id = $1) AS notes,
		  (SELECT count(*) FROM chat_message WHERE member_id = $1) AS chat,
		  (SELECT count(*) FROM prospect WHERE merged_member = $1)
		    + (SELECT count(*) FROM account WHERE merged_member = $1) AS records`, id)
}

// moveRows makes rows that refer to an account refer to another one. What the account agreed to
// stays on record under it.
func moveRows(ctx context.Context, tx pgx.Tx, from, into int64) error {
	return pg.Exec(ctx, tx, "move what member $1 has to member $2", `
		WITH notes AS (UPDATE customer_note SET member_id = $2 WHERE member_id = $1),
		     chat AS (UPDATE chat_message SET member_id = $2 WHERE member_id = $1),
		     bought AS (UPDATE bought SET member_id = $2 WHERE member_id = $1),
		     changes AS (
		       UPDATE address_change SET superseded = now()
		       WHERE member_id = $1 AND undone IS NULL AND superseded IS NULL),
		     accounts AS (UPDATE account SET merged_member = $2 WHERE merged_member = $1)
		UPDATE prospect SET merged_member = $2 WHERE merged_member = $1`, from, into)
}

// closeAccount closes an account whose rows were moved to another one, which gets its figures and
// tags and, if carried is set, the newsletters that it asked for.
func closeAccount(ctx context.Context, tx pgx.Tx, from, into int64, unusableHash string,
	carried bool) (closed, kept account, err error) {
	kept, _, err = queryAccount(ctx, tx, `
		UPDATE account SET orders = orders + its_orders, spent = spent + its_spent,
		  last_order = greatest(last_order, its_last), newsletter = newsletter OR $3,
		  tags = ARRAY(SELECT DISTINCT unnest(tags || its_tags) ORDER BY 1), version = version + 1
		FROM (
		  SELECT orders AS its_orders, spent AS its_spent, last_order AS its_last, tags AS its_tags
		  FROM account WHERE id = $1) AS other
		WHERE id = $2 RETURNING `+accountColumnsSQL, from, into, carried)
	if err != nil {
		return closed, kept, err
	}
	closed, _, err = queryAccount(ctx, tx, `
		UPDATE account SET merged_member = $2, password = $3, password_changed = clock_timestamp(),
		  email_verified = false, newsletter = false, orders = 0, spent = 0, last_order = NULL, version = version + 1
		WHERE id = $1 RETURNING `+accountColumnsSQL, from, into, unusableHash)
	return closed, kept, err
}

// markMerged marks the records of an address, and those that were merged into them, as merged into
// a member's.
func markMerged(ctx context.Context, tx pgx.Tx, email string, into int64) error {
	return pg.Exec(ctx, tx, "merge the records of an address into member $2", `
		WITH own AS (
		  SELECT id FROM prospect WHERE lower(email) = lower($1) AND merged_member IS NULL AND merged_prospect IS NULL
		)
		UPDATE prospect SET merged_member = $2, merged_prospect = NULL
		WHERE id IN (SELECT id FROM own) OR merged_prospect IN (SELECT id FROM own)`, email, into)
}

// quietMerged ends the newsletters of the records that were merged into a member's.
func quietMerged(ctx context.Context, tx pgx.Tx, member int64) ([]prospect, error) {
	return queryProspects(ctx, tx, `
		UPDATE prospect SET unsubscribed = true, version = version + 1
		WHERE merged_member = $1 AND NOT unsubscribed RETURNING `+prospectColumnsSQL, member)
}

// moveStragglers moves orders that were counted for an account at the very moment in which it was
// closed.
func moveStragglers(ctx context.Context, pool *pgxpool.Pool) (moved int64, err error) {
	late, err := pg.List[buyer](ctx, pool, "find orders of closed accounts", `
		SELECT id AS member, merged_member AS prospect FROM account
		WHERE merged_member IS NOT NULL AND orders > 0 ORDER BY id LIMIT 100`)
	if err != nil {
		return 0, err
	}

	for _, l := range late {
		closed, kept := l.Member, l.Prospect
		err := pg.Tx(ctx, pool, func(tx pgx.Tx) error {
			if err := lockBuyers(ctx, tx, []buyer{{Member: closed}, {Member: kept}}); err != nil {
				return err
			}
			if err := moveRows(ctx, tx, closed, kept); err != nil {
				return err
			}
			if err := pg.Exec(ctx, tx, "take the figures from member $1", `
				UPDATE account SET orders = 0, spent = 0, last_order = NULL WHERE id = $1`, closed); err != nil {
				return err
			}
			return sumUp(ctx, tx, []buyer{{Member: kept}})
		})
		if err != nil {
			return moved, fmt.Errorf("move orders of closed account %d: %w", closed, err)
		}
		moved++
	}
	return moved, nil
}
