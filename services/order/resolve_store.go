package order

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// heldCheckout is the checkout of a payment with an entry for staff.
type heldCheckout struct {
	ID   string
	Held bool // the entry keeps the checkout's state and reservations
}

// lockHeld locks the checkout of an entry for staff, if there is one, whatever its state and the
// entry's reason, so that no one makes an order of the payment in the meantime.
func lockHeld(ctx context.Context, tx pgx.Tx, payment int64) (heldCheckout, error) {
	k, _, err := pg.One[heldCheckout](ctx, tx, "lock the checkout of payment $1", `
		SELECT k.id, i.reason = ANY($2) AND k.state IN ('creating', 'open', 'pending') AS held
		FROM checkout k JOIN payment_issue i ON i.session_id = k.session_id WHERE i.id = $1 FOR UPDATE OF k`,
		payment, heldReasons)
	return k, err
}

// resolvedIssue is an entry for staff about to be resolved.
type resolvedIssue struct {
	Reason   string
	At       time.Time
	Resolved bool // before this act
}

// How an entry for staff was resolved, in payment_issue.resolution.
const (
	byHand   = "by-hand"
	served   = "served" // the goods were sent without an order
	refunded = "refunded"
)

// markResolved stores who has resolved an entry for staff and how, the first time only, and returns
// the former entry.
func markResolved(ctx context.Context, tx pgx.Tx, payment int64, by,
	how string) (e resolvedIssue, known bool, err error) {
	return pg.One[resolvedIssue](ctx, tx, "resolve payment $1", `
		WITH was AS (
		  SELECT id, reason, at, resolved_at IS NOT NULL AS resolved FROM payment_issue WHERE id = $1 FOR UPDATE
		), done AS (
		  UPDATE payment_issue i SET resolved_at = now(), resolved_by = $2, resolution = nullif($3, '') FROM was
		  WHERE i.id = was.id AND NOT was.resolved
		)
		SELECT reason, at, resolved FROM was`, payment, by, how)
}

// endServed ends the checkout of a payment that was served without an order: its pieces are gone.
func endServed(ctx context.Context, tx pgx.Tx, checkoutID string) error {
	return pg.Exec(ctx, tx, "end checkout $1", `
		WITH gone AS (DELETE FROM reservation WHERE checkout_id = $1)
		UPDATE checkout SET state = 'failed', client = NULL WHERE id = $1`, checkoutID)
}
