package mailer

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// issue is a newsletter as it was frozen for a kind of receiver, with the state that its campaign has now.
type issue struct {
	EmCd        string
	Kind        string
	Subject     string
	BodyText    string
	BodyHTML    string `db:"body_html"`
	FromAddress string
	BccAddress  string
	State       string
	Campaign    int64  // 0 for one from before there were campaigns
	Name        string // of the campaign
}

// template is what it was made from.
func (n issue) template() mailTemplate {
	return mailTemplate{EmCd: n.EmCd, FromAddress: n.FromAddress, BccAddress: n.BccAddress}
}

// freeze keeps the words of a campaign for a kind of receiver, under a number.
func freeze(ctx context.Context, tx pgx.Tx, c campaign, kind string) (id int64, err error) {
	return pg.Get[int64](ctx, tx, "freeze campaign $7", `
		INSERT INTO newsletter (em_cd, kind, subject, body_text, body_html, from_address, bcc_address, campaign_id)
		VALUES ($1, $2, $3, $4, $5, $6, '', $7) RETURNING id`,
		c.EmCd, kind, c.Subject, c.BodyText, c.BodyHTML, c.FromAddress, c.ID)
}

// newsletterState is the state of newsletter n: its campaign's, or of one from before there were campaigns what the
// status of its template says.
const newsletterState = ` coalesce(
	(SELECT c.state FROM campaign c WHERE c.id = n.campaign_id),
	(SELECT 'paused' FROM template t WHERE t.em_cd = n.em_cd AND t.status = 'Draft' AND n.campaign_id IS NULL), '') `

// readFrozen reads what a newsletter was, and its state now.
func readFrozen(ctx context.Context, d pg.DB, id int64) (issue, error) {
	n, found, err := pg.One[issue](ctx, d, "read newsletter $1", `
		SELECT n.em_cd, n.kind, n.subject, n.body_text, n.body_html, n.from_address,
		  n.bcc_address,`+newsletterState+`AS state,
		  coalesce(k.id, 0) AS campaign, coalesce(k.name, '') AS name
		FROM newsletter n LEFT JOIN campaign k ON k.id = n.campaign_id WHERE n.id = $1`, id)
	if err == nil && !found {
		err = errors.New("the newsletter is gone")
	}
	return n, err
}

// pauseDelivery gives a claimed mail back until its campaign goes on. The campaign is locked against a change of just
// now, which would not see the row.
func pauseDelivery(ctx context.Context, pool *pgxpool.Pool, d *delivery, maybe bool) error {
	return pg.Exec(ctx, pool, "pause a mail", `
		WITH campaign_now AS (
		  SELECT c.state FROM campaign c JOIN newsletter n ON n.campaign_id = c.id WHERE n.id = $4 FOR SHARE OF c
		)
		UPDATE delivery SET next_at = now(), maybe = $3, claimed_by = NULL, claimed_until = NULL,
		  state = CASE WHEN coalesce((SELECT c.state = 'paused' FROM campaign_now c), true)
		    THEN 'paused' ELSE 'queued' END
		WHERE id = $1 AND state = 'queued' AND attempts = $2`, d.ID, d.Attempts, maybe, d.NewsletterID)
}

// resumeOthers makes due what waits for a newsletter that is not paused any more, by whatever way that came about.
func resumeOthers(ctx context.Context, pool *pgxpool.Pool) (resumed int64, err error) {
	return pg.ExecRows(ctx, pool, "resume newsletters", `
		UPDATE delivery d SET state = 'queued', next_at = now(), deadline = greatest(d.deadline, now() + $1::interval)
		FROM newsletter n
		WHERE d.newsletter_id = n.id AND d.state = 'paused' AND`+newsletterState+`<> 'paused'`, defaultLife)
}
