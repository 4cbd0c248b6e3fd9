package order

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// moneyListedTo is up to when Stripe's lists of refunds and disputes were read.
func moneyListedTo(ctx context.Context, db pg.DB) (time.Time, error) {
	return pg.Get[time.Time](ctx, db, "read how far refunds are listed", `SELECT refunds_listed_to FROM sweep`)
}

func setMoneyListedTo(ctx context.Context, db pg.DB, at time.Time) error {
	return pg.Exec(ctx, db, "note how far refunds are listed", `
		UPDATE sweep SET refunds_listed_to = greatest(refunds_listed_to, $1)`, at)
}

// refundsToCheck takes the payments of refunds that have been pending for a while without a report
// of Stripe's.
func refundsToCheck(ctx context.Context, db pg.DB, after time.Duration) ([]string, error) {
	return pg.List[string](ctx, db, "list refunds to check", `
		WITH checked AS (
		  UPDATE refund SET checked_at = now()
		  WHERE id IN (
		    SELECT id FROM refund WHERE state = 'pending' AND checked_at < now() - $1::interval
		    ORDER BY checked_at LIMIT 20)
		  RETURNING payment_intent
		)
		SELECT DISTINCT payment_intent FROM checked`, after)
}

// disputesToCheck takes disputes that have been open for a while without a report of Stripe's.
func disputesToCheck(ctx context.Context, db pg.DB, after time.Duration) ([]string, error) {
	return pg.List[string](ctx, db, "list disputes to check", `
		UPDATE dispute SET checked_at = now()
		WHERE id IN (
		  SELECT id FROM dispute
		  WHERE status NOT IN ('won', 'lost', 'warning_closed') AND checked_at < now() - $1::interval
		  ORDER BY checked_at LIMIT 20)
		RETURNING id`, after)
}

// oldestRefund is the age of the oldest refund that Stripe has not answered.
func oldestRefund(ctx context.Context, db pg.DB) (time.Duration, error) {
	return pg.Get[time.Duration](ctx, db, "find the oldest refund that waits", `
		SELECT coalesce(now() - min(created_at), interval '0') FROM refund WHERE state = 'requested'`)
}
