package order

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// heldReasons are those of entries whose checkout stays as it is, with what it holds, until staff have
// resolved them: the payment may still become an order.
var heldReasons = []string{orderRefused, unreadable, amountDiffers, currencyDiffers}

// resolvePayment notes that staff have seen to a payment. Its checkout, when it made no order, ends with
// it: the shopper may buy again, and what it held goes back. Of a payment that was served by hand the
// pieces are gone, and the uses of codes stay used.
func resolvePayment(ctx context.Context, db *pgxpool.Pool, payment int64, by string, served bool) error {
	if payment == 0 || by == "" {
		return fmt.Errorf("%w: resolve wants -payment and -by", boot.ErrUsage)
	}
	return pg.Tx(ctx, db, func(tx pgx.Tx) error { return resolveIn(ctx, tx, payment, by, served) })
}

// resolveIn is resolvePayment in a transaction.
func resolveIn(ctx context.Context, tx pgx.Tx, payment int64, by string, served bool) error {
	// The checkout is locked before its entries, as where payments are placed.
	checkout, held, err := lockHeld(ctx, tx, payment)
	if err != nil {
		return err
	}
	known, err := markResolved(ctx, tx, payment, by)
	switch {
	case err != nil:
		return err
	case !known:
		return fmt.Errorf("there is no payment %d", payment)
	case !held:
		return nil
	case served:
		return endServed(ctx, tx, checkout)
	}
	return endCheckout(ctx, tx, checkout, stateFailed)
}
