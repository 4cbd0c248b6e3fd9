package order

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// LedgerOf reads the money of a payment: of an order, or of an entry in the list for staff.
func LedgerOf(ctx context.Context, db pg.DB, paymentIntent string) (Ledger, error) {
	return pg.Get[Ledger](ctx, db, "read the money of payment $1", `
		SELECT coalesce((SELECT total FROM orders WHERE payment_intent = $1),
		    (SELECT max(amount) FROM payment_issue WHERE payment_intent = $1 AND reason = ANY($2)), 0) AS captured,
		  coalesce(sum(amount) FILTER (WHERE state = 'requested'), 0)::bigint AS requested,
		  coalesce(sum(amount) FILTER (WHERE state IN ('pending', 'succeeded')), 0)::bigint AS refunded,
		  coalesce((SELECT sum(withdrawn) FROM dispute WHERE payment_intent = $1), 0)::bigint AS disputed
		FROM refund WHERE payment_intent = $1`, paymentIntent, paidReasons)
}

// orderAccount is what an order's money consists of, as JSON.
type orderAccount struct {
	PaymentIntent                            string
	Refunds, Disputes, Shipments, CanceledAt json.RawMessage
}

func moneyOfOrder(ctx context.Context, db pg.DB, identifier string) (a orderAccount, found bool, err error) {
	return pg.One[orderAccount](ctx, db, "find the money of order $1", `
		SELECT coalesce(payment_intent, '') AS payment_intent, coalesce(to_jsonb(canceled_at), 'null') AS canceled_at,
		  coalesce((SELECT jsonb_agg(jsonb_build_object(
		      'id', r.id, 'amount_cents', amount, 'state', state, 'origin', origin, 'reason', reason,
		      'failure', failure, 'trouble', trouble, 'by', by_name, 'at', created_at,
		      'lines', (SELECT jsonb_agg(
		          jsonb_build_object('line', seq, 'quantity', quantity, 'restocked', restocked) ORDER BY seq)
		        FROM refund_line l WHERE l.refund_id = r.id)) ORDER BY created_at, r.id)
		    FROM refund r WHERE r.payment_intent = o.payment_intent), '[]') AS refunds,
		  coalesce((SELECT jsonb_agg(jsonb_build_object(
		      'id', d.id, 'amount_cents', amount, 'withdrawn_cents', withdrawn, 'status', status, 'reason', reason,
		      'due_by', due_by) ORDER BY created_at, d.id)
		    FROM dispute d WHERE d.payment_intent = o.payment_intent), '[]') AS disputes,
		  coalesce((SELECT jsonb_agg(jsonb_build_object(
		      'id', s.id, 'carrier', carrier, 'tracking_number', s.tracking_number, 'at', shipped_at,
		      'told_at', told_at, 'by', by_name,
		      'lines', (SELECT jsonb_agg(jsonb_build_object('line', seq, 'quantity', quantity) ORDER BY seq)
		        FROM shipment_line l WHERE l.shipment_id = s.id)) ORDER BY shipped_at, s.id)
		    FROM shipment s WHERE s.order_id = o.id), '[]') AS shipments
		FROM orders o WHERE identifier = $1`, identifier)
}

// lockPayments locks the orders of payments before Stripe's reports about their money are stored,
// always in the same order, so that no two such transactions wait for each other.
func lockPayments(ctx context.Context, tx pgx.Tx, paymentIntents []string) error {
	return pg.Exec(ctx, tx, "lock payments", `
		SELECT FROM orders WHERE payment_intent = ANY($1) ORDER BY id FOR UPDATE`, paymentIntents)
}
