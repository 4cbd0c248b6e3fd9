package order

import (
	"context"
	"slices"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/random"
)

// The states of a refund. However Stripe's events arrive, a refund only moves on, in this order.
const (
	refundRequested = "requested" // Stripe has not answered yet
	refundPending   = "pending"
	refundSucceeded = "succeeded"
	refundFailed    = "failed"
	refundCanceled  = "canceled" // in Stripe's dashboard
)

// statusRefunded is the status of an order whose whole payment was given back, or all of whose
// pieces were and only the price of shipping was kept, unless it was canceled.
const statusRefunded = "refunded"

// RefundReasons are Stripe's reasons for a refund. With "fraudulent" Stripe blocks the card and the
// address from then on.
var RefundReasons = []string{"requested_by_customer", "duplicate", "fraudulent"}

// maxNote is the length of a note to a refund, in characters.
const maxNote = 1000

// Refund is a refund that staff want to make.
type Refund struct {
	Order
	All      bool        // all that is left: pieces and money
	Lines    []Pieces    // otherwise these pieces, each at its share of what was paid for the items
	Shipping bool        // and what is left of the price of shipping
	Amount   money.Cents // otherwise this; with Lines or Shipping, instead of their value, which it must not exceed
	Reason   string      // one of RefundReasons, or ""
	Note     string      // for staff
	Restock  bool        // the pieces return to the shelf
}

// Refund gives money back and returns the refund's id. The running service asks Stripe, as often as
// it takes. It refuses more than the ledger has left.
func (d *Desk) Refund(ctx context.Context, who Actor, w Refund) (id string, err error) {
	if err := w.check(); err != nil {
		return "", err
	}
	err = d.act(ctx, who, w.Order, func(tx pgx.Tx, o deskOrder) (*report, error) {
		r, err := newRefund(ctx, tx, o, w)
		if err != nil {
			return nil, err
		}
		id = r.ID
		if err := insertRefund(ctx, tx, r, who); err != nil {
			return nil, err
		}
		return &report{action: adminui.OrdersRefund, text: "Refunded " + r.Amount.String(), after: r.audited()}, nil
	})
	return id, err
}

// RefundTotal computes what a refund would come to, and what is left of the payment, and changes
// nothing.
func (d *Desk) RefundTotal(ctx context.Context, who Actor, w Refund) (total, left money.Cents, err error) {
	if err := w.check(); err != nil {
		return 0, 0, err
	}
	err = d.act(ctx, who, w.Order, func(tx pgx.Tx, o deskOrder) (*report, error) {
		r, err := newRefund(ctx, tx, o, w)
		if err != nil {
			return nil, err
		}
		ledger, err := LedgerOf(ctx, tx, r.PaymentIntent)
		total, left = r.Amount, ledger.Left()
		return nil, err
	})
	return total, left, err
}

// check refuses text that cannot be stored, and invalid amounts.
func (w Refund) check() error {
	switch {
	case w.Reason != "" && !slices.Contains(RefundReasons, w.Reason):
		return refuseAct("reason", "There is no reason %q.", pg.Clip(w.Reason, 40))
	case utf8.RuneCountInString(w.Note) > maxNote:
		return refuseAct("note", "A note has at most %d characters.", maxNote)
	case w.Amount < 0:
		return refuseAct("amount", "An amount cannot be below zero.")
	case w.All && (len(w.Lines) > 0 || w.Amount > 0):
		return refuseAct("all", "Choose either all that is left, or pieces and an amount.")
	}
	return nil
}

// refundRow is a refund about to be written.
type refundRow struct {
	ID, PaymentIntent, Currency string
	Amount, Shipping            money.Cents
	Reason, Note                string
	WithCancel, Restock         bool
	OrderID                     int64
	Lines                       []Pieces
}

// audited is a refund for the log of acts: without the note, which may name the customer.
func (r refundRow) audited() map[string]any {
	return map[string]any{"refund": r.ID, "amount": r.Amount, "reason": r.Reason, "lines": r.Lines,
		"restock": r.Restock}
}

