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

// Why a payment is on the list for staff: docs/runbooks/payments-for-staff.md.
const (
	noQuote         = "no-quote"         // the shop knows nothing of it
	unreadable      = "unreadable"       // Stripe describes it in a way that the shop cannot read
	amountDiffers   = "amount-differs"   // from the quote's
	currencyDiffers = "currency-differs" // from the quote's
	paidTwice       = "paid-twice"       // another payment for the same made an order
	paidAfterEnd    = "paid-after-end"   // its checkout had expired, been closed or failed
	// the order could not be stored; the sweep tries again as long as the entry is open
	orderRefused   = "order-refused"
	payerDiffers   = "payer-differs"       // a note about a payment that is an order all the same
	otherAccount   = "other-account"       // the event names another account than ours
	unknownVersion = "unknown-api-version" // the event has a form that we do not know
	refundLost     = "refund-failed"       // a refund came to nothing; the entry is about that
	disputed       = "dispute"             // the bank waits for evidence; the entry is about the dispute
	disputeLost    = "dispute-lost"        // the bank has decided for the buyer
)

// finalReasons are those of entries that make no order any more once staff have resolved them: the
// payment was refunded, or served by hand. With the other reasons it was an event that was wrong, and a
// right one may still come.
var finalReasons = []string{orderRefused, paidAfterEnd, unreadable}

// paidReasons are those of entries that are a payment of their own, and not a note beside one.
var paidReasons = []string{noQuote, unreadable, amountDiffers, currencyDiffers, paidTwice, paidAfterEnd, orderRefused}

// placeTries is how often a group is placed again that met other parallel work, or an
// identifier that is taken.
const placeTries = 3

// placeApart places payments inside a savepoint. When something about one of them is refused, it is
// found by halving, and becomes an entry for staff in the same transaction.
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

// tryPlace is placeTogether behind a savepoint: on an error nothing of it has happened.
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

// errBroken is a transaction that cannot be used any more.
var errBroken = errors.New("the transaction is over")

// placingRefused reports whether a payment itself cannot be stored, as opposed to a database that is away, or busy
// with the same rows, or a caller who has gone: those mean later.
func placingRefused(ctx context.Context, err error) bool {
	return ctx.Err() == nil && !errors.Is(err, errBroken) && !pg.IsUnavailable(err) && !pg.IsContention(err)
}
