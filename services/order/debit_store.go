package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// stateOfSession is the state of the checkout that a session belongs to, "" if there is none.
func stateOfSession(ctx context.Context, db pg.DB, p stripe.Session) (state string, err error) {
	state, _, err = pg.One[string](ctx, db, "find the checkout of session $1", `
		SELECT state FROM checkout WHERE id IN (
		  SELECT id FROM checkout WHERE session_id = $1
		  UNION
		  SELECT id FROM checkout WHERE id IN ($2, $3) AND session_id IS NULL) LIMIT 1`,
		p.ID, p.ClientReferenceID, p.CheckoutID)
	return state, err
}

// storePending makes the unpaid checkout of a session pending, and returns it if there is one.
func storePending(ctx context.Context, tx pgx.Tx, p stripe.Session) ([]checkout, error) {
	return pg.List[checkout](ctx, tx, "hold the checkout of session $1", `
		UPDATE checkout SET state = 'pending', session_id = $1
		WHERE (session_id = $1 OR (session_id IS NULL AND id IN ($2, $3))) AND state IN ('creating', 'open')
		RETURNING `+checkoutColumnsSQL, p.ID, p.ClientReferenceID, p.CheckoutID)
}
