package order

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// A bank debit is authorized on Stripe's page and paid, or refused, days later. In the meantime its
// checkout is pending: it keeps its reservations, and the shopper is told by mail and on our pages
// how the debit stands.

// markPending is markPendingIn outside of the consumer.
func (s *server) markPending(ctx context.Context, p stripe.Session) error {
	return s.outbox.Tx(ctx, func(tx pgx.Tx) error { return markPendingIn(ctx, tx, p) })
}

// markPendingIn keeps the reservations of a checkout while a delayed payment is under way, and
// tells the shopper once that we wait for the bank: a checkout becomes pending only once.
func markPendingIn(ctx context.Context, tx pgx.Tx, p stripe.Session) error {
	held, err := storePending(ctx, tx, p)
	if err != nil {
		return err
	}
	for _, c := range held {
		if err := mailAboutDebit(ctx, tx, msg.MailPaymentPending, c, p); err != nil {
			return err
		}
	}
	return nil
}

// endSession ends the checkout of a session that can no longer be paid; the cart stays.
func (s *server) endSession(ctx context.Context, tx pgx.Tx, p stripe.Session, eventType string) error {
	if eventType == "checkout.session.async_payment_failed" {
		return failDebit(ctx, tx, p)
	}
	known, err := lockCheckouts(ctx, tx, []payment{{Session: p}})
	if err != nil {
		return err
	}
	if c := known.of(p); c != nil {
		return endCheckout(ctx, tx, c.ID, stateExpired)
	}
	return nil
}

// refuseDebit is failDebit outside of the consumer.
func (s *server) refuseDebit(ctx context.Context, p stripe.Session) error {
	return s.outbox.Tx(ctx, func(tx pgx.Tx) error { return failDebit(ctx, tx, p) })
}

// failDebit ends the checkout of a payment that the bank refused, and tells the shopper, once.
func failDebit(ctx context.Context, tx pgx.Tx, p stripe.Session) error {
	known, err := lockCheckouts(ctx, tx, []payment{{Session: p}})
	if err != nil {
		return err
	}
	c := known.of(p)
	if c == nil || (c.State != stateCreating && c.State != stateOpen && c.State != statePending) {
		return nil
	}
	if err := endCheckout(ctx, tx, c.ID, stateFailed); err != nil {
		return err
	}
	return mailAboutDebit(ctx, tx, msg.MailPaymentRefused, *c, p)
}

// mailAboutDebit tells the payer how their bank debit stands. The key contains the checkout, so
// that there is one mail of a kind for a payment, however often Stripe reports it.
func mailAboutDebit(ctx context.Context, tx pgx.Tx, kind string, c checkout, p stripe.Session) error {
	email := c.Email
	if email == "" {
		email = p.Email()
	}
	if email == "" {
		return nil
	}

	// erased while the bank was working on it
	if gone, err := erasure.IsForgotten(ctx, tx, c.AgreedAt, email); err != nil || gone {
		return err
	}

	now := time.Now().UTC()
	mail := msg.SendMail{
		Kind:       kind,
		To:         []string{email},
		MemberCode: pg.Text(c.MemberCode),
		CreatedAt:  now,
		Deadline:   now.Add(mailTTL),
		Payment: &msg.PaymentMail{
			Total: int64(c.Total),
			Lines: quotedLines(&c),
		},
	}

	if c.MemberID != nil {
		mail.MemberID = *c.MemberID
	}
	return bus.Enqueue(ctx, tx, msg.Message{Key: kind + ":" + c.ID, Subject: msg.MailSubject(kind), Payload: mail})
}

// The states of a payment that is not an order (yet), in addition to the contract's code.
const (
	paymentPending = "pending"
	paymentRefused = "refused"
)

// unpaid tells how an unpaid session stands: a bank is working on it, or has refused it; "" if the
// shopper did not pay at all. It stores what the shop did not know yet.
func (s *server) unpaid(ctx context.Context, p stripe.Session) (string, error) {
	if p.Status != stripe.SessionComplete {
		return "", nil
	}
	state, err := stateOfSession(ctx, s.pool, p)
	if err != nil || state == "" {
		return "", err
	}
	failed := state == stateFailed
	if !failed {
		if failed, err = s.stripe.IntentFailed(ctx, p.PaymentIntent); err != nil {
			return paymentPending, err
		}
		if failed {
			err = s.refuseDebit(ctx, p)
		} else {
			err = s.markPending(ctx, p)
		}
	}
	if failed {
		return paymentRefused, err
	}
	return paymentPending, err
}

var textsOfUnpaid = map[string]string{
	paymentPending: "Your bank has not confirmed the payment yet. The order is made as soon as it does, and we will " +
		"write to you either way.",
	paymentRefused: "Your bank refused the payment, so there is no order. Your cart is as it was; please pay in " +
		"another way.",
}
