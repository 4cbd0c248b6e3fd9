package mailer

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// campaign is a newsletter as staff write and start it. Times are UTC, zero where there is none.
type campaign struct {
	ID          int64  `json:"id"`
	Code        string `db:"em_cd" json:"em_cd"`
	Name        string `json:"name"`
	Audience    string `json:"audience"`
	Subject     string `json:"subject"`
	BodyText    string `json:"body_text"`
	BodyHTML    string `db:"body_html" json:"body_html,omitempty"`
	FromAddress string `json:"from_address,omitempty"`
	Pace        int    `json:"pace,omitempty"`
	segment
	State     string    `json:"state"`
	StartAt   time.Time `json:"start_at,omitzero"`
	Receivers int64     `json:"receivers"`
	Problem   string    `json:"problem,omitempty"` // why a scheduled start failed
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	Version   int64     `json:"version"`
	ChangedBy string    `json:"changed_by"`
	ChangedAt time.Time `json:"changed_at"`
}

const campaignColumnsSQL = `id, em_cd, name, audience, subject, body_text, body_html, from_address, pace, bought,
	idle_days, spent_over, tag, state,
	coalesce(start_at, '0001-01-01'::timestamptz) AS start_at, receivers::bigint AS receivers,
	problem, coalesce(started_at, '0001-01-01'::timestamptz) AS started_at,
	coalesce(ended_at, '0001-01-01'::timestamptz) AS ended_at,
	version, changed_by, changed_at`

// listCampaigns lists campaigns, the newest first, with ids below before unless that is 0.
func listCampaigns(ctx context.Context, db pg.DB, before int64, rows int) ([]campaign, error) {
	return pg.List[campaign](ctx, db, "list campaigns", `
		SELECT `+campaignColumnsSQL+` FROM campaign WHERE $1 = 0 OR id < $1 ORDER BY id DESC LIMIT $2`, before, rows)
}

func findCampaign(ctx context.Context, db pg.DB, id int64) (campaign, error) {
	return web.OrNotFound(pg.One[campaign](ctx, db, "find campaign $1", `
		SELECT `+campaignColumnsSQL+` FROM campaign WHERE id = $1`, id))
}

// lockCampaign reads a campaign and locks it until tx ends.
func lockCampaign(ctx context.Context, tx pgx.Tx, id int64) (campaign, error) {
	return web.OrNotFound(pg.One[campaign](ctx, tx, "lock campaign $1", `
		SELECT `+campaignColumnsSQL+` FROM campaign WHERE id = $1 FOR UPDATE`, id))
}

// insertCampaign inserts a draft with a new code.
func insertCampaign(ctx context.Context, tx pgx.Tx, c campaign) (id int64, err error) {
	return pg.Get[int64](ctx, tx, "insert a campaign", `
		INSERT INTO campaign (
		  name, audience, subject, body_text, body_html, from_address, pace, changed_by, bought,
		  idle_days, spent_over, tag)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id`,
		c.Name, c.Audience, c.Subject, c.BodyText, c.BodyHTML, c.FromAddress, c.Pace, c.ChangedBy, c.Bought, c.IdleDays,
		c.SpentOver, c.Tag)
}

// updateCampaign stores an edited draft.
func updateCampaign(ctx context.Context, tx pgx.Tx, c campaign) error {
	return pg.Exec(ctx, tx, "update campaign $1", `
		UPDATE campaign SET name = $2, audience = $3, subject = $4, body_text = $5, body_html = $6, from_address = $7,
		  pace = $8, changed_by = $9, bought = $10, idle_days = $11, spent_over = $12, tag = $13, changed_at = now(),
		  version = version + 1, problem = ''
		WHERE id = $1 AND state = 'draft'`,
		c.ID, c.Name, c.Audience, c.Subject, c.BodyText, c.BodyHTML, c.FromAddress, c.Pace, c.ChangedBy, c.Bought,
		c.IdleDays, c.SpentOver, c.Tag)
}

// moveCampaign moves a campaign from one of some states to another; at is when a scheduled one
// starts.
func moveCampaign(ctx context.Context, tx pgx.Tx, id int64, to string, at time.Time, by string,
	from ...string) (bool, error) {
	return pg.ExecOne(ctx, tx, "move campaign $1", `
		UPDATE campaign SET state = $2, start_at = $3, changed_by = $4,
		  changed_at = now(), version = version + 1, problem = '',
		  started_at = CASE WHEN $2 = 'running' THEN coalesce(started_at, now()) ELSE started_at END,
		  paused_at = CASE WHEN $2 = 'paused' THEN now() ELSE paused_at END,
		  ended_at = CASE WHEN $2 = 'stopped' THEN now() END
		WHERE id = $1 AND state = ANY($5)`, id, to, pg.TimeOrNull(at), by, from)
}

