package order

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// endedSQL says that the cart of a checkout k is no longer the cart that its page was made for: it
// was deleted, merged into another, given to a member, or, with a new generation, emptied or
// bought.
const endedSQL = `NOT EXISTS (
	SELECT FROM cart c
	WHERE c.id = k.cart_id AND c.generation = k.cart_generation AND c.member_id IS NOT DISTINCT FROM k.member_id)`

// ownLiveSQL are the ids of the unpaid pages of the shopper with cart c: pages of this cart, of
// carts that were merged into it, and of the shopper's earlier carts.
const ownLiveSQL = `
	SELECT k.id FROM checkout k
	WHERE k.state IN ('creating', 'open') AND k.owner = coalesce('member:' || c.member_id, 'visitor:' || c.anonymous_id)
	UNION
	SELECT k.id FROM checkout k
	WHERE k.state IN ('creating', 'open') AND k.cart_id = ANY (ARRAY(
	  SELECT c.id UNION ALL SELECT m.from_cart_id FROM cart_merge m WHERE m.to_cart_id = c.id))`

// unsettledPages are all pages of a shopper that were not paid and may still be: live ones, those
// whose debit a bank is working on, and those that Stripe would not close, unless one of their
// round was already bought. A page that was paid and has an entry for staff blocks its own cart
// only.
func unsettledPages(ctx context.Context, db pg.DB, cartID int64, generation int, owner string) ([]checkout, error) {
	return pg.List[checkout](ctx, db, "list the payment pages of a shopper", `
		SELECT `+checkoutColumnsSQL+` FROM checkout k
		WHERE id IN (
		    SELECT id FROM checkout WHERE owner = $2 AND (state IN ('creating', 'open', 'pending') OR unclosed)
		    UNION
		    SELECT id FROM checkout
		    WHERE (state IN ('creating', 'open', 'pending') OR unclosed) AND cart_id = ANY (ARRAY(
		      SELECT $1::bigint UNION ALL SELECT from_cart_id FROM cart_merge WHERE to_cart_id = $1)))
		  AND (state IN ('creating', 'open', 'pending') OR NOT EXISTS (
		    SELECT FROM checkout d JOIN orders o ON o.checkout_id = d.id
		    WHERE d.id = coalesce(k.round, k.id) OR d.round = coalesce(k.round, k.id)))
		  AND ((cart_id, cart_generation) = ($1, $3) OR NOT EXISTS (
		    SELECT FROM payment_issue i WHERE i.session_id = k.session_id AND i.resolved_at IS NULL))
		ORDER BY created_at`, cartID, owner, generation)
}

// endedPages are the live pages of some carts that ended.
func endedPages(ctx context.Context, db pg.DB, carts []int64) ([]checkout, error) {
	return pg.List[checkout](ctx, db, "list the pages of ended carts", `
		SELECT `+checkoutColumnsSQL+` FROM checkout k
		WHERE cart_id = ANY($1) AND state IN ('creating', 'open') AND `+endedSQL, carts)
}

// endedPagesToSweep are the pages of any ended cart, and those that Stripe would not close.
func endedPagesToSweep(ctx context.Context, db pg.DB) ([]checkout, error) {
	return pg.List[checkout](ctx, db, "list pages to close", `
		UPDATE checkout SET checked_at = now()
		WHERE id IN (
		  SELECT id FROM checkout k WHERE (state IN ('creating', 'open') AND `+endedSQL+`) OR unclosed
		  ORDER BY checked_at LIMIT 100 FOR UPDATE SKIP LOCKED)
		RETURNING `+checkoutColumnsSQL)
}

// endUnseen ends a checkout whose page no one has seen. A checkout that has a page by now stays,
// and is closed later.
func endUnseen(ctx context.Context, pool *pgxpool.Pool, checkoutID string) error {
	return pg.Tx(ctx, pool, func(tx pgx.Tx) error {
		unseen, _, err := pg.One[bool](ctx, tx, "find the page of checkout $1", `
			SELECT session_id IS NULL FROM checkout WHERE id = $1 AND state IN ('creating', 'open') FOR UPDATE`,
			checkoutID)
		if err != nil || !unseen {
			return err
		}
		return endCheckout(ctx, tx, checkoutID, stateExpired)
	})
}

// endUnclosed ends a checkout whose page may still be open at Stripe.
func endUnclosed(ctx context.Context, pool *pgxpool.Pool, checkoutID string) error {
	return pg.Tx(ctx, pool, func(tx pgx.Tx) error {
		if err := pg.Exec(ctx, tx, "note that the page of checkout $1 is open", `
			UPDATE checkout SET unclosed = true WHERE id = $1 AND state IN ('creating', 'open', 'expired', 'failed')`,
			checkoutID); err != nil {
			return err
		}
		return endCheckout(ctx, tx, checkoutID, stateExpired)
	})
}

func noteClosed(ctx context.Context, db pg.DB, checkoutID string) error {
	return pg.Exec(ctx, db, "note that the page of checkout $1 is closed", `
		UPDATE checkout SET unclosed = false WHERE id = $1`, checkoutID)
}

// noteAsked notes that a shopper was shown the debits that a bank is still working on.
func noteAsked(ctx context.Context, db pg.DB, pending []checkout) error {
	ids := make([]string, len(pending))
	for i, c := range pending {
		ids[i] = c.ID
	}
	return pg.Exec(ctx, db, "note that a shopper was asked", `
		UPDATE checkout SET asked_at = now() WHERE id = ANY($1)`, ids)
}

// recentOrder is the shopper's latest order, made in another tab perhaps.
func recentOrder(ctx context.Context, db pg.DB, owner string) (identifier string, err error) {
	identifier, _, err = pg.One[string](ctx, db, "find the order of another tab", `
		SELECT o.identifier FROM checkout k JOIN orders o ON o.checkout_id = k.id
		WHERE k.owner = $1 AND o.placed_at > now() - interval '1 day' ORDER BY o.placed_at DESC LIMIT 1`, owner)
	return identifier, err
}
