package mailer

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// staffMailColumnsSQL are the columns of staffMail, from delivery d.
const staffMailColumnsSQL = `d.id, d.key, d.kind, d.state, coalesce(d.reason, '') AS reason,
	coalesce(d.smtp_reply, '') AS reply, d.attempts, d.maybe, d.payload, d.payload IS NOT NULL AS kept,
	coalesce(d.subject, (SELECT n.subject FROM newsletter n WHERE n.id = d.newsletter_id), '') AS subject,
	coalesce(d.order_identifier, '') AS order_identifier, coalesce(d.again_of, 0) AS again_of,
	coalesce(d.member_id, 0) AS member_id, coalesce(d.newsletter_id, 0) AS newsletter, d.created_at AS at, d.queued_at,
	coalesce(d.done_at, '0001-01-01'::timestamptz) AS done_at,
	coalesce(d.seen_at, '0001-01-01'::timestamptz) AS seen_at, coalesce(d.seen_by, '') AS seen_by,
	coalesce(d.note, '') AS note,
	CASE WHEN d.bounced <> '{}' THEN coalesce(d.bounce_status, '') ELSE '' END AS bounced,
	EXISTS (SELECT FROM bounced b WHERE b.hash = ANY(d.to_hashes)) AS unreachable`

// mailsWanted is the filter of the list for staff; empty fields do not filter.
type mailsWanted struct {
	States []string
	Unseen bool // without the mails that a person has seen to
	Kind   string
	Hash   string // hash of a receiver's address
	Named  string // a mail's key, or an order's identifier
	Before int64  // id of the last mail that was shown
	Rows   int
}

// statement is the query of the list with its arguments.
func (w mailsWanted) statement() (sql string, args []any) {
	// The best plan depends on the filter, so none is cached, as for the list of orders.
	args = []any{pgx.QueryExecModeCacheDescribe}
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)-1) }
	where := []string{"true"}
	if len(w.States) > 0 {
		where = append(where, "d.state = ANY("+arg(w.States)+")")
	}
	if w.Unseen {
		where = append(where, "d.seen_at IS NULL")
	}
	if w.Kind != "" {
		where = append(where, "d.kind = "+arg(w.Kind))
	}
	if w.Hash != "" {
		where = append(where, "d.to_hashes @> ARRAY["+arg(w.Hash)+"]")
	}
	if w.Named != "" {
		name := arg(w.Named)
		where = append(where, "d.id IN (SELECT id FROM delivery WHERE order_identifier = "+name+
			" UNION SELECT id FROM delivery WHERE key = "+name+")")
	}
	if w.Before != 0 {
		where = append(where, "d.id < "+arg(w.Before))
	}

	limit := arg(w.Rows)
	return `SELECT ` + staffMailColumnsSQL + ` FROM delivery d WHERE ` + strings.Join(where, " AND ") +
		` ORDER BY d.id DESC LIMIT ` + limit, args
}

// listStaffMails lists mails for staff, the newest first.
func listStaffMails(ctx context.Context, db pg.DB, w mailsWanted) ([]staffMail, error) {
	sql, args := w.statement()
	return pg.List[staffMail](ctx, db, "list mails for staff", sql, args...)
}

// listWaitingMails lists the parked mails that no one has seen to, the oldest first.
func listWaitingMails(ctx context.Context, db pg.DB, rows int) ([]staffMail, error) {
	return pg.List[staffMail](ctx, db, "list parked mails", `
		SELECT `+staffMailColumnsSQL+` FROM delivery d
		WHERE d.state = 'parked' AND d.seen_at IS NULL ORDER BY d.id LIMIT $1`, rows)
}

func findStaffMail(ctx context.Context, db pg.DB, id int64) (staffMail, bool, error) {
	return pg.One[staffMail](ctx, db, "find mail $1", `
		SELECT `+staffMailColumnsSQL+` FROM delivery d WHERE d.id = $1`, id)
}

