package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/random"
)

// RefundPayment gives back all that is left of a payment that made no order, resolves its entry in
// the list for staff, and ends its checkout, as resolve does. It returns the refund's id.
func (d *Desk) RefundPayment(ctx context.Context, who Actor, entry int64, note string) (id string, err error) {
	w := Refund{All: true, Note: note}
	if err := w.check(); err != nil {
		return "", err
	}

	err = pg.Tx(ctx, d.pool, func(tx pgx.Tx) error {
		checkout, err := lockHeld(ctx, tx, entry)
		if err != nil {
			return err
		}

		p, found, err := lockIssue(ctx, tx, entry)
		switch {
		case err != nil:
			return err
		case !found || p.PaymentIntent == "":
			return refuseAct("", "There is no open payment %d to refund.", entry)
		case p.Order != "":
			return refuseAct("", "This payment is order %s: refund that.", p.Order)
		}

		ledger, err := LedgerOf(ctx, tx, p.PaymentIntent)
		if err != nil {
			return err
		}
		if ledger.Left() <= 0 {
			return refuseAct("amount", "There is nothing left to refund.")
		}

		r := refundRow{ID: random.Code(identifierLength), PaymentIntent: p.PaymentIntent, Currency: p.Currency,
			Amount: ledger.Left(), Note: pg.StorableText(note, 0)}
		id = r.ID
		if err := insertRefund(ctx, tx, r, who); err != nil {
			return err
		}
		if _, _, err := markResolved(ctx, tx, entry, who.Name, refunded); err != nil {
			return err
		}

		if checkout.Held {
			if err := endCheckout(ctx, tx, checkout.ID, stateFailed); err != nil {
				return err
			}
		}
		return paymentActed(ctx, tx, who, entry, p.At, report{action: adminui.OrdersRefund,
			text: "Refunded " + r.Amount.String(), after: r.audited()})
	})
	if err == nil {
		d.committed()
	}
	return id, err
}
