package order

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// placeTries is how often a group is placed again after a conflict with parallel work, or because
// an identifier was taken.
const placeTries = 3

// placeApart places payments inside a savepoint. If one of them is refused, it is found by halving
// the group, and becomes an entry for staff in the same transaction.
func (s *server) placeApart(ctx context.Context, tx pgx.Tx, payments []payment, results map[string]result) error {
	if len(payments) == 0 {
		return nil
	}
	var part map[string]result
	var err error
	for range placeTries {
		part, err = s.tryPlace(ctx, tx, payments)
		if !errors.Is(err, errIdentifierTaken) && !pg.IsConflict(err) {
			break
		}
	}
	switch {
	case err == nil:
		maps.Copy(results, part)
		return nil
	case !placingRefused(ctx, err):
		return err
	case len(payments) > 1:
		half := len(payments) / 2
		if err := s.placeApart(ctx, tx, payments[:half], results); err != nil {
			return err
		}
		return s.placeApart(ctx, tx, payments[half:], results)
	}

	p := payments[0]
	s.log.Error("a payment made no order and is for staff", "session", p.ID, "error", err)
	results[p.ID] = result{reason: orderRefused}
	return storeIssues(ctx, tx, []issue{newIssue(p, orderRefused, fmt.Sprintf(
		"Paid, but the order could not be stored: %v. The money is safe. Remove the cause, and the order is made by "+
			"itself while this entry is open. Or refund the payment in Stripe, or serve it by hand, and resolve "+
			"this.", err))})
}

// tryPlace is placeTogether behind a savepoint: after an error nothing of it has happened.
func (s *server) tryPlace(ctx context.Context, tx pgx.Tx, payments []payment) (results map[string]result, err error) {
	undo := bus.Enqueued(tx)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			s.log.Error("placing a payment panicked", "error", err, "stack", string(debug.Stack()))
		}
		if err == nil {
			return
		}
		if rerr := undoPlacing(ctx, tx, undo); rerr != nil {
			err = errors.Join(err, errBroken, rerr)
		}
	}()
	return s.placeTogether(ctx, tx, payments)
}

// errBroken says that a transaction can no longer be used.
var errBroken = errors.New("the transaction is over")

// placingRefused reports whether a payment itself cannot be stored. A database that is down or busy
// with the same rows, and a caller who has gone, are no refusals: the payment is tried later.
func placingRefused(ctx context.Context, err error) bool {
	return ctx.Err() == nil && !errors.Is(err, errBroken) && !pg.IsUnavailable(err) && !pg.IsContention(err)
}
