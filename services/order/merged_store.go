package order

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// noteMerged records that one member was merged into another. Messages may arrive in any order, so
// chains of merges are resolved to the last member.
func noteMerged(ctx context.Context, tx pgx.Tx, from, into int64) error {
	return pg.Exec(ctx, tx, "note that member $1 is member $2", `
		WITH last AS (SELECT coalesce((SELECT into_id FROM merged_member WHERE id = $2), $2) AS id),
		     earlier AS (UPDATE merged_member SET into_id = last.id FROM last WHERE into_id = $1)
		INSERT INTO merged_member (id, into_id) SELECT $1, id FROM last
		ON CONFLICT (id) DO UPDATE SET into_id = excluded.into_id`, from, into)
}

// mergedSince are the members who were merged in the last days.
func mergedSince(ctx context.Context, db pg.DB) ([]mergedRow, error) {
	return pg.List[mergedRow](ctx, db, "list merged members", `
		SELECT id, into_id FROM merged_member WHERE at > now() - interval '2 days' ORDER BY id`)
}

type mergedRow struct{ ID, IntoID int64 }

// moveMember moves everything of a member to the member they were merged into, checkouts first, so
// that an order paid in the meantime belongs to the new member or moves with the other orders.
// Payment pages of a cart that is merged into another end as if a visitor had logged in.
func moveMember(ctx context.Context, tx pgx.Tx, from int64) (moved int64, err error) {
	into, found, err := pg.One[int64](ctx, tx, "find the member that member $1 was merged into", `
		SELECT into_id FROM merged_member WHERE id = $1`, from)
	if err != nil || !found {
		return 0, err
	}
	for _, sql := range []string{
		`UPDATE checkout SET member_id = $2,
		  owner = CASE WHEN owner = 'member:' || $1::bigint THEN 'member:' || $2::bigint ELSE owner END
		WHERE member_id = $1`,
		`UPDATE orders SET member_id = $2 WHERE member_id = $1`,
		`UPDATE code_use SET customer = 'member:' || $2::bigint WHERE customer = 'member:' || $1::bigint`,
		`UPDATE cart_merge SET member_id = $2 WHERE member_id = $1`,
	} {
		tag, err := tx.Exec(ctx, sql, from, into)
		if err != nil {
			return 0, fmt.Errorf("move what member %d has to member %d: %w", from, into, err)
		}
		moved += tag.RowsAffected()
	}

	cart, found, err := pg.One[int64](ctx, tx, "find the cart of member $1", `
		SELECT id FROM cart WHERE member_id = $1 FOR UPDATE`, from)
	if err != nil || !found {
		return moved, err
	}
	return moved + 1, handOver(ctx, tx, cart, into)
}

// repeatMerges moves rows that were added for members while they were merged, by sessions that
// ended a moment later.
func repeatMerges(ctx context.Context, pool *pgxpool.Pool) (moved int64, err error) {
	list, err := mergedSince(ctx, pool)
	if err != nil {
		return 0, err
	}
	for _, m := range list {
		err := pg.Tx(ctx, pool, func(tx pgx.Tx) error {
			n, err := moveMember(ctx, tx, m.ID)
			moved += n
			return err
		})
		if err != nil {
			return moved, err
		}
	}
	return moved, nil
}
