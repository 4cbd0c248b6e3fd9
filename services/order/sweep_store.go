package order

import (
	"context"
	"fmt"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// leaseSweep makes one process of several the one that sweeps.
func leaseSweep(ctx context.Context, db querier, lease time.Duration) (mine bool, lag time.Duration, listedTo time.Time, err error) {
	var finished time.Time
	err = db.QueryRow(ctx, `
		WITH l AS (UPDATE sweep SET lease_until = now() + $1::interval WHERE lease_until < now() RETURNING id)
		SELECT EXISTS (SELECT FROM l), finished_at, listed_to FROM sweep`, lease).Scan(&mine, &finished, &listedTo)
	if err != nil {
		return false, 0, time.Time{}, fmt.Errorf("lease the sweep: %w", err)
	}
	return mine, time.Since(finished), listedTo, nil
}

func releaseSweep(ctx context.Context, db querier, listedTo time.Time) error {
	if _, err := db.Exec(ctx, `UPDATE sweep SET lease_until = '-infinity', listed_to = greatest(listed_to, $1)`, listedTo); err != nil {
		return fmt.Errorf("give the sweep back: %w", err)
	}
	return nil
}

func finishSweep(ctx context.Context, db querier, listedTo time.Time) error {
	if _, err := db.Exec(ctx, `UPDATE sweep SET lease_until = '-infinity', finished_at = now(), listed_to = greatest(listed_to, $1)`, listedTo); err != nil {
		return fmt.Errorf("finish the sweep: %w", err)
	}
	return nil
}

func countIssues(ctx context.Context, db querier) (n int, err error) {
	if err := db.QueryRow(ctx, `SELECT count(*) FROM payment_issue WHERE resolved_at IS NULL`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count payments for staff: %w", err)
	}
	return n, nil
}

// openCheckout is what the sweep has to know of a checkout. The quote is none of it: one that cannot be
// read must not stop the sweep.
type openCheckout struct {
	ID        string
	SessionID *string
	State     string
	ExpiresAt time.Time
}

// sweepRefused is how long the sweep waits before it tries a payment again that is on the list for staff.
const sweepRefused = 10 * time.Minute

// checkoutsToSweep takes the next checkouts that Stripe was not asked about for a while. Those whose
// payment waits for staff take longer, and those that staff have seen to are left alone.
func checkoutsToSweep(ctx context.Context, db querier, after time.Duration) ([]openCheckout, error) {
	return collect[openCheckout](ctx, db, "checkouts to sweep", `
		UPDATE checkout SET checked_at = now()
		WHERE id IN (SELECT id FROM checkout c WHERE state IN ('creating', 'open', 'pending') AND checked_at < now() - $1::interval
		             AND NOT EXISTS (SELECT FROM payment_issue i WHERE i.session_id = c.session_id AND i.reason = ANY($2) AND (i.resolved_at IS NOT NULL OR c.checked_at > now() - $3::interval))
		             ORDER BY checked_at LIMIT 100 FOR UPDATE SKIP LOCKED)
		RETURNING id, session_id, state, expires_at`, after, append([]string{"paid-twice"}, finalReasons...), sweepRefused)
}

// noteUnsettled keeps a paid session that is neither an order nor an entry for staff.
func noteUnsettled(ctx context.Context, db querier, p session, cause error) error {
	created := p.Created
	if created.IsZero() {
		created = time.Now().UTC()
	}
	_, err := db.Exec(ctx, `INSERT INTO unsettled (session_id, created_at, cause) VALUES ($1, $2, $3) ON CONFLICT (session_id) DO UPDATE SET cause = EXCLUDED.cause`,
		p.ID, created, pg.StorableText(cause.Error(), maxStripeText))
	if err != nil {
		return fmt.Errorf("note session %s as unsettled: %w", p.ID, err)
	}
	return nil
}

// listUnsettled forgets sessions that are settled by now, and lists the others.
func listUnsettled(ctx context.Context, db querier) ([]string, error) {
	type row struct{ SessionID string }
	if _, err := db.Exec(ctx, `DELETE FROM unsettled u WHERE NOT (`+isUnsettled+`)`); err != nil {
		return nil, fmt.Errorf("forget settled sessions: %w", err)
	}
	rows, err := collect[row](ctx, db, "unsettled sessions", `SELECT session_id FROM unsettled ORDER BY created_at`)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.SessionID)
	}
	return ids, nil
}

const isUnsettled = `NOT EXISTS (SELECT FROM orders o WHERE o.session_id = u.session_id) AND NOT EXISTS (SELECT FROM payment_issue i WHERE i.session_id = u.session_id)`

func forgetUnsettled(ctx context.Context, db querier, sessionID string) error {
	if _, err := db.Exec(ctx, `DELETE FROM unsettled WHERE session_id = $1`, sessionID); err != nil {
		return fmt.Errorf("forget session %s: %w", sessionID, err)
	}
	return nil
}

func oldestUnsettled(ctx context.Context, db querier) (time.Duration, error) {
	var seconds float64
	err := db.QueryRow(ctx, `SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 FROM unsettled u WHERE `+isUnsettled).Scan(&seconds)
	if err != nil {
		return 0, fmt.Errorf("find the oldest unsettled session: %w", err)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}
