package order

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// paidIssue is an entry in the list for staff about a payment.
type paidIssue struct {
	PaymentIntent, Currency, Order string
	At                             time.Time
}

// lockIssue locks an open entry about a payment, and with it the money of that payment.
func lockIssue(ctx context.Context, tx pgx.Tx, id int64) (p paidIssue, found bool, err error) {
	return pg.One[paidIssue](ctx, tx, "lock payment $1", `
		SELECT coalesce(i.payment_intent, '') AS payment_intent, coalesce(i.currency, 'usd') AS currency,
		  coalesce((SELECT identifier FROM orders o WHERE o.payment_intent = i.payment_intent), '') AS order, i.at
		FROM payment_issue i WHERE id = $1 AND reason = ANY($2) AND resolved_at IS NULL FOR UPDATE OF i`, id,
		paidReasons)
}
