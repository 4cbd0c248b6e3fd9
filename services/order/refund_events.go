package order

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// chargeRefunded is the event of API version 2023-10-16 that reports a refund without the refund:
// its object is the charge.
const chargeRefunded = "charge.refunded"

// readMoneyEvent reads an event about a refund or a dispute before the transaction. If the event is
// about a refund that the shop does not know, it asks Stripe for the refunds of the payment.
func (s *server) readMoneyEvent(ctx context.Context, e *stripeEvent) error {
	switch {
	case e.foreign(s.cfg.StripeAccount) == otherAccount:
		return nil
	case strings.HasPrefix(e.Type, "charge.dispute."):
		if d, err := stripe.ReadDispute(e.Data.Object); err == nil && d.PaymentIntent != "" {
			e.money.disputes = []stripe.Dispute{d}
		}
		return nil
	case strings.HasPrefix(e.Type, "refund.") || e.Type == "charge.refund.updated":
		if r, err := stripe.ReadRefund(e.Data.Object); err == nil && r.PaymentIntent != "" {
			e.money.refunds = []stripe.Refund{r}
		}
		return nil
	case e.Type != chargeRefunded:
		return nil
	}

	var charge struct {
		PaymentIntent  json.RawMessage `json:"payment_intent"`
		AmountRefunded int64           `json:"amount_refunded"`
	}
	if json.Unmarshal(e.Data.Object, &charge) != nil {
		return nil //nolint:nilerr // an event of another form says nothing about money
	}
	intent := pg.StorableKey(stripe.ObjectID(charge.PaymentIntent), stripe.MaxID)
	if intent == "" || !s.stripe.HasKey() {
		return nil
	}
	known, err := refundKnown(ctx, s.pool, intent, charge.AmountRefunded)
	if err != nil || known {
		return err
	}

	e.money.refunds, err = s.stripe.RefundsOf(ctx, intent)
	switch status := stripe.Status(err); status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusBadRequest:
		s.log.Warn("Stripe does not list the refunds of a payment", "payment", intent, "error", err)
		return nil // the other events about the refund have to do
	}
	return err
}

// moneyReport are refunds and disputes as Stripe reports them.
type moneyReport struct {
	refunds  []stripe.Refund
	disputes []stripe.Dispute
}

// payments are the payment intents of its refunds and disputes, each once.
func (m moneyReport) payments() (intents []string) {
	for _, r := range m.refunds {
		intents = append(intents, r.PaymentIntent)
	}
	for _, d := range m.disputes {
		intents = append(intents, d.PaymentIntent)
	}
	slices.Sort(intents)
	return slices.Compact(intents)
}

// lockMoney collects the refunds and disputes of a group of events, and locks their orders before
// the group locks anything else, as acts of staff do.
func lockMoney(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) (reported moneyReport, err error) {
	for _, d := range group {
		if e, ok := d.Value.(*stripeEvent); ok {
			reported.refunds = append(reported.refunds, e.money.refunds...)
			reported.disputes = append(reported.disputes, e.money.disputes...)
		}
	}
	if payments := reported.payments(); len(payments) > 0 {
		err = lockPayments(ctx, tx, payments)
	}
	return reported, err
}

// storeMoney stores refunds and disputes as Stripe reports them, whatever it reported before and in
// whichever order the reports arrive, and acts on the changes.
func storeMoney(ctx context.Context, tx pgx.Tx, reported moneyReport) error {
	payments := reported.payments()
	if len(payments) == 0 {
		return nil
	}
	if err := lockPayments(ctx, tx, payments); err != nil { // orders of the same group as well
		return err
	}
	for _, r := range reported.refunds {
		if err := upsertStripeRefund(ctx, tx, r); err != nil {
			return err
		}
	}
	for _, d := range reported.disputes {
		if err := upsertDispute(ctx, tx, d); err != nil {
			return err
		}
	}
	return settleMoney(ctx, tx, payments)
}

// settleMoney does what the refunds and disputes of payments still require, under a lock of their
// orders: mails to customers, statuses of orders, entries for staff. Each row notes what was done
// about it, so nothing is done twice.
func settleMoney(ctx context.Context, tx pgx.Tx, payments []string) error {
	if err := mailRefunds(ctx, tx, payments); err != nil {
		return err
	}
	if err := enqueueReturned(ctx, tx, payments); err != nil {
		return err
	}
	if err := enqueueGivenBack(ctx, tx, payments); err != nil {
		return err
	}

	lost, err := claimLostRefunds(ctx, tx, payments)
	if err != nil {
		return err
	}
	for _, r := range lost {
		if err := openIssue(ctx, tx, r.issue()); err != nil {
			return err
		}
		if err := takeFromShelf(ctx, tx, r.ID); err != nil {
			return err
		}
	}

	for _, mark := range []struct {
		status string
		orders func(context.Context, pgx.Tx, []string) ([]deskOrder, error)
	}{{statusShipped, markSent}, {statusRefunded, markRefunded}} {
		marked, err := mark.orders(ctx, tx, payments)
		if err != nil {
			return err
		}
		for _, o := range marked {
			if err := bus.Enqueue(ctx, tx, statusMessage(o, mark.status, time.Now())); err != nil {
				return err
			}
		}
	}
	return noteDisputes(ctx, tx, payments)
}

// mailRefunds mails the customers of refunds that Stripe makes or made, except of old ones, which
// were found in Stripe's list.
func mailRefunds(ctx context.Context, tx pgx.Tx, payments []string) error {
	list, err := claimRefundsToMail(ctx, tx, payments)
	if err != nil || len(list) == 0 {
		return err
	}

	var ids []int64
	for _, r := range list {
		ids = append(ids, r.OrderID)
	}
	orders, err := ordersToMail(ctx, tx, ids)
	if err != nil {
		return err
	}

	for _, r := range list {
		o := orders[r.OrderID]
		if r.Late || pg.Text(o.Email) == "" {
			continue
		}
		lines, err := orderLines(ctx, tx, r.OrderID)
		if err != nil {
			return err
		}
		pieces, err := refundPieces(ctx, tx, r.ID)
		if err != nil {
			return err
		}
		m := o.mail(msg.MailOrderRefunded, lines)
		m.Refund = &msg.RefundMail{Amount: int64(r.Amount), Lines: linesOf(lines, pieces)}
		err = bus.Enqueue(ctx, tx, msg.Message{Key: m.Kind + ":" + r.ID, Subject: msg.MailSubject(m.Kind), Payload: m})
		if err != nil {
			return err
		}
	}
	return nil
}

// issue is the entry for staff about a refund that failed or was canceled.
func (r lostRefund) issue() issue {
	amount := r.Amount
	said := "The customer has not been told."
	if r.Told {
		said = "The customer has been told that the money is on its way: write to them."
	}
	how := "Stripe says that it failed"
	if r.State == refundCanceled {
		how = "It was canceled in Stripe's dashboard"
	}
	if r.Failure != "" {
		how += " (" + r.Failure + ")"
	}
	return issue{
		Reason:        refundLost,
		SessionID:     r.ID,
		PaymentIntent: r.PaymentIntent,
		Amount:        &amount,
		Currency:      r.Currency,
		Payload:       json.RawMessage(`{}`),
		Explanation: fmt.Sprintf("A refund of %s failed. %s. The shop has the money again. %s Refund it again, or "+
			"find another way with the customer, then resolve this.", r.Amount, how, said),
	}
}
