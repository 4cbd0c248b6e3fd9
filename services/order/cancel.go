package order

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/random"
)

// statusCanceled is the status of an order that staff canceled.
const statusCanceled = "canceled"

// Cancel ends an order of which nothing was sent: it refunds what is left of the money, puts the
// pieces back on the shelf, and tells the customer in one mail. From then on the money is a refund
// like any other; its id is "" if there was nothing to refund.
func (d *Desk) Cancel(ctx context.Context, who Actor, on Order, reason, note string) (refundID string, err error) {
	w := Refund{Order: on, All: true, Reason: reason, Note: note}
	if err := w.check(); err != nil {
		return "", err
	}
	err = d.act(ctx, who, on, func(tx pgx.Tx, o deskOrder) (*report, error) {
		sent, err := wasSent(ctx, tx, o.ID)
		switch {
		case err != nil:
			return nil, err
		case o.CanceledAt != nil:
			return nil, refuseAct("", "Order %s is already canceled.", o.Identifier)
		case sent:
			return nil, refuseAct("", "Part of order %s has been sent: refund it instead.", o.Identifier)
		}
		r, err := cancelRefund(ctx, tx, o, w)
		if err != nil {
			return nil, err
		}

		refundID = r.ID
		if err := giveBack(ctx, tx, r, who); err != nil {
			return nil, err
		}
		if err := markCanceled(ctx, tx, o.ID, who); err != nil {
			return nil, err
		}
		return &report{action: adminui.OrdersCancel, text: "Canceled, " + r.Amount.String() + " back",
			after: r.audited()}, mailCanceled(ctx, tx, o, r)
	})

	return refundID, err
}

// cancelRefund is the refund of what is left. Without money it has pieces alone, and no id.
func cancelRefund(ctx context.Context, tx pgx.Tx, o deskOrder, w Refund) (refundRow, error) {
	lines, err := orderLines(ctx, tx, o.ID)
	if err != nil {
		return refundRow{}, err
	}
	r := refundRow{OrderID: o.ID, Currency: o.Currency, Reason: w.Reason, Note: pg.StorableText(w.Note, 0),
		WithCancel: true, Restock: true}
	if o.PaymentIntent == nil {
		return r, r.work(o, w, lines, 0, 0)
	}
	ledger, err := LedgerOf(ctx, tx, *o.PaymentIntent)
	if err != nil {
		return r, err
	}
	shipping, err := refundedShipping(ctx, tx, *o.PaymentIntent)
	if err != nil {
		return r, err
	}
	if ledger.Left() > 0 {
		r.ID, r.PaymentIntent = random.Code(identifierLength), *o.PaymentIntent
	}
	return r, r.work(o, w, lines, max(ledger.Left(), 0), shipping)
}

// giveBack stores the refund of a canceled order, or puts its pieces back if there is no money in
// it.
func giveBack(ctx context.Context, tx pgx.Tx, r refundRow, who Actor) error {
	if r.ID != "" {
		return insertRefund(ctx, tx, r, who)
	}
	if len(r.Lines) == 0 {
		return nil
	}
	return restock(ctx, tx, r.OrderID, r.Lines)
}

// mailCanceled mails the customer and enqueues the new status for other services.
func mailCanceled(ctx context.Context, tx pgx.Tx, o deskOrder, r refundRow) error {
	if err := bus.Enqueue(ctx, tx, statusMessage(o, statusCanceled, time.Now())); err != nil || pg.Text(o.Email) == "" {
		return err
	}
	orders, err := ordersToMail(ctx, tx, []int64{o.ID})
	if err != nil {
		return err
	}
	lines, err := orderLines(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	m := orders[o.ID].mail(msg.MailOrderCanceled, lines)
	m.Refund = &msg.RefundMail{Amount: int64(r.Amount), Lines: linesOf(lines, r.Lines)}
	return bus.Enqueue(ctx, tx, msg.Message{Key: m.Kind + ":" + o.Identifier, Subject: msg.MailSubject(m.Kind),
		Payload: m})
}
