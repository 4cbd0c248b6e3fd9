package events

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

func upsertMember(ctx context.Context, tx pgx.Tx, m msg.Member) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO member (id, mb_cd, version) SELECT $1, nullif($2, ''), $3 WHERE NOT EXISTS (SELECT FROM erased WHERE kind = 'member' AND id = $1)
		ON CONFLICT (id) DO UPDATE SET mb_cd = excluded.mb_cd, version = excluded.version WHERE member.version < excluded.version`,
		m.ID, clip(m.Code, maxCode), m.Version)
	if err != nil {
		return fmt.Errorf("store member %d: %w", m.ID, err)
	}
	return nil
}

// upsertProspect notes a prospect and every code it goes by. Codes are only added: old links are out.
// Mails that were recorded under a code before the prospect was heard of find their prospect now.
func upsertProspect(ctx context.Context, tx pgx.Tx, p msg.Prospect) error {
	var codes []string
	for _, code := range append([]string{p.Code}, p.Aliases...) {
		if code = clip(code, maxCode); code != "" {
			codes = append(codes, code)
		}
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO prospect (id, version) SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM erased WHERE kind = 'prospect' AND id = $1)
		ON CONFLICT (id) DO UPDATE SET version = excluded.version WHERE prospect.version < excluded.version`, p.ID, p.Version)
	if err != nil {
		return fmt.Errorf("store prospect %d: %w", p.ID, err)
	}
	if tag.RowsAffected() == 0 {
		return nil // erased, or a newer version is known
	}
	_, err = tx.Exec(ctx, `
		WITH known AS (
			INSERT INTO prospect_code (pr_cd, prospect_id) SELECT DISTINCT code, $1::bigint FROM unnest($2::text[]) AS n (code)
			ON CONFLICT (pr_cd) DO UPDATE SET prospect_id = excluded.prospect_id
		)
		UPDATE email_sent SET prospect_id = $1, pr_cd = NULL WHERE pr_cd = ANY($2)`, p.ID, codes)
	if err != nil {
		return fmt.Errorf("store the codes of prospect %d: %w", p.ID, err)
	}
	return nil
}

// erase takes a person out of everything: what the person did stays as numbers. Visits of the same
// browser before the login lose their mark, too, and addresses lose their parameters, which may hold
// codes.
func erase(ctx context.Context, tx pgx.Tx, e msg.Erased) error {
	// All page addresses are looked at.
	if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = '18s'`); err != nil {
		return fmt.Errorf("allow for a long look: %w", err)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO erased (kind, id) SELECT kind, id FROM (VALUES ('member', $1::bigint), ('prospect', $2::bigint)) AS w (kind, id) WHERE id <> 0
		ON CONFLICT DO NOTHING`, e.MemberID, e.ProspectID)
	if err != nil {
		return fmt.Errorf("note an erasure: %w", err)
	}
	var browsers []string
	err = tx.QueryRow(ctx, `
		SELECT coalesce(array_agg(DISTINCT anonymous_id), '{}') FROM (
			SELECT anonymous_id FROM pageview WHERE user_id = $1 UNION ALL SELECT anonymous_id FROM ajax_error WHERE user_id = $1
			UNION ALL SELECT anonymous_id FROM button_click WHERE user_id = $1 UNION ALL SELECT anonymous_id FROM link_event WHERE user_id = $1 OR prospect_id = $2
		) AS a WHERE anonymous_id IS NOT NULL`, e.MemberID, e.ProspectID).Scan(&browsers)
	if err != nil {
		return fmt.Errorf("find an erased person's browsers: %w", err)
	}
	for _, sql := range []string{
		`UPDATE pageview SET user_id = NULL, anonymous_id = NULL, remote_addr = NULL, user_agent = NULL, url = split_part(url, '?', 1) WHERE user_id = $1 OR anonymous_id = ANY($2)`,
		`UPDATE ajax_error SET user_id = NULL, anonymous_id = NULL, url = split_part(url, '?', 1) WHERE user_id = $1 OR anonymous_id = ANY($2)`,
		`UPDATE button_click SET user_id = NULL, anonymous_id = NULL, url = split_part(url, '?', 1) WHERE user_id = $1 OR anonymous_id = ANY($2)`,
	} {
		if _, err := tx.Exec(ctx, sql, e.MemberID, browsers); err != nil {
			return fmt.Errorf("erase a person's visits: %w", err)
		}
	}
	_, err = tx.Exec(ctx, `
		WITH l AS (UPDATE link_event SET user_id = NULL, prospect_id = NULL, anonymous_id = NULL, url = split_part(url, '?', 1) WHERE user_id = $1 OR prospect_id = $2 OR anonymous_id = ANY($3)),
		o AS (UPDATE order_placed SET member_id = NULL WHERE member_id = $1),
		s AS (UPDATE email_sent SET member_id = NULL, prospect_id = NULL, pr_cd = NULL WHERE member_id = $1 OR prospect_id = $2 OR pr_cd = ANY($4)),
		m AS (DELETE FROM member WHERE id = $1)
		DELETE FROM prospect WHERE id = $2`, e.MemberID, e.ProspectID, browsers, e.Codes)
	if err != nil {
		return fmt.Errorf("erase a person: %w", err)
	}
	// Whoever followed a link of the person's without being known: the page's address has the code.
	for _, table := range []string{"pageview", "ajax_error", "button_click", "link_event"} {
		_, err = tx.Exec(ctx, `
			UPDATE `+table+` SET url = split_part(url, '?', 1), anonymous_id = NULL
			WHERE position('?' IN url) > 0 AND EXISTS (SELECT FROM unnest($1::text[]) AS n (needle) WHERE position(needle IN lower(url)) > 0)`, e.Needles())
		if err != nil {
			return fmt.Errorf("erase a person's links: %w", err)
		}
	}
	return bus.ForgetPeople(ctx, tx, e)
}
