package order

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/fault"
)

const (
	historyBatchSize = 200 // orders in one transaction
	historyBatches   = 20  // transactions before other tasks have their turn
	// historyMinAge is the age from which no transaction can still add an order with a smaller id.
	historyMinAge = 5 * time.Minute
)

// enqueueReturned enqueues the figures of orders of which refunds and disputes have taken back
// another amount than before. The orders of the payments are locked.
func enqueueReturned(ctx context.Context, tx pgx.Tx, payments []string) error {
	changed, err := noteReturned(ctx, tx, payments)
	if err != nil {
		return err
	}
	return enqueueFigures(ctx, tx, changed, "")
}

func enqueueFigures(ctx context.Context, tx pgx.Tx, orders []orderFigure, how string) error {
	for _, o := range orders {
		if err := bus.Enqueue(ctx, tx, o.message(how)); err != nil {
			return err
		}
	}
	return nil
}

// enqueueHistory enqueues the figures of existing orders, which were placed before these figures
// were kept, once each. Any process continues where the last one stopped.
func (s *server) enqueueHistory(ctx context.Context, _ *pgxpool.Pool) (told int64, err error) {
	for range historyBatches {
		n := 0
		err := s.outbox.Tx(ctx, func(tx pgx.Tx) error {
			n, err = enqueueHistoryBatch(ctx, tx)
			return err
		})
		if err != nil || n == 0 {
			return told, err
		}
		told += int64(n)
		fault.Point("order", "history told")
	}
	return told, nil
}

// enqueueHistoryBatch enqueues the next batch and returns its size; 0 if there is nothing to
// enqueue now.
func enqueueHistoryBatch(ctx context.Context, tx pgx.Tx) (int, error) {
	at, found, err := lockHistory(ctx, tx)
	if err != nil || !found {
		return 0, err
	}
	orders, err := historyOf(ctx, tx, at, historyBatchSize)
	if err != nil {
		return 0, err
	}

	for i, o := range orders {
		if time.Since(o.PlacedAt) < historyMinAge {
			orders = orders[:i]
			break
		}
	}

	told := len(orders)
	switch {
	case told > 0:
		if err := moveHistory(ctx, tx, orders[told-1].ID); err != nil {
			return 0, err
		}
	case time.Since(at.Until) > historyMinAge:
		return 0, endHistory(ctx, tx)
	}

	if err := enqueueHistoryGivenBack(ctx, tx, orders); err != nil {
		return 0, err
	}
	orders = slices.DeleteFunc(orders, func(o orderFigure) bool { return o.MemberID == 0 && o.Email == "" })
	return told, enqueueFigures(ctx, tx, orders, ":named") // without names they were enqueued before
}
