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

// The reasons for which a payment is on the list for staff: docs/runbooks/payments-for-staff.md.
const (
	noQuote         = "no-quote"         // the shop has no quote for it
	unreadable      = "unreadable"       // Stripe describes it in a way that the shop cannot read
	amountDiffers   = "amount-differs"   // Stripe describes it in a way that the shop cannot read
	currencyDiffers = "currency-differs" // from the quote's
	paidTwice       = "paid-twice"       // another payment for the same made an order
	paidAfterEnd    = "paid-after-end"   // its checkout had expired, been closed or failed
	// the order could not be stored; the sweep tries again as long as the entry is open
	orderRefused   = "order-refused"
	payerDiffers   = "payer-differs"       // a note about a payment that is an order
	otherAccount   = "other-account"       // the event names another account than ours
	unknownVersion = "unknown-api-version" // the event has an unknown form
	refundLost     = "refund-failed"       // a refund failed or was canceled; the entry is about the refund
	disputed       = "dispute"             // the bank waits for evidence; the entry is about the dispute
	disputeLost    = "dispute-lost"        // the bank has decided for the buyer
)

// finalReasons are the reasons of entries whose payments can no longer become orders once staff
// have resolved them: the payment was refunded, or served by hand. With the other reasons the event
// was wrong, and a correct one may still come.
var finalReasons = []string{orderRefused, paidAfterEnd, unreadable}

// paidReasons are the reasons of entries that are payments, and not notes about one.
var paidReasons = []string{noQuote, unreadable, amountDiffers, currencyDiffers, paidTwice, paidAfterEnd, orderRefused}

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
		"Paid, but the order could not be stored: %v. The money is safe. Remove the cause and the order makes "+
			"itself, as long as this entry is open; or refund the payment in Stripe, or serve it by hand, and "+
			"resolve this.", err))})
}

// tryPlace is placeTogether behind a savepoint: after an error nothing of it has happened.
func (s *server) tryPlace(ctx context.Context, tx pgx.Tx, payments []payment) (results map[string]result, err error) {
	undo := bus.Enqueued(tx)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			s.log.Error("placing a payment", "error", err, "stack", string(debug.Stack()))
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
