package order

import (
	"context"
	"net/http"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const checkoutEndpoint = "create_checkout_session"

// checkoutRefusal says why there is no payment page. The code is one of the contract's, so that old
// pages go on working; the other fields tell newer pages more.
type checkoutRefusal struct {
	code     string
	reason   string // one of the reasons below
	text     string
	order    string       // identifier of the order that was already paid
	pending  *money.Cents // sum of the debits that a bank is still working on
	old, now *quoted      // what was shown, if that is known, and what should be
}

// Reasons in addition to the contract's codes.
const (
	reasonPaid    = "paid-already"
	reasonPending = "payment-pending"
)

func (r *checkoutRefusal) answer(w http.ResponseWriter) error {
	errs := refusalErrors{Error: r.code, Description: r.text, Reason: r.reason, OrderIdentifier: r.order,
		PendingTotal: r.pending, New: r.now}
	if r.now != nil {
		errs.Old = &web.OrEmpty[quoted]{Value: r.old}
	}
	return refuseWith(w, checkoutEndpoint, errs)
}

// refusePaid refuses because another tab paid: it names the order, or says that staff are looking
// at the payment.
func refusePaid(paid result) *checkoutRefusal {
	if paid.identifier == "" {
		return &checkoutRefusal{code: codeUnexpected, reason: reasonPaid, text: textForStaff}
	}
	refusal := &checkoutRefusal{code: codeUnexpected}
	refusal.name(paid.identifier)
	return refusal
}

// name adds the order that was already paid to a refusal.
func (r *checkoutRefusal) name(order string) {
	r.reason = reasonPaid
	r.text = "You have paid in another tab already: that is order " + order +
		". If there is more in your cart that you want, look at it again and go on from there."
	r.order = order
}

// nameRecentOrder names the order of a cart that is gone or empty because it was bought.
func (s *server) nameRecentOrder(ctx context.Context, who web.Identity, refusal *checkoutRefusal) error {
	if (refusal.code != codeCartNotFound && refusal.code != codeCartIsEmpty) || (!who.Member() && who.Cart == "") {
		return nil
	}
	order, err := recentOrder(ctx, s.pool, ownerOf(who))
	if err == nil && order != "" {
		refusal.name(order)
	}
	return err
}

const textPending = "You have paid for this cart by a debit already, and your bank has not answered yet. If you pay " +
	"again, you may pay twice. Wait for our mail, or go to the payment once more if you are sure."

// refusePending asks the shopper before a second payment while a bank is working on the first one.
func refusePending(pending []checkout) *checkoutRefusal {
	var total money.Cents
	for _, c := range pending {
		total += c.Total
	}
	return &checkoutRefusal{code: codeUnexpected, reason: reasonPending, text: textPending, pending: &total}
}

// Old pages have no parameter for the answer. Their second click is the answer: not within
// askedLongEnough, which would be a double click, and not after askedTooLongAgo.
const (
	askedLongEnough = 2 * time.Second
	askedTooLongAgo = 30 * time.Minute
)

// confirmedAgain reports whether a shopper was asked and wants to pay although a debit is under
// way.
func confirmedAgain(form web.Values, pending []checkout, now time.Time) bool {
	if form.Get("although_payment_pending") == "true" {
		return true
	}
	for _, c := range pending {
		if c.AskedAt == nil || now.Sub(*c.AskedAt) < askedLongEnough || now.Sub(*c.AskedAt) > askedTooLongAgo {
			return false
		}
	}
	return true
}
