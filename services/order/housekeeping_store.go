package order

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// deleteOldCarts deletes old carts, except those with a payment page that may still be paid.
func deleteOldCarts(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	return pg.InGroups(ctx, pool, "delete old carts", `
		DELETE FROM cart WHERE id IN (
		  SELECT id FROM cart c
		  WHERE updated_at < now() - $2::interval
		    AND NOT EXISTS (SELECT FROM checkout k
		      WHERE k.cart_id = c.id AND (k.state IN ('creating', 'open', 'pending') OR k.unclosed))
		  LIMIT $1 FOR UPDATE SKIP LOCKED)`, cartTTL)
}

// deleteOldCheckouts deletes checkouts that ended unpaid, unless the session has an entry for
// staff.
func deleteOldCheckouts(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	return pg.InGroups(ctx, pool, "delete old checkouts", `
		DELETE FROM checkout WHERE id IN (
		  SELECT id FROM checkout k
		  WHERE state IN ('expired', 'failed') AND NOT unclosed AND expires_at < now() - $2::interval
		    AND NOT EXISTS (SELECT FROM orders o WHERE o.checkout_id = k.id)
		    AND NOT EXISTS (SELECT FROM payment_issue i WHERE i.session_id = k.session_id)
		    AND NOT EXISTS (SELECT FROM checkout later WHERE later.round = k.id)
		  ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)`, checkoutKeptTTL)
}

// deleteOldMerges deletes the history by which a merge of carts could be undone.
func deleteOldMerges(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	return pg.InGroups(ctx, pool, "delete old merges of carts", `
		DELETE FROM cart_merge WHERE id IN (
		  SELECT id FROM cart_merge m
		  WHERE at < now() - $2::interval
		    AND NOT EXISTS (SELECT FROM checkout k
		      WHERE k.cart_id = m.from_cart_id AND (k.state IN ('creating', 'open', 'pending') OR k.unclosed))
		  LIMIT $1 FOR UPDATE SKIP LOCKED)`, cartTTL)
}
