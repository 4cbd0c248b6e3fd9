package mailer

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

const staffMailFields = `id, key, kind, state, coalesce(reason, '') AS reason, coalesce(smtp_reply, '') AS reply,
	attempts, maybe,
	payload IS NOT NULL AND state IN ('parked', 'suppressed') AS can_send, created_at AS at,
	coalesce(done_at, '0001-01-01'::timestamptz) AS done_at, coalesce(seen_at, '0001-01-01'::timestamptz) AS seen_at,
	coalesce(seen_by, '') AS seen_by, coalesce(note, '') AS note`

// listStaffMails lists mails in a state, the oldest first, those after an id; of parked ones those that no
// one has seen to.
func listStaffMails(ctx context.Context, db pg.DB, state string, after int64, rows int) ([]staffMail, error) {
	return pg.List[staffMail](ctx, db, "list mails for staff", `
		SELECT `+staffMailFields+` FROM delivery
		WHERE state = $1 AND seen_at IS NULL AND id > $2 ORDER BY id LIMIT $3`, state, after, rows)
}

func findStaffMail(ctx context.Context, db pg.DB, id int64) (staffMail, bool, error) {
	return pg.One[staffMail](ctx, db, "find mail $1", `SELECT `+staffMailFields+` FROM delivery WHERE id = $1`, id)
}

// dropMail notes that a mail that was not sent need not be.
func dropMail(ctx context.Context, tx pgx.Tx, id int64, by, note string) (bool, error) {
	return pg.ExecOne(ctx, tx, "drop mail $1", `
		UPDATE delivery SET seen_at = now(), seen_by = $2, note = $3
		WHERE id = $1 AND state IN ('parked', 'suppressed') AND seen_at IS NULL`, id, by, note)
}

// countParkedMails counts the parked mails that no one has seen to.
func countParkedMails(ctx context.Context, db pg.DB) (count int64, oldest time.Time, err error) {
	type counted struct {
		Count  int64
		Oldest time.Time
	}
	c, err := pg.Get[counted](ctx, db, "count parked mails", `
		SELECT count(*) AS count, coalesce(min(done_at), now()) AS oldest
		FROM delivery WHERE state = 'parked' AND seen_at IS NULL`)
	return c.Count, c.Oldest, err
}

// trailMail is a mail on the way of an order.
type trailMail struct {
	staffMail
	QueuedAt time.Time
}

// mailsOf finds mails by their keys or the hashes of their receivers, at most 200.
func mailsOf(ctx context.Context, db pg.DB, keys, hashes []string) ([]trailMail, error) {
	if hashes == nil {
		hashes = []string{}
	}
	return pg.List[trailMail](ctx, db, "list mails for a trail", `
		SELECT `+staffMailFields+`, queued_at FROM delivery WHERE id IN (
		  SELECT id FROM delivery WHERE key = ANY($1) UNION SELECT id FROM delivery WHERE to_hashes && $2::text[])
		ORDER BY id DESC LIMIT 200`, keys, hashes)
}
