package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

func storeIssues(ctx context.Context, tx pgx.Tx, issues []issue) error {
	for _, i := range issues {
		err := pg.Exec(ctx, tx, "store a payment for staff", `
			INSERT INTO payment_issue (
			  reason, explanation, session_id, payment_intent, event_id, amount, currency, payload)
			VALUES ($1, $2, $3, nullif($4, ''), nullif($5, ''), $6, nullif($7, ''), $8)
			ON CONFLICT (session_id, reason) DO UPDATE
			SET explanation = CASE WHEN payment_issue.resolved_at IS NULL
			    THEN excluded.explanation ELSE payment_issue.explanation END,
			  event_id = coalesce(payment_issue.event_id, excluded.event_id),
			  payload = CASE WHEN payment_issue.event_id IS NULL
			    THEN excluded.payload ELSE payment_issue.payload END`,
			i.Reason, i.Explanation, i.SessionID, i.PaymentIntent, i.EventID, (*int64)(i.Amount), i.Currency, i.Payload)
		if err != nil {
			return err
		}
	}
	return nil
}

// storePaymentEvents stores Stripe's object, except for an order whose buyer was erased.
func storePaymentEvents(ctx context.Context, tx pgx.Tx, events []paymentEvent) error {
	for _, e := range events {
		err := pg.Exec(ctx, tx, "store a refund or dispute", `
			INSERT INTO payment_event (event_id, type, payment_intent, amount, currency, payload, at)
			SELECT $1, $2, $3, $4, nullif($5, ''),
			  CASE WHEN EXISTS (SELECT FROM orders
			      WHERE payment_intent = $3 AND email IS NULL AND customer_name IS NULL)
			    THEN '{}' ELSE $6::jsonb END,
			  $7
			ON CONFLICT DO NOTHING`, e.ID, e.Type, e.PaymentIntent, e.Amount, e.Currency, e.Payload, e.At)
		if err != nil {
			return err
		}
	}
	return nil
}
