package mailer

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// campaignResult counts what became of a campaign's mails.
type campaignResult struct {
	Accepted     int64 `json:"accepted"`     // by a mail server
	Bounced      int64 `json:"bounced"`      // refused permanently, at once or later
	Failed       int64 `json:"failed"`       // not sent for another reason
	Suppressed   int64 `json:"suppressed"`   // held back by the ceiling
	Dropped      int64 `json:"dropped"`      // taken back, or no longer wanted when it was due
	Unsubscribed int64 `json:"unsubscribed"` // receivers who have ended newsletters since
	// Waiting is the number of mails still to be sent.
	Waiting int64 `db:"-" json:"waiting"`
}

// resultOf reads the counts of a campaign: a few rows, however many receivers there are.
func resultOf(ctx context.Context, db pg.DB, c campaign) (campaignResult, error) {
	r, err := pg.Get[campaignResult](ctx, db, "read the counts of campaign $1", `
		SELECT coalesce(sum(accepted), 0)::bigint AS accepted, coalesce(sum(bounced), 0)::bigint AS bounced,
		  coalesce(sum(failed), 0)::bigint AS failed, coalesce(sum(suppressed), 0)::bigint AS suppressed,
		  coalesce(sum(dropped), 0)::bigint AS dropped, coalesce(sum(unsubscribed), 0)::bigint AS unsubscribed
		FROM campaign_count WHERE campaign_id = $1`, c.ID)
	if c.State == campaignRunning || c.State == campaignPaused {
		r.Waiting = max(0, c.Receivers-r.Accepted-r.Bounced-r.Failed-r.Suppressed-r.Dropped)
	}
	return r, err
}

// failedAsSQL is the count, bounced or failed, to which a parked delivery belongs by the mail
// server's reply.
const failedAsSQL = `CASE WHEN smtp_reply LIKE '5%' THEN 'bounced' ELSE 'failed' END`

// countingSQL is the part of a statement that changes the counts of campaigns. rows is a query of
// the id and newsletter_id of deliveries, the name of a count (what) and the number to add (n).
// Rows without a campaign are ignored.
func countingSQL(rows string) string {
	return `
		INSERT INTO campaign_count AS c (campaign_id, shard, accepted, bounced, failed, suppressed, dropped)
		SELECT w.campaign_id, r.id % 8,
		  coalesce(sum(r.n) FILTER (WHERE r.what = 'accepted'), 0),
		  coalesce(sum(r.n) FILTER (WHERE r.what = 'bounced'), 0),
		  coalesce(sum(r.n) FILTER (WHERE r.what = 'failed'), 0),
		  coalesce(sum(r.n) FILTER (WHERE r.what = 'suppressed'), 0),
		  coalesce(sum(r.n) FILTER (WHERE r.what = 'dropped'), 0)
		FROM (` + rows + `) AS r (id, newsletter_id, what, n) JOIN newsletter w ON w.id = r.newsletter_id
		WHERE w.campaign_id IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
		ON CONFLICT (campaign_id, shard) DO UPDATE SET accepted = c.accepted + excluded.accepted,
		  bounced = c.bounced + excluded.bounced, failed = c.failed + excluded.failed,
		  suppressed = c.suppressed + excluded.suppressed, dropped = c.dropped + excluded.dropped `
}

// countedSQL is a further part of a statement whose part done names a delivery that has ended. It
// is empty for other mails, so that they cost no more than before.
func (d *delivery) countedSQL(what string) string {
	if d.NewsletterID == nil {
		return ""
	}
	return `, counted AS (` + countingSQL(`SELECT id, newsletter_id, `+what+`, 1 FROM done`) + `)`
}

// setReceivers stores how many people a campaign goes to, and how many of its mails the ceiling
// holds back.
func setReceivers(ctx context.Context, tx pgx.Tx, id int64, receivers, suppressed int) error {
	return pg.Exec(ctx, tx, "set the receivers of campaign $1", `
		WITH counted AS (INSERT INTO campaign_count (campaign_id, shard, suppressed) VALUES ($1, 0, $3))
		UPDATE campaign SET receivers = $2 WHERE id = $1`, id, receivers, suppressed)
}

// countUnsubscribedSQL is a part of recipientsEffect: people who end newsletters, or want them
// again, change the counts of the campaigns that they got. The table recipient is as before the
// statement, the part people as after it.
const countUnsubscribedSQL = `
		turned AS (
		  SELECT p.kind, p.id, p.code, p.quit::int - was.quit::int AS n
		  FROM people p JOIN (
		    SELECT kind, id, unsubscribed OR kind = 'member' AND NOT newsletter AS quit FROM recipient
		  ) AS was USING (kind, id)
		  WHERE p.quit <> was.quit
		), counted AS (
		  INSERT INTO campaign_count AS c (campaign_id, shard, unsubscribed)
		  SELECT w.campaign_id, 0, sum(got.n)
		  FROM (
		    SELECT d.newsletter_id, t.n FROM turned t JOIN delivery d ON d.member_id = t.id
		    WHERE t.kind = 'member' AND d.newsletter_id IS NOT NULL AND d.state = 'sent'
		    UNION ALL
		    SELECT d.newsletter_id, t.n FROM turned t JOIN delivery d ON d.prospect_code = t.code
		    WHERE t.kind = 'prospect' AND d.newsletter_id IS NOT NULL AND d.state = 'sent'
		  ) AS got JOIN newsletter w ON w.id = got.newsletter_id
		  WHERE w.campaign_id IS NOT NULL GROUP BY 1 ORDER BY 1
		  ON CONFLICT (campaign_id, shard) DO UPDATE SET unsubscribed = c.unsubscribed + excluded.unsubscribed
		)`
