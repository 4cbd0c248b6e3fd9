package order

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// heldReasons are those of entries whose checkout stays as it is, with what it holds, until staff have
// resolved them: the payment may still become an order.
var heldReasons = []string{orderRefused, unreadable, amountDiffers, currencyDiffers}

// Resolve notes that staff have seen to a payment, once. Its checkout, when it made no order, ends with it:
// the shopper may buy again, and what it held goes back. Of a payment that was served by hand the pieces are
// gone, and the uses of codes stay used.
func (d *Desk) Resolve(ctx context.Context, who Actor, entry int64, goodsSent bool) error {
	how := byHand
	if goodsSent {
		how = served
	}
	err := pg.Tx(ctx, d.pool, func(tx pgx.Tx) error {
		// The checkout is locked before its entries, as where payments are placed.
		checkout, err := lockHeld(ctx, tx, entry)
		if err != nil {
			return err
		}
		e, known, err := markResolved(ctx, tx, entry, who.Name, how)
		switch {
		case err != nil:
			return err
		case !known:
			return fmt.Errorf("there is no payment %d", entry)
		case e.Resolved:
			return nil
		case checkout.Held && goodsSent:
			err = endServed(ctx, tx, checkout.ID)
		case checkout.Held:
			err = endCheckout(ctx, tx, checkout.ID, stateFailed)
		}
		if err != nil {
			return err
		}
		return paymentActed(ctx, tx, who, entry, e.At, report{action: adminui.WorkAct,
			text: "Saw to a payment: " + e.Reason, after: map[string]any{"served": goodsSent}})
	})
	if err == nil {
		d.committed()
	}
	return err
}

// paymentActed reports an act on an entry for staff. An entry that is opened again has another time, so that the next
// act on it is another one.
func paymentActed(ctx context.Context, tx pgx.Tx, who Actor, entry int64, at time.Time, r report) error {
	r.kind, r.key = "payment", id(entry)
	return acted(ctx, tx, who, fmt.Sprintf("payment:%d:%d", entry, at.UnixMicro()), r)
}
