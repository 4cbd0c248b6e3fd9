package events

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// ordersOf are the identifiers of a person's orders, as a member and as a guest.
func ordersOf(ctx context.Context, db querier, members []int64, codes []string) ([]string, error) {
	rows, err := db.Query(ctx, `SELECT identifier FROM order_placed WHERE member_id = ANY($1) OR pr_cd = ANY($2) ORDER BY identifier`, members, append([]string{}, codes...))
	if err != nil {
		return nil, fmt.Errorf("look for a person's orders: %w", err)
	}
	identifiers, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("look for a person's orders: %w", err)
	}
	return identifiers, nil
}

// orderMarks are what page views hold of orders.
func orderMarks(identifiers []string) []string {
	marks := make([]string, len(identifiers))
	for i, identifier := range identifiers {
		marks[i] = msg.OrderMark(identifier)
	}
	return marks
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
	identifiers, err := ordersOf(ctx, tx, []int64{e.MemberID}, e.Codes)
	if err != nil {
		return err
	}
	browsers, err := browsersOf(ctx, tx, e, identifiers)
	if err != nil {
		return err
	}
	if err := eraseVisits(ctx, tx, e, browsers, identifiers); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		WITH o AS (UPDATE order_placed SET member_id = NULL, pr_cd = NULL WHERE identifier = ANY($1)),
		s AS (UPDATE email_sent SET member_id = NULL, prospect_id = NULL, pr_cd = NULL WHERE member_id = $2 OR prospect_id = $3 OR pr_cd = ANY($4)),
		m AS (DELETE FROM member WHERE id = $2)
		DELETE FROM prospect WHERE id = $3`, identifiers, e.MemberID, e.ProspectID, e.Codes)
	if err != nil {
		return fmt.Errorf("erase a person: %w", err)
	}
	return bus.ForgetPeople(ctx, tx, e)
}

// browsersOf are the ids of browsers that the person used: as a member, over links of theirs, or to
// look at an order of theirs. Addresses recorded before identifiers were cut from them still hold some.
func browsersOf(ctx context.Context, tx pgx.Tx, e msg.Erased, identifiers []string) (browsers []string, err error) {
	err = tx.QueryRow(ctx, `
		SELECT coalesce(array_agg(DISTINCT anonymous_id), '{}') FROM (
			SELECT anonymous_id FROM pageview WHERE user_id = $1 OR order_mark = ANY($3) UNION ALL SELECT anonymous_id FROM ajax_error WHERE user_id = $1
			UNION ALL SELECT anonymous_id FROM button_click WHERE user_id = $1 UNION ALL SELECT anonymous_id FROM link_event WHERE user_id = $1 OR prospect_id = $2
			UNION ALL SELECT anonymous_id FROM pageview WHERE url ~* 'identifier=' AND EXISTS (SELECT FROM unnest($4::text[]) AS n (identifier) WHERE position(identifier IN url) > 0)
		) AS a WHERE anonymous_id IS NOT NULL`, e.MemberID, e.ProspectID, orderMarks(identifiers), identifiers).Scan(&browsers)
	if err != nil {
		return nil, fmt.Errorf("find an erased person's browsers: %w", err)
	}
	return browsers, nil
}

// eraseVisits takes visits from their visitors: those of the member, of the person's browsers, of pages that showed an order
// of theirs, and those whose address names them or a code of theirs.
func eraseVisits(ctx context.Context, tx pgx.Tx, e msg.Erased, browsers, identifiers []string) error {
	needles := e.Needles()
	for _, identifier := range identifiers {
		needles = append(needles, strings.ToLower(identifier))
	}
	const cut = `url = substring(url FROM '^[^?#]*')`
	const named = `url ~ '[?#]' AND EXISTS (SELECT FROM unnest($3::text[]) AS n (needle) WHERE position(needle IN lower(url)) > 0)`
	const theirs = ` WHERE user_id = $1 OR anonymous_id = ANY($2) OR ` + named
	for _, step := range []struct {
		sql  string
		more []any
	}{
		{`UPDATE pageview SET user_id = NULL, anonymous_id = NULL, remote_addr = NULL, user_agent = NULL, order_mark = NULL, ` + cut + theirs + ` OR order_mark = ANY($4)`, []any{orderMarks(identifiers)}},
		{`UPDATE ajax_error SET user_id = NULL, anonymous_id = NULL, ` + cut + theirs, nil},
		{`UPDATE button_click SET user_id = NULL, anonymous_id = NULL, ` + cut + theirs, nil},
		{`UPDATE link_event SET user_id = NULL, prospect_id = NULL, anonymous_id = NULL, ` + cut + theirs + ` OR prospect_id = $4`, []any{e.ProspectID}},
	} {
		if _, err := tx.Exec(ctx, step.sql, append([]any{e.MemberID, browsers, needles}, step.more...)...); err != nil {
			return fmt.Errorf("erase a person's visits: %w", err)
		}
	}
	return nil
}
