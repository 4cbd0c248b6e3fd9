package order

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// heldReasons are those of entries whose checkout stays as it is, with what it holds, until staff have
// resolved them: the payment may still become an order.
var heldReasons = []string{orderRefused, "unreadable", "amount-differs", "currency-differs"}

// resolvePayment notes that staff have seen to a payment. Its checkout, when it made no order, ends with
// it: the shopper may buy again, and what it held goes back. Of a payment that was served by hand the
// pieces are gone, and the uses of codes stay used.
func resolvePayment(ctx context.Context, db *pgxpool.Pool, payment int64, by string, served bool) error {
	if payment == 0 || by == "" {
		return fmt.Errorf("%w: resolve wants -payment and -by", errUsage)
	}
	return pg.Tx(ctx, db, func(tx pgx.Tx) error {
		var held *string
		// The checkout is locked before its entries, as where payments are placed.
		err := tx.QueryRow(ctx, `
			SELECT k.id FROM checkout k JOIN payment_issue i ON i.session_id = k.session_id
			WHERE i.id = $1 AND i.reason = ANY($2) AND k.state IN ('creating', 'open', 'pending') FOR UPDATE OF k`, payment, heldReasons).Scan(&held)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("find the checkout of payment %d: %w", payment, err)
		}
		tag, err := tx.Exec(ctx, `UPDATE payment_issue SET resolved_at = coalesce(resolved_at, now()), resolved_by = coalesce(resolved_by, $2) WHERE id = $1`, payment, by)
		if err != nil {
			return fmt.Errorf("resolve payment %d: %w", payment, err)
		}
		if tag.RowsAffected() == 0 {
			return fmt.Errorf("there is no payment %d", payment)
		}
		if held == nil {
			return nil
		}
		if served {
			if _, err := tx.Exec(ctx, `DELETE FROM reservation WHERE checkout_id = $1`, *held); err != nil {
				return fmt.Errorf("keep what payment %d held: %w", payment, err)
			}
			if _, err := tx.Exec(ctx, `UPDATE checkout SET state = 'failed', client = NULL WHERE id = $1`, *held); err != nil {
				return fmt.Errorf("end the checkout of payment %d: %w", payment, err)
			}
			return nil
		}
		return endCheckout(ctx, tx, *held, "failed")
	})
}
