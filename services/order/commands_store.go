package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

func openPayments(ctx context.Context, db pg.DB) ([]openPayment, error) {
	return pg.List[openPayment](ctx, db, "list payments for staff", `
		SELECT id, at, reason, explanation, session_id, payment_intent, event_id, amount, currency, payload
		  FROM payment_issue
		WHERE resolved_at IS NULL ORDER BY at`)
}

// movedOrder is whom the new status of an order concerns.
type movedOrder struct {
	ID, MemberID int64
	Email        string
}

// setTracking notes a tracking number, unless there is none, and locks the order.
func setTracking(ctx context.Context, tx pgx.Tx, identifier, tracking string) (o movedOrder, found bool, err error) {
	return pg.One[movedOrder](ctx, tx, "find order $1", `
		UPDATE orders SET tracking_number = coalesce(nullif($2, ''), tracking_number) WHERE identifier = $1
		RETURNING id, coalesce(member_id, 0) AS member_id, coalesce(email, '') AS email`, identifier, tracking)
}

func addStatus(ctx context.Context, tx pgx.Tx, orderID int64, status string) (added bool, err error) {
	return pg.ExecOne(ctx, tx, "add status $2 to order $1", `
		INSERT INTO order_status (order_id, status) SELECT $1, identifier FROM status WHERE identifier = $2
		  ON CONFLICT DO NOTHING`, orderID, status)
}

func statusKnown(ctx context.Context, db pg.DB, status string) (known bool, err error) {
	return pg.Get[bool](ctx, db, "look for status $1", `
		SELECT EXISTS (SELECT FROM status WHERE identifier = $1)`, status)
}
