package mailer

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// issue is a newsletter as frozen for a kind of receiver, with the current state of its campaign.
type issue struct {
	Code        string `db:"em_cd"`
	Kind        string
	Subject     string
	BodyText    string
	BodyHTML    string `db:"body_html"`
	FromAddress string
	BccAddress  string
	State       string
	Campaign    int64  // 0 if it is older than campaigns
	Name        string // name of the campaign
}

// template is the template from which the issue was made.
func (n issue) template() mailTemplate {
	return mailTemplate{Code: n.Code, FromAddress: n.FromAddress, BccAddress: n.BccAddress}
}

// freeze stores the text of a campaign for a kind of receiver and returns its id.
func freeze(ctx context.Context, tx pgx.Tx, c campaign, kind string) (id int64, err error) {
	return pg.Get[int64](ctx, tx, "freeze campaign $7", `
		INSERT INTO newsletter (em_cd, kind, subject, body_text, body_html, from_address, bcc_address, campaign_id)
		VALUES ($1, $2, $3, $4, $5, $6, '', $7) RETURNING id`,
		c.Code, kind, c.Subject, c.BodyText, c.BodyHTML, c.FromAddress, c.ID)
}

// newsletterStateSQL is the state of newsletter n: that of its campaign, or the status of its
// template if it is older than campaigns.
const newsletterStateSQL = `coalesce(
	(SELECT c.state FROM campaign c WHERE c.id = n.campaign_id),
	(SELECT 'paused' FROM template t WHERE t.em_cd = n.em_cd AND t.status = 'Draft' AND n.campaign_id IS NULL), '')`

// readFrozen reads a frozen newsletter and its current state.
func readFrozen(ctx context.Context, d pg.DB, id int64) (issue, error) {
	n, found, err := pg.One[issue](ctx, d, "read newsletter $1", `
		SELECT n.em_cd, n.kind, n.subject, n.body_text, n.body_html, n.from_address,
		  n.bcc_address, `+newsletterStateSQL+` AS state,
		  coalesce(k.id, 0) AS campaign, coalesce(k.name, '') AS name
		FROM newsletter n LEFT JOIN campaign k ON k.id = n.campaign_id WHERE n.id = $1`, id)
	if err == nil && !found {
		err = errors.New("the newsletter is gone")
	}
	return n, err
}

// pauseDelivery gives a claimed mail back until its campaign goes on. It locks the campaign,
// because a concurrent resume would not see the row.
func pauseDelivery(ctx context.Context, pool *pgxpool.Pool, d *delivery, maybeSent bool) error {
	return pg.Exec(ctx, pool, "pause a mail", `
		WITH campaign_now AS (
		  SELECT c.state FROM campaign c JOIN newsletter n ON n.campaign_id = c.id WHERE n.id = $4 FOR SHARE OF c
		)
		UPDATE delivery SET next_at = now(), maybe = $3, claimed_by = NULL, claimed_until = NULL,
		  state = CASE WHEN coalesce((SELECT c.state = 'paused' FROM campaign_now c), true)
		    THEN 'paused' ELSE 'queued' END
		WHERE id = $1 AND state = 'queued' AND attempts = $2`, d.ID, d.Attempts, maybeSent, d.NewsletterID)
}

// resumeOthers makes mails due whose newsletter is no longer paused, however that came about.
func resumeOthers(ctx context.Context, pool *pgxpool.Pool) (resumed int64, err error) {
	return pg.ExecRows(ctx, pool, "resume newsletters", `
		UPDATE delivery d SET state = 'queued', next_at = now(), deadline = greatest(d.deadline, now() + $1::interval)
		FROM newsletter n
		WHERE d.newsletter_id = n.id AND d.state = 'paused' AND `+newsletterStateSQL+` <> 'paused'`, defaultTTL)
}