// ofCampaignSQL is a condition on delivery: the mails of campaign $1 to its receivers.
const ofCampaignSQL = `newsletter_id IN (SELECT id FROM newsletter WHERE campaign_id = $1)`

// pauseMails makes the mails of a campaign wait, except those that a sender has in flight.
func pauseMails(ctx context.Context, tx pgx.Tx, id int64) error {
	return pg.Exec(ctx, tx, "pause the mails of campaign $1", `
		UPDATE delivery SET state = 'paused' WHERE state = 'queued' AND claimed_by IS NULL AND `+ofCampaignSQL, id)
}

// resumeMails makes the mails due again, as far apart as they were, and extends their deadlines by
// the pause.
func resumeMails(ctx context.Context, tx pgx.Tx, id int64) error {
	return pg.Exec(ctx, tx, "resume the mails of campaign $1", `
		UPDATE delivery d SET state = 'queued', next_at = greatest(now(), d.next_at + (now() - c.paused_at)),
		  deadline = d.deadline + (now() - c.paused_at)
		FROM campaign c WHERE c.id = $1 AND d.state = 'paused' AND `+ofCampaignSQL, id)
}

// deleteMails deletes the mails of a campaign, except those that a sender has in flight.
func deleteMails(ctx context.Context, tx pgx.Tx, id int64) error {
	return pg.Exec(ctx, tx, "delete the mails of campaign $1", `
		WITH gone AS (
		  DELETE FROM delivery WHERE state IN ('queued', 'paused') AND claimed_by IS NULL AND `+ofCampaignSQL+`
		  RETURNING id, newsletter_id
		)`+countingSQL(`SELECT id, newsletter_id, 'dropped', 1 FROM gone`), id)
}

// refuseStart makes a scheduled campaign a draft again, with the reason why it did not start.
func refuseStart(ctx context.Context, tx pgx.Tx, id int64, problem string) error {
	return pg.Exec(ctx, tx, "refuse the start of campaign $1", `
		UPDATE campaign SET state = 'draft', start_at = NULL, problem = $2, changed_at = now(), version = version + 1
		WHERE id = $1 AND state = 'scheduled'`, id, problem)
}

// problemCampaigns lists the drafts whose scheduled start failed, the oldest failure first.
func problemCampaigns(ctx context.Context, db pg.DB, rows int) ([]campaign, error) {
	return pg.List[campaign](ctx, db, "list campaigns that did not start", `
		SELECT `+campaignColumnsSQL+` FROM campaign WHERE problem <> '' ORDER BY changed_at, id LIMIT $1`, rows)
}

// dueCampaigns lists the scheduled campaigns whose time has come.
func dueCampaigns(ctx context.Context, db pg.DB) ([]campaign, error) {
	return pg.List[campaign](ctx, db, "list scheduled campaigns", `
		SELECT `+campaignColumnsSQL+` FROM campaign
		WHERE state = 'scheduled' AND start_at <= now() ORDER BY start_at, id`)
}

// endCampaigns ends the running campaigns that have no waiting mails.
func endCampaigns(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	return pg.ExecRows(ctx, pool, "end campaigns", `
		UPDATE campaign c SET state = 'ended', ended_at = now(), version = version + 1
		WHERE state = 'running' AND NOT EXISTS (
		  SELECT FROM newsletter n JOIN delivery d ON d.newsletter_id = n.id
		  WHERE n.campaign_id = c.id AND d.state IN ('queued', 'paused'))`)
}

// insertTest inserts a test of a campaign, as written, into the ledger; stored is false if it is
// there already.
func insertTest(ctx context.Context, tx pgx.Tx, d newDelivery, written []byte, subject string) (bool, error) {
	return pg.ExecOne(ctx, tx, "insert a test", `
		INSERT INTO delivery (key, kind, payload, to_hashes, message_id, written, subject, created_at, deadline)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (key) DO NOTHING`,
		d.key, d.kind, d.payload, []string{d.receivers[0].hash}, d.messageID, written, subject, d.createdAt, d.deadline)
}