// newRefund computes the refund that staff want, from the current lines and ledger.
func newRefund(ctx context.Context, tx pgx.Tx, o deskOrder, w Refund) (refundRow, error) {
	r := refundRow{ID: random.Code(identifierLength), Currency: o.Currency, Reason: w.Reason,
		Note: pg.StorableText(w.Note, 0), Restock: w.Restock, OrderID: o.ID}
	if o.PaymentIntent == nil {
		return r, refuseAct("", "Nothing was paid for this order.")
	}

	r.PaymentIntent = *o.PaymentIntent
	lines, err := orderLines(ctx, tx, o.ID)
	if err != nil {
		return r, err
	}
	ledger, err := LedgerOf(ctx, tx, r.PaymentIntent)
	if err != nil {
		return r, err
	}
	shipped, err := refundedShipping(ctx, tx, r.PaymentIntent)
	if err != nil {
		return r, err
	}
	if err := r.work(o, w, lines, ledger.Left(), shipped); err != nil {
		return r, err
	}

	switch {
	case ledger.Left() <= 0:
		return r, refuseAct("amount", "There is nothing left to refund.")
	case r.Amount <= 0:
		return r, refuseAct("amount", "This refund comes to zero.")
	case r.Amount > ledger.Left():
		return r, refuseAct("amount", "%s is more than the %s that is left.", r.Amount, ledger.Left())
	case w.Restock && len(r.Lines) == 0:
		return r, refuseAct("restock", "Say which pieces are back on the shelf.")
	}
	return r, nil
}

// work fills in pieces and amounts.
func (r *refundRow) work(o deskOrder, w Refund, lines []deskLine, left, shippingRefunded money.Cents) (err error) {
	if w.All {
		r.Lines, r.Amount = piecesLeft(lines), left
		r.Shipping = max(min(o.shippingPaid()-shippingRefunded, left), 0)
		return nil
	}
	unrefunded := func(l deskLine) int { return l.Quantity - l.Refunded }
	if r.Lines, err = checkPieces(lines, w.Lines, unrefunded, "to refund"); err != nil {
		return err
	}

	r.Amount = o.itemsPaid(lines, r.Lines)
	if w.Shipping {
		r.Shipping = max(o.shippingPaid()-shippingRefunded, 0)
		r.Amount += r.Shipping
	}
	r.Amount += o.taxOn(o.itemsRefunded(lines)+shippingRefunded, r.Amount)
	if w.Amount != 0 {
		// A typing mistake costs money: an amount beyond the pieces has to be a refund of its own.
		if chosen := len(r.Lines) > 0 || w.Shipping; chosen && w.Amount > r.Amount {
			return refuseAct("amount", "%s is more than the %s paid for the chosen items. Refund the rest "+
				"separately, as an amount alone.", w.Amount, r.Amount)
		}
		r.Amount = w.Amount
		r.Shipping = max(min(r.Shipping, w.Amount), 0)
	}

	return nil
}

// piecesLeft are all pieces that were not refunded.
func piecesLeft(lines []deskLine) (pieces []Pieces) {
	for _, l := range lines {
		if n := l.Quantity - l.Refunded; n > 0 {
			pieces = append(pieces, Pieces{l.Seq, n})
		}
	}
	return pieces
}

func (o deskOrder) shippingPaid() money.Cents {
	return money.Cents(o.ShippingSubtotal - o.ShippingDiscount)
}

// taxOn is the share of the added tax that goes back with an amount, after an earlier amount. The
// shares are cut from the running sum, so that together they are the tax, to the cent.
func (o deskOrder) taxOn(before, amount money.Cents) money.Cents {
	paid, tax := money.Cents(o.Total-o.SalesTax), money.Cents(o.SalesTax)
	if paid <= 0 {
		return 0
	}
	return min(before+amount, paid).Share(tax, paid) - min(before, paid).Share(tax, paid)
}

// itemsRefunded is what was paid for the pieces that were refunded, without tax.
func (o deskOrder) itemsRefunded(lines []deskLine) money.Cents {
	fresh := slices.Clone(lines)
	var pieces []Pieces
	for i, l := range fresh {
		pieces = append(pieces, Pieces{l.Seq, l.Refunded})
		fresh[i].Refunded = 0
	}
	return o.itemsPaid(fresh, pieces)
}

// itemsPaid is what was paid for some pieces after the pieces that were refunded before: their
// price less their share of the discount. The shares are cut from the running sum, so that those of
// all pieces are together what was paid for the items, to the cent.
func (o deskOrder) itemsPaid(lines []deskLine, pieces []Pieces) money.Cents {
	var before, now, fullPrice, subtotal money.Cents
	for _, l := range lines {
		if !l.FullPrice {
			before += money.Cents(l.PriceCents).Times(l.Refunded)
			subtotal += money.Cents(l.PriceCents).Times(l.Quantity)
		}
	}
	for _, p := range pieces {
		l, found := lineAt(lines, p.Seq)
		switch {
		case found && l.FullPrice:
			fullPrice += money.Cents(l.PriceCents).Times(p.Quantity)
		case found:
			now += money.Cents(l.PriceCents).Times(p.Quantity)
		}
	}
	if subtotal <= 0 {
		return fullPrice
	}
	paid := subtotal - money.Cents(o.ItemDiscount)
	return fullPrice + (before+now).Share(paid, subtotal) - before.Share(paid, subtotal)
}
