package order

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// heldReasons are the reasons of entries whose checkouts keep their state and their reservations
// until staff resolve them: the payment may still become an order.
var heldReasons = []string{orderRefused, unreadable, amountDiffers, currencyDiffers}

// Resolve notes that staff have dealt with a payment, once. If it made no order its checkout ends:
// the shopper may buy again, and the reservations are given back. If the payment was served by hand
// the pieces are gone, and the uses of codes stay used.
func (d *Desk) Resolve(ctx context.Context, who Actor, entry int64, goodsSent bool) error {
	how := byHand
	if goodsSent {
		how = served
	}
	err := pg.Tx(ctx, d.pool, func(tx pgx.Tx) error {
		// The checkout is locked before its entries, as when payments are placed.
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

// paymentActed reports an act on an entry for staff. An entry that is opened again has a new time,
// so that the next act on it has a new id.
func paymentActed(ctx context.Context, tx pgx.Tx, who Actor, entry int64, at time.Time, r report) error {
	r.kind, r.key = "payment", web.ID(entry)
	return acted(ctx, tx, who, fmt.Sprintf("payment:%d:%d", entry, at.UnixMicro()), r)
}
