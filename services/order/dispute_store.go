package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// disputeStatuses are Stripe's, from the first to the last; an unknown status counts as under
// review.
var disputeStatuses = []string{stripe.InquiryNeedsResponse, stripe.InquiryUnderReview, stripe.DisputeNeedsResponse,
	stripe.DisputeUnderReview, stripe.InquiryClosed, stripe.DisputeLost, stripe.DisputeWon}

// upsertDispute updates a dispute from Stripe unless the shop knows a later state: more movements
// of money, or with as many a later status.
func upsertDispute(ctx context.Context, tx pgx.Tx, d stripe.Dispute) error {
	return pg.Exec(ctx, tx, "upsert dispute $1", `
		INSERT INTO dispute AS d (
		  id, payment_intent, amount, withdrawn, moves, currency, reason, status, due_by, created_at, lost_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce($10, now()), CASE WHEN $8 = 'lost' THEN now() END)
		ON CONFLICT (id) DO UPDATE SET amount = excluded.amount, withdrawn = excluded.withdrawn, moves = excluded.moves,
		  status = excluded.status, due_by = excluded.due_by, reason = excluded.reason,
		  checked_at = now(), lost_at = coalesce(d.lost_at, excluded.lost_at)
		WHERE (excluded.moves, coalesce(array_position($11::text[], excluded.status), 4))
		  >= (d.moves, coalesce(array_position($11::text[], d.status), 4))`,
		d.ID, d.PaymentIntent, int64(d.Amount), int64(d.Withdrawn), d.Moves, d.Currency, d.Reason, d.Status,
		pg.TimeOrNull(d.DueBy), pg.TimeOrNull(d.Created), disputeStatuses)
}

// claimDisputesToNote claims disputes whose status staff have not been told.
func claimDisputesToNote(ctx context.Context, tx pgx.Tx, paymentIntents []string) ([]disputeRow, error) {
	return pg.List[disputeRow](ctx, tx, "claim disputes to note", `
		UPDATE dispute d SET noted = status WHERE payment_intent = ANY($1) AND noted <> status
		RETURNING id, payment_intent, reason, status, currency, amount,
		  coalesce(to_char(due_by AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), '') AS due,
		  coalesce((SELECT identifier FROM orders o WHERE o.payment_intent = d.payment_intent), '') AS order,
		  created_at < now() - interval '180 days' AS old`, paymentIntents)
}

// openIssue adds an entry to the list for staff, or opens it again if it was resolved.
func openIssue(ctx context.Context, tx pgx.Tx, i issue) error {
	return pg.Exec(ctx, tx, "open an issue about $1", `
		INSERT INTO payment_issue (reason, explanation, session_id, payment_intent, amount, currency, payload)
		VALUES ($2, $3, $1, nullif($4, ''), $5, nullif($6, ''), $7)
		ON CONFLICT (session_id, reason) DO UPDATE SET explanation = excluded.explanation, amount = excluded.amount,
		  at = CASE WHEN payment_issue.resolved_at IS NULL THEN payment_issue.at ELSE now() END,
		  resolved_at = NULL, resolved_by = NULL, resolution = NULL`,
		i.SessionID, i.Reason, i.Explanation, i.PaymentIntent, (*int64)(i.Amount), i.Currency, i.Payload)
}

// closeIssues resolves the entries with some reasons that no longer need anyone.
func closeIssues(ctx context.Context, tx pgx.Tx, about, by string, reasons ...string) error {
	return pg.Exec(ctx, tx, "close the issues about $1", `
		UPDATE payment_issue SET resolved_at = now(), resolved_by = $3
		WHERE session_id = $1 AND reason = ANY($2) AND resolved_at IS NULL`, about, reasons, by)
}
