package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
)

// enqueueGivenBack publishes the orders of which another amount is given back than before: refunds
// that succeeded, and disputes that the bank decided for the buyer, each with its day. The orders
// of the payments are locked.
func enqueueGivenBack(ctx context.Context, tx pgx.Tx, payments []string) error {
	changed, err := noteGivenBack(ctx, tx, payments)
	if err != nil {
		return err
	}
	return enqueueEachGivenBack(ctx, tx, changed)
}

// enqueueHistoryGivenBack publishes existing orders that have a tax, or of which something was
// given back.
func enqueueHistoryGivenBack(ctx context.Context, tx pgx.Tx, orders []orderFigure) error {
	ids := make([]int64, len(orders))
	for i, o := range orders {
		ids[i] = o.ID
	}
	given, err := givenBackOf(ctx, tx, ids)
	if err != nil {
		return err
	}
	return enqueueEachGivenBack(ctx, tx, given)
}

func enqueueEachGivenBack(ctx context.Context, tx pgx.Tx, orders []givenBack) error {
	for _, o := range orders {
		if err := bus.Enqueue(ctx, tx, o.message()); err != nil {
			return err
		}
	}
	return nil
}
