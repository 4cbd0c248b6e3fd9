package order

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

const successEndpoint = "checkout_session_success"

// checkoutSessionSuccess is where Stripe sends the shopper back to. It makes the order unless the
// webhook's event was faster; all callers get the same identifier.
func (s *server) checkoutSessionSuccess(w http.ResponseWriter, r *http.Request) error {
	sessionID := r.URL.Query().Get("session_id")
	if sessionID == "" { // pages send an empty one if their address has none
		return refuse(w, successEndpoint, codeSessionIDRequired)
	}
	if !sessionShape.MatchString(sessionID) {
		return refuseSession(w)
	}

	event := s.placings.await(sessionID) // before the look-up: an order that it does not find yet is announced
	defer event.leave()
	known, err := lookUpSession(r.Context(), s.pool, sessionID)
	switch {
	case err != nil:
		return err
	case known.Order != "":
		return answerOrder(w, known.Order)
	case known.WithStaff && !known.Ours:
		return refuse(w, successEndpoint, codeCartNotFound)
	case !known.Ours: // a request to Stripe for each guess would use up the calls that payments need
		return refuseSession(w)
	}
	web.TellOutcome(w, web.OutcomeAsked)

	// The event usually arrives at the same moment as the shopper, and saves the request.
	if done, told := event.within(r.Context(), eventTimeout); told && done.identifier != "" {
		return answerOrder(w, done.identifier)
	}

	now, err := s.stripe.Session(stripe.OnLane(r.Context(), stripe.LaneAsk), sessionID)
	switch {
	case errors.Is(err, stripe.ErrNoSession):
		return refuseSession(w)
	case err != nil:
		web.Note(r, "cause", err.Error())
		return refuseWith(w, successEndpoint, refusalErrors{Error: codeUnexpected, Description: textStripeAway})
	case !now.Paid():
		return s.refuseUnpaid(w, r, now)
	}
	return s.answerPaid(w, r, now, event)
}

// answerPaid says which order a payment is, or that staff have it.
func (s *server) answerPaid(w http.ResponseWriter, r *http.Request, paid stripe.Session, event *placing) error {
	fault.Point("order", "success-asked")
	done, err := s.awaitOrder(r.Context(), paid, event)
	if done.reason != "" {
		web.Note(r, "payment_issue", done.reason)
	}
	switch {
	case err != nil:
		return err
	case done.identifier != "":
		return answerOrder(w, done.identifier)
	case done.reason == noQuote:
		return refuse(w, successEndpoint, codeCartNotFound)
	}
	errs := refusalErrors{Error: codeUnexpected, Description: textForStaff}
	if r.URL.Query().Get("payment") == "true" {
		errs.Payment = withStaff
	}
	return refuseWith(w, successEndpoint, errs)
}

// refuseUnpaid says that a page is not paid, and the state of its bank debit.
func (s *server) refuseUnpaid(w http.ResponseWriter, r *http.Request, now stripe.Session) error {
	payment, err := s.unpaid(r.Context(), now)
	if err != nil {
		web.Note(r, "cause", err.Error())
	}
	return refuseWith(w, successEndpoint, refusalErrors{
		Error: codePaymentNotCompleted, Payment: payment, Description: textsOfUnpaid[payment],
	})
}

// refuseSession refuses a session that the shop does not know, which may be a guess.
func refuseSession(w http.ResponseWriter) error {
	web.TellOutcome(w, web.OutcomeWrong)
	return refuseWith(w, successEndpoint, refusalErrors{Error: codeInvalidSession, Description: textNoSession})
}

func answerOrder(w http.ResponseWriter, identifier string) error {
	return answer(w, struct {
		Outcome    web.Success `json:"checkout_session_success"`
		Identifier string      `json:"order_identifier"`
		versioned
	}{Identifier: identifier})
}

const (
	// eventTimeout is how long a success page waits for the event of its payment before it asks
	// Stripe.
	eventTimeout = 15 * time.Millisecond
	// eventPause is the pause between checks of an event that this process is handling, and
	// eventLooks how many there are.
	eventPause = 50 * time.Millisecond
	eventLooks = 6
)

// awaitOrder is settle for the success page. Two transactions for one payment would wait for each
// other, so it leaves the order to the event if this process is handling it, and waits in memory:
// without a connection, and without a lock.
func (s *server) awaitOrder(ctx context.Context, paid stripe.Session, event *placing) (result, error) {
	if done, told := event.within(ctx, 0); told {
		return done, nil
	}
	for range eventLooks {
		if !event.inFlight() {
			break
		}
		if done, told := event.within(ctx, eventPause); told {
			return done, nil
		}
	}
	return s.settle(ctx, paid, "")
}

// withStaff tells pages that ask for it (payment=true) not to wait: the payment is on the list for
// staff. Others get the contract's shape, whose text says the same. cart-not-found needs nothing
// more: it is used only for a payment on that list.
const withStaff = "with-staff"

const (
	textNoSession  = "We do not know this payment. If you paid, please contact us."
	textStripeAway = "We could not check your payment just now. Your order is safe; please reload this page in a " +
		"moment."
	textForStaff = "We have received your payment and it is safe, but it could not become an order by itself. Our " +
		"staff have been told and will write to you; please do not pay again."
)

// sessionShape matches possible ids of Stripe's: for anything else no call is made.
var sessionShape = regexp.MustCompile(`^[A-Za-z0-9_]{1,255}$`)
