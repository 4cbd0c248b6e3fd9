package order

import (
	"context"
	"encoding/json"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const staffPaymentColumnsSQL = `i.id, i.at, i.reason, i.explanation, i.session_id,
	coalesce(i.payment_intent, '') AS payment_intent, coalesce(i.event_id, '') AS event_id,
	coalesce(i.amount, 0) AS amount, coalesce(i.currency, '') AS currency,
	coalesce((SELECT o.identifier FROM orders o
	  WHERE o.payment_intent = i.payment_intent OR o.session_id = i.session_id LIMIT 1), '') AS "order",
	coalesce(i.resolved_at, '0001-01-01'::timestamptz) AS resolved_at,
	coalesce(i.resolved_by, '') AS resolved_by, coalesce(i.resolution, '') AS resolution,
	coalesce((SELECT r.stripe_id FROM refund r WHERE r.id = i.session_id), '') AS refund_id`

// listStaffPayments lists open or resolved entries, the oldest first.
func listStaffPayments(ctx context.Context, db pg.DB, resolved bool, reason string, after int64,
	rows int) ([]staffIssue, error) {
	return pg.List[staffIssue](ctx, db, "list payments for staff", `
		SELECT `+staffPaymentColumnsSQL+` FROM payment_issue i
		WHERE (i.resolved_at IS NOT NULL) = $1 AND ($2 = '' OR i.reason = $2) AND i.id > $3
		ORDER BY i.id LIMIT $4`, resolved, reason, after, rows)
}

// findStaffPayment finds an entry, with Stripe's object.
func findStaffPayment(ctx context.Context, db pg.DB, id int64) (staffIssue, json.RawMessage, error) {
	type entry struct {
		staffIssue
		Payload json.RawMessage
	}
	e, err := web.OrNotFound(pg.One[entry](ctx, db, "find payment $1", `
		SELECT `+staffPaymentColumnsSQL+`, i.payload FROM payment_issue i WHERE i.id = $1`, id))
	return e.staffIssue, e.Payload, err
}
