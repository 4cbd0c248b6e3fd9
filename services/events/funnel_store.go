package events

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

func insertOrder(ctx context.Context, tx pgx.Tx, o msg.OrderPlaced) error {
	pieces := 0
	for _, l := range o.Lines {
		pieces += l.Quantity
	}
	gone, err := erasure.IsForgotten(ctx, tx, o.PlacedAt, o.ProspectCode)
	if err != nil {
		return err
	}
	if gone || o.MemberID != 0 {
		o.ProspectCode = ""
	}
	return pg.Exec(ctx, tx, "store order $1", `
		INSERT INTO order_placed (identifier, member_id, visitor, pr_cd, currency, total, pieces, at)
		SELECT $1, CASE WHEN EXISTS (SELECT FROM erased WHERE kind = 'member' AND id = $2) THEN NULL
		  ELSE nullif($2::bigint, 0) END, $2 = 0, nullif($3, ''), $4, $5, $6, $7
		ON CONFLICT (identifier) DO NOTHING`, o.Identifier, o.MemberID, pg.Clip(o.ProspectCode, maxCode), o.Currency,
		o.Total, pieces, o.PlacedAt.UTC())
}

func insertStatus(ctx context.Context, tx pgx.Tx, c msg.OrderStatusChanged) error {
	return pg.Exec(ctx, tx, "store the status of order $1", `
		INSERT INTO order_status (identifier, status, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		c.Identifier, c.Status, c.At.UTC())
}

// insertSent also learns the code of a template that is new, so that its links find it.
func insertSent(ctx context.Context, tx pgx.Tx, m msg.MailDone) error {
	if m.EmailCode == "" {
		return nil // a mail without a template: nothing links back
	}
	gone, err := erasure.IsForgotten(ctx, tx, m.At, m.ProspectCode)
	if err != nil {
		return err
	}
	if gone {
		m.ProspectCode = ""
	}
	return pg.Exec(ctx, tx, "store mail $2", `
		WITH c AS (INSERT INTO email_code (em_cd) VALUES ($1) ON CONFLICT (em_cd) DO UPDATE SET em_cd = excluded.em_cd
		  RETURNING id),
		p AS (SELECT (SELECT prospect_id FROM prospect_code WHERE pr_cd = $4) AS id)
		INSERT INTO email_sent (key, member_id, prospect_id, pr_cd, email_id, at)
		SELECT $2, CASE WHEN EXISTS (SELECT FROM erased WHERE kind = 'member' AND id = $3) THEN NULL
		  ELSE nullif($3::bigint, 0) END,
			p.id, CASE WHEN p.id IS NULL THEN nullif($4, '') END, c.id, $5 FROM c, p
		ON CONFLICT (key) DO NOTHING`, pg.Clip(m.EmailCode, maxCode), m.Key, m.MemberID, pg.Clip(m.ProspectCode,
		maxCode), m.At.UTC())
}
