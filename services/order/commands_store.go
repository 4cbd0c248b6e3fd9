package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

func openPayments(ctx context.Context, db pg.DB) ([]openPayment, error) {
	return pg.List[openPayment](ctx, db, "list payments for staff", `
		SELECT id, at, reason, explanation, session_id, payment_intent, event_id, amount, currency, payload
		FROM payment_issue WHERE resolved_at IS NULL ORDER BY at`)
}

// setTracking stores the tracking number of an order that staff move by hand.
func setTracking(ctx context.Context, tx pgx.Tx, orderID int64, tracking string) error {
	return pg.Exec(ctx, tx, "update the tracking number of order $1", `
		UPDATE orders SET tracking_number = $2 WHERE id = $1`, orderID, tracking)
}

func insertOrderStatus(ctx context.Context, tx pgx.Tx, orderID int64, status string, who Actor) (bool, error) {
	return pg.ExecOne(ctx, tx, "insert status $2 of order $1", `
		INSERT INTO order_status (order_id, status, by_person, by_name)
		SELECT $1, identifier, $3, $4 FROM status WHERE identifier = $2
		ON CONFLICT DO NOTHING`, orderID, status, who.Person, who.Name)
}

func statusKnown(ctx context.Context, db pg.DB, status string) (known bool, err error) {
	return pg.Get[bool](ctx, db, "find status $1", `
		SELECT EXISTS (SELECT FROM status WHERE identifier = $1)`, status)
}

// lastShipment is the parcel of an order that was sent last.
func lastShipment(ctx context.Context, db pg.DB, identifier string) (id string, found bool, err error) {
	return pg.One[string](ctx, db, "find the last parcel of order $1", `
		SELECT s.id FROM shipment s JOIN orders o ON o.id = s.order_id WHERE o.identifier = $1
		ORDER BY s.shipped_at DESC, s.id LIMIT 1`, identifier)
}
