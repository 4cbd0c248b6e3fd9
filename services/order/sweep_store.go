package order

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// leaseSweep lets one process of several do the sweep.
func leaseSweep(ctx context.Context, db pg.DB,
	lease time.Duration) (mine bool, lag time.Duration, listedTo time.Time, err error) {
	sweep, err := pg.Get[struct {
		Mine                 bool
		FinishedAt, ListedTo time.Time
	}](ctx, db, "lease the sweep", `
		WITH l AS (UPDATE sweep SET lease_until = now() + $1::interval WHERE lease_until < now() RETURNING id)
		SELECT EXISTS (SELECT FROM l) AS mine, finished_at, listed_to FROM sweep`, lease)
	return sweep.Mine, time.Since(sweep.FinishedAt), sweep.ListedTo, err
}

func releaseSweep(ctx context.Context, db pg.DB, listedTo time.Time) error {
	return pg.Exec(ctx, db, "release the sweep", `
		UPDATE sweep SET lease_until = '-infinity', listed_to = greatest(listed_to, $1)`, listedTo)
}

func finishSweep(ctx context.Context, db pg.DB, listedTo time.Time) error {
	return pg.Exec(ctx, db, "finish the sweep", `
		UPDATE sweep SET lease_until = '-infinity', finished_at = now(), listed_to = greatest(listed_to, $1)`, listedTo)
}

func countIssues(ctx context.Context, db pg.DB) (n int, err error) {
	return pg.Get[int](ctx, db, "count payments for staff", `
		SELECT count(*) FROM payment_issue WHERE resolved_at IS NULL`)
}

// openCheckout is what the sweep needs of a checkout. The quote is not part of it: a quote that
// cannot be read must not stop the sweep.
type openCheckout struct {
	ID        string
	SessionID *string
	State     string
	ExpiresAt time.Time
}

// sweepRefusedPause is how long the sweep waits before it tries a payment again that has an entry
// for staff.
const sweepRefusedPause = 10 * time.Minute

// checkoutsToSweep takes the next checkouts that Stripe was not asked about for a while. Those
// whose payment waits for staff are taken less often, and those that staff have resolved not at
// all.
func checkoutsToSweep(ctx context.Context, db pg.DB, after time.Duration) ([]openCheckout, error) {
	return pg.List[openCheckout](ctx, db, "list checkouts to sweep", `
		UPDATE checkout SET checked_at = now()
		WHERE id IN (
		  SELECT id FROM checkout k
		  WHERE state IN ('creating', 'open', 'pending') AND checked_at < now() - $1::interval
		    AND NOT EXISTS (SELECT FROM payment_issue i
		      WHERE i.session_id = k.session_id AND i.reason = ANY($2)
		        AND (i.resolved_at IS NOT NULL OR k.checked_at > now() - $3::interval))
		  ORDER BY checked_at LIMIT 100 FOR UPDATE SKIP LOCKED)
		RETURNING id, session_id, state, expires_at`,
		after, append([]string{paidTwice}, finalReasons...), sweepRefusedPause)
}

// noteUnsettled stores a paid session that is neither an order nor an entry for staff.
func noteUnsettled(ctx context.Context, db pg.DB, p stripe.Session, cause error) error {
	created := p.Created
	if created.IsZero() {
		created = time.Now().UTC()
	}
	return pg.Exec(ctx, db, "note session $1 as unsettled", `
		INSERT INTO unsettled (session_id, created_at, cause) VALUES ($1, $2, $3)
		ON CONFLICT (session_id) DO UPDATE SET cause = excluded.cause`,
		p.ID, created, pg.StorableText(cause.Error(), stripe.MaxText))
}

// deleteSettled deletes the sessions that are settled by now.
func deleteSettled(ctx context.Context, db pg.DB) error {
	return pg.Exec(ctx, db, "delete settled sessions", `DELETE FROM unsettled u WHERE NOT (`+isUnsettledSQL+`)`)
}

func listUnsettled(ctx context.Context, db pg.DB) ([]string, error) {
	return pg.List[string](ctx, db, "list unsettled sessions", `SELECT session_id FROM unsettled ORDER BY created_at`)
}

const isUnsettledSQL = `NOT EXISTS (SELECT FROM orders o WHERE o.session_id = u.session_id) AND NOT EXISTS (SELECT ` +
	`FROM payment_issue i WHERE i.session_id = u.session_id)`

func deleteUnsettled(ctx context.Context, db pg.DB, sessionID string) error {
	return pg.Exec(ctx, db, "delete unsettled session $1", `DELETE FROM unsettled WHERE session_id = $1`, sessionID)
}

func oldestUnsettled(ctx context.Context, db pg.DB) (time.Duration, error) {
	return pg.Get[time.Duration](ctx, db, "find the oldest unsettled session", `
		SELECT coalesce(now() - min(created_at), interval '0') FROM unsettled u WHERE `+isUnsettledSQL)
}

// archiveFails is how long ago PostgreSQL last archived a segment of its log, if it has failed
// since: backups do not progress.
func archiveFails(ctx context.Context, db pg.DB) (time.Duration, error) {
	return pg.Get[time.Duration](ctx, db, "find out how long the log has not been archived", `
		SELECT CASE WHEN current_setting('archive_mode') <> 'off'
		    AND last_failed_time > coalesce(last_archived_time, '-infinity')
		  THEN now() - coalesce(last_archived_time, stats_reset) ELSE interval '0' END
		FROM pg_stat_archiver`)
}