// findWritten finds a mail with its text.
func findWritten(ctx context.Context, db pg.DB, id int64) (delivery, bool, error) {
	return pg.One[delivery](ctx, db, "find mail $1", `
		SELECT id, key, kind, payload, written, message_id, attempts, refusals, maybe AS was_maybe_sent, false AS more,
		  member_id, prospect_code, left_out, newsletter_id, created_at, deadline
		FROM delivery WHERE id = $1`, id)
}

// requeue makes a parked or suppressed mail due again for three days. If it may have been accepted,
// the mail system is asked first, as always, and the text is kept. A mail that no server has is
// written again, because staff may have mended its template.
func requeue(ctx context.Context, db pg.DB, id int64) (bool, error) {
	return pg.ExecOne(ctx, db, "requeue mail $1", `
		WITH was AS (
		  SELECT id, newsletter_id, state, smtp_reply FROM delivery
		  WHERE id = $1 AND state IN ('parked', 'suppressed') AND payload IS NOT NULL FOR UPDATE
		), counted AS (`+countingSQL(`SELECT id, newsletter_id, CASE WHEN state = 'suppressed' THEN 'suppressed' ELSE `+
		failedAsSQL+` END, -1 FROM was`)+`)
		UPDATE delivery SET state = 'queued', next_at = now(), deadline = now() + interval '72 hours', refusals = 0,
		  outage = false, done_at = NULL, reason = NULL, seen_at = NULL, seen_by = NULL, note = NULL,
		  written = CASE WHEN maybe THEN written END, subject = CASE WHEN maybe THEN subject END,
		  left_out = CASE WHEN state = 'suppressed' THEN '{}' ELSE left_out END
		WHERE id IN (SELECT id FROM was)`, id)
}

// copySent inserts a copy of a sent mail, with the same text under a new key and Message-ID, for
// three days. id is the new row's; ok is false if the key is taken or there is no mail to copy.
func copySent(ctx context.Context, tx pgx.Tx, of int64, key, messageID string) (id int64, ok bool, err error) {
	return pg.One[int64](ctx, tx, "copy mail $1", `
		INSERT INTO delivery (
		  key, kind, payload, to_hashes, member_id, prospect_code, message_id, order_identifier,
		  written, subject, again_of, created_at, deadline)
		SELECT $2, kind, payload, to_hashes, member_id, prospect_code, $3, order_identifier,
		  written, subject, id, now(), now() + interval '72 hours'
		FROM delivery WHERE id = $1 AND state = 'sent' AND payload IS NOT NULL AND newsletter_id IS NULL
		ON CONFLICT (key) DO NOTHING RETURNING id`, of, key, messageID)
}

// mailIDByKey finds a mail's id, or 0.
func mailIDByKey(ctx context.Context, tx pgx.Tx, key string) (int64, error) {
	return pg.Get[int64](ctx, tx, "find a mail by its key", `
		SELECT coalesce((SELECT id FROM delivery WHERE key = $1), 0)`, key)
}

// markDropped marks an unsent mail as one that need not be sent.
func markDropped(ctx context.Context, tx pgx.Tx, id int64, by, note string) (bool, error) {
	return pg.ExecOne(ctx, tx, "mark mail $1 dropped", `
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

// mailsOf finds mails by their keys, their receivers' hashes or their orders, the newest first, at
// most 200.
func mailsOf(ctx context.Context, db pg.DB, keys, hashes, orders []string) ([]staffMail, error) {
	return pg.List[staffMail](ctx, db, "list mails", `
		SELECT `+staffMailColumnsSQL+` FROM delivery d WHERE d.id IN (
		  SELECT id FROM delivery WHERE key = ANY($1::text[])
		  UNION
		  SELECT id FROM delivery WHERE to_hashes && coalesce($2::text[], '{}')
		  UNION
		  SELECT id FROM delivery WHERE order_identifier = ANY($3::text[]))
		ORDER BY d.id DESC LIMIT 200`, keys, hashes, orders)
}

// addressOf is the address of a member or a prospect in the projection.
func addressOf(ctx context.Context, db pg.DB, kind string, id int64) (address string, found bool, err error) {
	return pg.One[string](ctx, db, "find the address of $1 $2", `
		SELECT email FROM recipient WHERE kind = $1 AND id = $2`, kind, id)
}
