package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// lockHeld locks the checkout that an entry for staff leaves as it is, if there is one.
func lockHeld(ctx context.Context, tx pgx.Tx, payment int64) (checkoutID string, held bool, err error) {
	return pg.One[string](ctx, tx, "find the checkout of payment $1", `
		SELECT k.id FROM checkout k JOIN payment_issue i ON i.session_id = k.session_id
		WHERE i.id = $1 AND i.reason = ANY($2) AND k.state IN ('creating', 'open', 'pending') FOR UPDATE OF k`,
		payment, heldReasons)
}

// markResolved notes who has seen to an entry for staff, the first time.
func markResolved(ctx context.Context, tx pgx.Tx, payment int64, by string) (known bool, err error) {
	return pg.ExecOne(ctx, tx, "resolve payment $1", `
		UPDATE payment_issue SET resolved_at = coalesce(resolved_at, now()), resolved_by = coalesce(resolved_by, $2)
		WHERE id = $1`, payment, by)
}

// endServed ends the checkout of a payment that was served without an order: what it held is gone.
func endServed(ctx context.Context, tx pgx.Tx, checkoutID string) error {
	return pg.Exec(ctx, tx, "end checkout $1", `
		WITH gone AS (DELETE FROM reservation WHERE checkout_id = $1)
		UPDATE checkout SET state = 'failed', client = NULL WHERE id = $1`, checkoutID)
}
