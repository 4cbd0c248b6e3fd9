package order

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
)

// Move gives an order another status. Shipped sends all that is left, with or without a tracking
// number; if the order was already sent it corrects the number. An order is canceled and refunded
// by acts of their own.
func (d *Desk) Move(ctx context.Context, who Actor, on Order, status, tracking string) error {
	tracking, err := checkTracking(tracking)
	switch {
	case err != nil:
		return err
	case status == statusCanceled || status == statusRefunded:
		return refuseAct("status", "An order is %s by an act of its own.", status)
	case status == statusShipped:
		return d.moveShipped(ctx, who, on, tracking)
	}

	return d.act(ctx, who, on, func(tx pgx.Tx, o deskOrder) (*report, error) {
		if o.CanceledAt != nil {
			return nil, refuseAct("", "Order %s was canceled.", o.Identifier)
		}
		if tracking != "" {
			if err := setTracking(ctx, tx, o.ID, tracking); err != nil {
				return nil, err
			}
		}

		added, err := insertOrderStatus(ctx, tx, o.ID, status, who)
		if err != nil {
			return nil, err
		}
		if !added {
			return nil, d.whyNotMoved(ctx, tx, o, status)
		}
		return &report{action: adminui.OrdersFulfil, text: "Moved to " + status, after: map[string]any{"status": status,
				"tracking_number": tracking}},
			bus.Enqueue(ctx, tx, statusMessage(o, status, time.Now()))
	})
}

// whyNotMoved says why a status was not given: there is none of this name, or the order had it
// earlier and went on. The order's current status is not refused.
func (d *Desk) whyNotMoved(ctx context.Context, tx pgx.Tx, o deskOrder, status string) error {
	known, err := statusKnown(ctx, tx, status)
	switch {
	case err != nil:
		return err
	case !known:
		return refuseAct("status", "There is no status %s.", status)
	case status != o.CurrentStatus:
		return refuseAct("status", "Order %s was %s before, and is %s now: an order does not go back.", o.Identifier,
			status, o.CurrentStatus)
	}
	return nil
}

func (d *Desk) moveShipped(ctx context.Context, who Actor, on Order, tracking string) error {
	_, err := d.Ship(ctx, who, Parcel{Order: on, Tracking: tracking})
	if !errors.Is(err, errNothingToSend) {
		return err
	}
	last, found, err := lastShipment(ctx, d.pool, on.Identifier)
	if err != nil || !found || tracking == "" {
		return err
	}
	return d.Correct(ctx, who, Correction{Order: on, Shipment: last, Tracking: tracking})
}
