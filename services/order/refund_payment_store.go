package order

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// paidEntry is a payment on the list for staff.
type paidEntry struct {
	PaymentIntent, Currency, Order string
	At                             time.Time
}

// lockEntry keeps an open entry about a payment of its own, and so the money of that payment, from others.
func lockEntry(ctx context.Context, tx pgx.Tx, id int64) (p paidEntry, found bool, err error) {
	return pg.One[paidEntry](ctx, tx, "lock payment $1", `
		SELECT coalesce(i.payment_intent, '') AS payment_intent, coalesce(i.currency, 'usd') AS currency,
		  coalesce((SELECT identifier FROM orders o WHERE o.payment_intent = i.payment_intent), '') AS order, i.at
		FROM payment_issue i WHERE id = $1 AND reason = ANY($2) AND resolved_at IS NULL FOR UPDATE OF i`, id,
		paidReasons)
}
