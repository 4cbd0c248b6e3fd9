package events

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

func upsertMember(ctx context.Context, tx pgx.Tx, m msg.Member) error {
	return pg.Exec(ctx, tx, "store member $1", `
		INSERT INTO member (id, mb_cd, version) SELECT $1, nullif($2, ''), $3 WHERE NOT EXISTS (SELECT FROM erased
		  WHERE kind = 'member' AND id = $1)
		ON CONFLICT (id) DO UPDATE SET mb_cd = excluded.mb_cd, version = excluded.version
		  WHERE member.version < excluded.version`,
		m.ID, pg.Clip(m.Code, maxCode), m.Version)
}

// upsertProspect notes a prospect and every code it goes by. Codes are only added: old links are out.
// Mails that were recorded under a code before the prospect was heard of find their prospect now.
func upsertProspect(ctx context.Context, tx pgx.Tx, p msg.Prospect) error {
	var codes []string
	for _, code := range append([]string{p.Code}, p.Aliases...) {
		if code = pg.Clip(code, maxCode); code != "" {
			codes = append(codes, code)
		}
	}
	newer, err := pg.ExecOne(ctx, tx, "store prospect $1", `
		INSERT INTO prospect (id, version) SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM erased WHERE kind = 'prospect'
		  AND id = $1)
		ON CONFLICT (id) DO UPDATE SET version = excluded.version WHERE prospect.version < excluded.version`, p.ID,
		p.Version)
	if err != nil || !newer {
		return err // it was erased, or this version is known already
	}
	return pg.Exec(ctx, tx, "store the codes of prospect $1", `
		WITH known AS (
			INSERT INTO prospect_code (pr_cd, prospect_id) SELECT DISTINCT code, $1::bigint
			  FROM unnest($2::text[]) AS n (code)
			ON CONFLICT (pr_cd) DO UPDATE SET prospect_id = excluded.prospect_id
		)
		UPDATE email_sent SET prospect_id = $1, pr_cd = NULL WHERE pr_cd = ANY($2)`, p.ID, codes)
}
