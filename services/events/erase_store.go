package events

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// ordersOf are the identifiers of a person's orders, as a member and as a guest.
func ordersOf(ctx context.Context, db pg.DB, members []int64, codes []string) ([]string, error) {
	return pg.List[string](ctx, db, "look for a person's orders", `
		SELECT identifier FROM order_placed WHERE member_id = ANY($1) OR pr_cd = ANY($2) ORDER BY identifier`,
		members, append([]string{}, codes...))
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
	if err := pg.Exec(ctx, tx, "allow for a long look", `SET LOCAL statement_timeout = '18s'`); err != nil {
		return err
	}
	err := pg.Exec(ctx, tx, "note an erasure", `
		INSERT INTO erased (kind, id) SELECT kind, id FROM (VALUES ('member', $1::bigint), ('prospect', $2::bigint)) AS w (kind, id) WHERE id <> 0
		ON CONFLICT DO NOTHING`, e.MemberID, e.ProspectID)
	if err != nil {
		return err
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
	err = pg.Exec(ctx, tx, "erase a person", `
		WITH o AS (UPDATE order_placed SET member_id = NULL, pr_cd = NULL WHERE identifier = ANY($1)),
		s AS (UPDATE email_sent SET member_id = NULL, prospect_id = NULL, pr_cd = NULL WHERE member_id = $2 OR prospect_id = $3 OR pr_cd = ANY($4)),
		m AS (DELETE FROM member WHERE id = $2)
		DELETE FROM prospect WHERE id = $3`, identifiers, e.MemberID, e.ProspectID, e.Codes)
	if err != nil {
		return err
	}
	return bus.ForgetPeople(ctx, tx, e)
}

// browsersOf are the ids of browsers that the person used: as a member, over links of theirs, or to
// look at an order of theirs. Addresses recorded before identifiers were cut from them still hold some.
func browsersOf(ctx context.Context, tx pgx.Tx, e msg.Erased, identifiers []string) (browsers []string, err error) {
	return pg.Get[[]string](ctx, tx, "find an erased person's browsers", `
		SELECT coalesce(array_agg(DISTINCT anonymous_id), '{}') FROM (
			SELECT anonymous_id FROM pageview WHERE user_id = $1 OR order_mark = ANY($3) UNION ALL SELECT anonymous_id FROM ajax_error WHERE user_id = $1
			UNION ALL SELECT anonymous_id FROM button_click WHERE user_id = $1 UNION ALL SELECT anonymous_id FROM link_event WHERE user_id = $1 OR prospect_id = $2
			UNION ALL SELECT anonymous_id FROM pageview WHERE url ~* 'identifier=' AND EXISTS (SELECT FROM unnest($4::text[]) AS n (identifier) WHERE position(identifier IN url) > 0)
		) AS a WHERE anonymous_id IS NOT NULL`, e.MemberID, e.ProspectID, orderMarks(identifiers), identifiers)
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
		args := append([]any{e.MemberID, browsers, needles}, step.more...)
		if err := pg.Exec(ctx, tx, "erase a person's visits", step.sql, args...); err != nil {
			return err
		}
	}
	return nil
}
