package events

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// ordersOf are the identifiers of a person's orders, as a member and as a guest.
func ordersOf(ctx context.Context, db pg.DB, p erasure.Person) ([]string, error) {
	return pg.List[string](ctx, db, "look for a person's orders",
		`SELECT identifier FROM order_placed WHERE member_id = ANY($1) OR pr_cd = ANY($2) ORDER BY identifier`,
		p.MemberIDs, p.Codes)
}

// browsersOfMembers are the ids of browsers that a person used as a member or over links of theirs.
const browsersOfMembers = `
	SELECT anonymous_id FROM pageview WHERE user_id = ANY($1) UNION SELECT anonymous_id FROM ajax_error
	  WHERE user_id = ANY($1)
	UNION SELECT anonymous_id FROM button_click WHERE user_id = ANY($1) UNION SELECT anonymous_id FROM link_event
	  WHERE user_id = ANY($1) OR prospect_id = ANY($2)`

// browsersOf adds those that looked at an order of the person's. Addresses recorded before identifiers were
// cut from them still hold some.
func browsersOf(ctx context.Context, tx pgx.Tx, p erasure.Person, orders []string) ([]string, error) {
	return pg.List[string](ctx, tx, "find an erased person's browsers", `
		SELECT anonymous_id FROM (`+browsersOfMembers+`
			UNION SELECT anonymous_id FROM pageview WHERE order_mark = ANY($3)
			UNION SELECT anonymous_id FROM pageview WHERE url ~* 'identifier='
			  AND EXISTS (SELECT FROM unnest($4::text[]) AS n (identifier) WHERE position(identifier IN url) > 0)
		) AS a WHERE anonymous_id IS NOT NULL`, p.MemberIDs, p.ProspectIDs, orderMarks(orders), orders)
}

// inAddress is whether the parameters of a page's address, which hold codes, name the person ($3).
var inAddress = ` url ~ '[?#]' AND ` + erasure.InText("url", "$3")

// eraseVisits takes visits from their visitors: those of the member, of the person's browsers, of pages that showed an
// order
// of theirs, and those whose address names them or a code of theirs.
func eraseVisits(ctx context.Context, tx pgx.Tx, p erasure.Person, browsers, orders []string) error {
	theirs := `anonymous_id = NULL, url = substring(url FROM '^[^?#]*') WHERE user_id = ANY($1) OR anonymous_id = ` +
		`ANY($2) OR` + inAddress
	for _, step := range []struct {
		sql  string
		more []any
	}{
		{`UPDATE pageview SET user_id = NULL, remote_addr = NULL, user_agent = NULL, order_mark = NULL, ` + theirs +
			` OR order_mark = ANY($4)`, []any{orderMarks(orders)}},
		{`UPDATE ajax_error SET user_id = NULL, ` + theirs, nil},
		{`UPDATE button_click SET user_id = NULL, ` + theirs, nil},
		{`UPDATE link_event SET user_id = NULL, prospect_id = NULL, ` + theirs + ` OR prospect_id = ANY($4)`,
			[]any{p.ProspectIDs}},
	} {
		if err := pg.Exec(ctx, tx, "erase a person's visits", step.sql,
			append([]any{p.MemberIDs, browsers, needlesOf(p, orders)}, step.more...)...); err != nil {
			return err
		}
	}
	return nil
}

// eraseFunnel takes a person out of orders and mails, and notes that the person is never to be known again.
func eraseFunnel(ctx context.Context, tx pgx.Tx, p erasure.Person, orders []string) error {
	return pg.Exec(ctx, tx, "erase a person", `
		WITH noted AS (INSERT INTO erased (kind, id) SELECT 'member', unnest($2::bigint[]) UNION ALL
		  SELECT 'prospect', unnest($3::bigint[]) ON CONFLICT DO NOTHING),
		o AS (UPDATE order_placed SET member_id = NULL, pr_cd = NULL WHERE identifier = ANY($1)),
		s AS (UPDATE email_sent SET member_id = NULL, prospect_id = NULL, pr_cd = NULL WHERE member_id = ANY($2)
		  OR prospect_id = ANY($3) OR pr_cd = ANY($4)),
		m AS (DELETE FROM member WHERE id = ANY($2))
		DELETE FROM prospect WHERE id = ANY($3)`, orders, p.MemberIDs, p.ProspectIDs, p.Codes)
}

// ExportVisits is everything that this service has of a person: what they did as a member, what followed
// from links in mails to them, what their browsers did before they logged in, their orders and mails in
// the funnel.
func ExportVisits(ctx context.Context, db pg.DB, p erasure.Person) (json.RawMessage, error) {
	orders, err := ordersOf(ctx, db, p)
	if err != nil {
		return nil, err
	}
	theirs := ` WHERE user_id = ANY($1) OR anonymous_id IN (SELECT anonymous_id FROM b) OR` + inAddress
	return erasure.Export(ctx, db, `WITH b AS (`+browsersOfMembers+`)`, []erasure.Table{
		{Name: "member", Rows: `member WHERE id = ANY($1)`},
		{Name: "prospects", Rows: `prospect WHERE id = ANY($2)`},
		{Name: "prospect_codes", Rows: `prospect_code WHERE prospect_id = ANY($2)`},
		{Name: "page_views", Rows: `pageview` + theirs + ` OR order_mark = ANY($5)`},
		{Name: "ajax_errors", Rows: `ajax_error` + theirs},
		{Name: "button_clicks", Rows: `button_click` + theirs},
		{Name: "link_events", Rows: `link_event WHERE user_id = ANY($1) OR prospect_id = ANY($2) OR anonymous_id IN ` +
			`(SELECT anonymous_id FROM b)`},
		{Name: "orders_placed", Rows: `order_placed WHERE identifier = ANY($6)`},
		{Name: "mails_sent", Rows: `email_sent WHERE member_id = ANY($1) OR prospect_id = ANY($2) OR pr_cd = ANY($4)`},
	}, p.MemberIDs, p.ProspectIDs, needlesOf(p, orders), p.Codes, orderMarks(orders), orders)
}
