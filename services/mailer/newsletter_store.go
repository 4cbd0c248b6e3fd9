package mailer

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// underWay says whether mails of a template's newsletter wait to be sent.
func underWay(ctx context.Context, tx pgx.Tx, code string) (waiting bool, err error) {
	return pg.Get[bool](ctx, tx, "look for the mails of template $1", `
		SELECT EXISTS (SELECT FROM delivery d JOIN newsletter n ON n.id = d.newsletter_id WHERE n.em_cd = $1
		  AND d.state IN ('queued', 'paused') AND d.kind = $2)`,
		code, kindNewsletter)
}

// freeze keeps a template as it is, under a number.
func freeze(ctx context.Context, tx pgx.Tx, t mailTemplate) (id int64, err error) {
	return pg.Get[int64](ctx, tx, "freeze template $1", `
		INSERT INTO newsletter (em_cd, kind, subject, body_text, body_html, from_address, bcc_address)
		  VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
		t.EmCd, t.receivers(), t.Subject, t.BodyText, t.BodyHTML, t.FromAddress, t.BccAddress)
}

// readFrozen reads what a newsletter was, with the status that its template has now: "" when that is gone.
func readFrozen(ctx context.Context, d pg.DB, id int64) (mailTemplate, error) {
	t, found, err := pg.One[mailTemplate](ctx, d, "read newsletter $1", `
		SELECT n.em_cd, n.subject, initcap(n.kind) AS type, coalesce(t.status, '') AS status, n.body_text, n.body_html,
		  n.from_address, n.bcc_address
		FROM newsletter n LEFT JOIN template t ON t.em_cd = n.em_cd WHERE n.id = $1`, id)
	if err == nil && !found {
		err = errors.New("the newsletter is gone")
	}
	return t, err
}

// pauseDelivery gives a claimed mail back until its template is no Draft any more. The template is
// locked against a change of just now, which would not see the row.
func pauseDelivery(ctx context.Context, pool *pgxpool.Pool, d *delivery, maybe bool) error {
	return pg.Exec(ctx, pool, "pause a mail", `
		WITH draft AS (
			SELECT t.id FROM template t JOIN newsletter n ON n.em_cd = t.em_cd WHERE n.id = $4
			  AND t.status = 'Draft' FOR SHARE OF t
		)
		UPDATE delivery SET state = CASE WHEN EXISTS (SELECT FROM draft) THEN 'paused'
		  ELSE 'queued' END, next_at = now(), maybe = $3,
			claimed_by = NULL, claimed_until = NULL
		WHERE id = $1 AND state = 'queued' AND attempts = $2`, d.ID, d.Attempts, maybe, d.NewsletterID)
}

// resume makes due what waited for the template, with a deadline of its own.
func resume(ctx context.Context, tx pgx.Tx, code string) error {
	return pg.Exec(ctx, tx, "resume newsletter $1", `
		UPDATE delivery SET state = 'queued', next_at = now(), deadline = greatest(deadline, now() + $2::interval)
		WHERE state = 'paused' AND newsletter_id IN (SELECT id FROM newsletter WHERE em_cd = $1)`, code, defaultLife)
}

// resumeOthers is resume for templates that were changed, or deleted, by SQL instead of by us.
func resumeOthers(ctx context.Context, pool *pgxpool.Pool) (resumed int64, err error) {
	return pg.ExecRows(ctx, pool, "resume newsletters", `
		UPDATE delivery d SET state = 'queued', next_at = now(), deadline = greatest(d.deadline, now() + $1::interval)
		  FROM newsletter n
		WHERE d.newsletter_id = n.id AND d.state = 'paused' AND NOT EXISTS (SELECT FROM template t
		  WHERE t.em_cd = n.em_cd AND t.status = 'Draft')`, defaultLife)
}
