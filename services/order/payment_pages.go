package order

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// A shopper has at most one payment page that can be paid (docs/adr/0006). Every request for a new
// page closes the older ones first, and a cart that ends closes its page. No transaction waits for
// Stripe. Whether a page has to be closed is found in the data, not in a note that a crash could
// lose: a page has ended if its cart is gone, empty, bought, or another shopper's (endedSQL).

// closeTimeout is how long a shopper waits at most for the page of an ended cart to close. The
// sweep does the rest.
const closeTimeout = 3 * time.Second

// errStripeAway says that Stripe could neither close a page nor say how it stands.
var errStripeAway = errors.New("Stripe did not say how an older payment page stands")

// closePage ends an unpaid page at Stripe, and gives back what it held. The result is not nil if
// the page turned out to be paid: then it is its order, or its entry for staff. A page whose debit
// a bank is still working on stays as it is.
func (s *server) closePage(ctx context.Context, o checkout) (*result, error) {
	if o.SessionID == nil { // no one saw its page, and the request that is making it will find it ended
		return nil, endUnseen(ctx, s.pool, o.ID)
	}
	err := s.stripe.Expire(ctx, *o.SessionID)
	if err == nil {
		return nil, endCheckout(ctx, s.pool, o.ID, stateExpired)
	}

	now, rerr := s.stripe.Session(ctx, *o.SessionID)
	switch {
	case errors.Is(rerr, stripe.ErrNoSession):
	case rerr != nil:
		return nil, errors.Join(errStripeAway, err, rerr)
	case now.Paid():
		r, err := s.settle(ctx, now, "")
		return &r, err
	case now.Status == stripe.SessionComplete:
		return nil, s.markPending(ctx, now)
	case now.Status == stripe.SessionOpen:
		// The shopper must not be stuck because of it: if both pages are paid, one becomes the
		// order and the other an entry for staff.
		s.log.Warn("an older payment page stays open", "session", *o.SessionID, "error", err)
		return nil, endUnclosed(ctx, s.pool, o.ID)
	}
	return nil, endCheckout(ctx, s.pool, o.ID, stateExpired)
}

// closeNewPage closes a page whose checkout ended while it was made: no one has seen it yet.
func (s *server) closeNewPage(ctx context.Context, c checkout, sessionID string) error {
	if err := s.stripe.Expire(ctx, sessionID); err != nil {
		s.log.Warn("an unwanted payment page stays open", "session", sessionID, "error", err)
		return endUnclosed(ctx, s.pool, c.ID)
	}
	return endCheckout(ctx, s.pool, c.ID, stateExpired)
}

// closeEnded closes the pages of carts that have just ended, after the commit. The sweep closes
// what cannot be closed now, so the shopper's change succeeds either way.
func (s *server) closeEnded(ctx context.Context, carts ...int64) {
	ctx, cancel := context.WithTimeout(stripe.OnLane(context.WithoutCancel(ctx), stripe.LaneNew), closeTimeout)
	defer cancel()
	list, err := endedPages(ctx, s.pool, carts)
	for _, o := range list {
		_, cerr := s.closePage(ctx, o)
		err = errors.Join(err, cerr)
	}
	if err != nil {
		s.log.Warn("the payment page of an ended cart is left to the sweep", "error", err)
	}
}

// sweepEnded closes the pages that closeEnded could not, and those that a crash left.
func (s *server) sweepEnded(ctx context.Context) error {
	list, err := endedPagesToSweep(ctx, s.pool)
	if err != nil {
		return err
	}
	failures := 0
	for _, o := range list {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // being stopped is not an error
		}
		if err := s.sweepEndedPage(ctx, o); err != nil {
			if failures++; failures == sweepFailures {
				return err
			}
			s.log.Warn("closing the page of an ended cart failed", "checkout", o.ID, "error", err)
		}
	}
	return nil
}

func (s *server) sweepEndedPage(ctx context.Context, o checkout) error {
	if !o.Unclosed {
		_, err := s.closePage(ctx, o)
		return err
	}
	if o.SessionID == nil {
		return noteClosed(ctx, s.pool, o.ID)
	}
	if err := s.stripe.Expire(ctx, *o.SessionID); err != nil {
		now, rerr := s.stripe.Session(ctx, *o.SessionID)
		switch {
		case errors.Is(rerr, stripe.ErrNoSession):
		case rerr != nil:
			return errors.Join(err, rerr)
		case now.Paid():
			if err := s.sweepPaid(ctx, now); err != nil {
				return err
			}
		case now.Status == stripe.SessionOpen:
			return fmt.Errorf("close session %s: %w", *o.SessionID, err)
		}
	}
	return noteClosed(ctx, s.pool, o.ID)
}

// rivals are a shopper's other pages beside a new checkout.
type rivals struct {
	same    *checkout  // the page of an identical checkout
	older   []checkout // must be closed before there is a new one
	pending []checkout // paid by a debit for what is in the cart, which a bank is still working on
	round   *string    // the round of a page that Stripe would not close
}

// sortRivals sorts the unsettled pages of a shopper by what they mean for a new checkout.
func sortRivals(k checkout, list []checkout, now time.Time) (r rivals) {
	for i := range list {
		o := &list[i]
		round := o.CartID == k.CartID && o.CartGeneration == k.CartGeneration
		switch {
		case o.State == statePending:
			if round || o.sharesItem(k) {
				r.pending = append(r.pending, *o)
			}
		case o.State != stateCreating && o.State != stateOpen:
			key := o.roundKey()
			r.round = &key
		case round && o.QuoteHash == k.QuoteHash && o.reusable(now):
			r.same = o
		default:
			r.older = append(r.older, *o)
		}
	}
	return r
}

// inTheMaking reports whether another click is waiting for Stripe's answer about one of the older
// pages.
func (r rivals) inTheMaking(now time.Time) bool {
	for _, o := range r.older {
		if o.SessionID == nil && now.Sub(o.AgreedAt) < makingTimeout {
			return true
		}
	}
	return false
}

// pause waits between half and all of a duration.
func pause(ctx context.Context, longest time.Duration) error {
	select {
	case <-time.After(longest/2 + rand.N(longest/2)): //nolint:gosec // jitter
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for another click: %w", ctx.Err())
	}
}

// minLeft is the remaining life that a page needs for a shopper to pay on it.
const minLeft = 5 * time.Minute

// reusable reports whether a page lasts long enough to be handed out again. Stripe's minimum counts
// from the making of a page, so a page that has yet to be made needs more.
func (c *checkout) reusable(now time.Time) bool {
	left := c.ExpiresAt.Sub(now)
	return left >= checkoutReuse || (c.SessionID != nil && left >= minLeft)
}

func (c *checkout) sharesItem(other checkout) bool {
	for _, mine := range c.Quote.Lines {
		for _, l := range other.Quote.Lines {
			if mine.SKUID == l.SKUID {
				return true
			}
		}
	}
	return false
}

// roundKey names the pages of which at most one may become an order.
func (c *checkout) roundKey() string {
	if c.Round != nil {
		return *c.Round
	}
	return c.ID
}

// ownerOf names a shopper in the column of that name.
func ownerOf(who web.Identity) string {
	if who.Member() {
		return "member:" + web.ID(who.MemberID)
	}
	return "visitor:" + who.Cart
}
