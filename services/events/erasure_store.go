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
			UNION SELECT anonymous_id FROM pageview WHERE id IN (`+naming("pageview", "$4")+`) AND url ~* 'identifier='
		) AS a WHERE anonymous_id IS NOT NULL`, p.MemberIDs, p.ProspectIDs, orderMarks(orders), orders)
}

// naming is the query of the rows of a table whose address has parameters, which hold codes, and names one of
// the texts in a parameter. words finds them by index, and position looks closer.
func naming(table, param string) string {
	return `SELECT v.id FROM unnest(` + param + `::text[]) AS n (needle) JOIN ` + table + ` v ON v.url ~ '[?#]'
		AND words(v.url) @> words(needle) AND position(lower(needle) IN lower(v.url)) > 0`
}

// visitsOf is the query of a person's rows in a table of visits: those of the member ($1), of the person's
// browsers (the query or list theirs), and those whose address names them or a code of theirs ($3). Each part
// has an index; a condition with OR between them would look at every row.
func visitsOf(table, theirs string) string {
	return `SELECT id FROM ` + table + ` WHERE user_id = ANY($1) UNION SELECT id FROM ` + table +
		` WHERE anonymous_id = ANY(` + theirs + `) UNION ` + naming(table, "$3")
}

// eraseVisits takes visits from their visitors: those of the member, of the person's browsers, of pages that showed an
// order of theirs, and those whose address names them or a code of theirs.
func eraseVisits(ctx context.Context, tx pgx.Tx, p erasure.Person, browsers, orders []string) error {
	const theirs = `user_id = NULL, anonymous_id = NULL, url = substring(url FROM '^[^?#]*')`
	for _, step := range []struct {
		sql  string
		more []any
	}{
		{`UPDATE pageview SET remote_addr = NULL, user_agent = NULL, order_mark = NULL, ` + theirs + ` WHERE id IN (` +
			visitsOf("pageview", "$2") + ` UNION SELECT id FROM pageview WHERE order_mark = ANY($4))`,
			[]any{orderMarks(orders)}},
		{`UPDATE ajax_error SET ` + theirs + ` WHERE id IN (` + visitsOf("ajax_error", "$2") + `)`, nil},
		{`UPDATE button_click SET ` + theirs + ` WHERE id IN (` + visitsOf("button_click", "$2") + `)`, nil},
		{`UPDATE link_event SET prospect_id = NULL, ` + theirs + ` WHERE id IN (` + visitsOf("link_event", "$2") +
			` UNION SELECT id FROM link_event WHERE prospect_id = ANY($4))`, []any{p.ProspectIDs}},
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
	const browsers = `ARRAY(SELECT anonymous_id FROM b)`
	return erasure.Export(ctx, db, `WITH b AS (`+browsersOfMembers+`)`, []erasure.Table{
		{Name: "member", Rows: `member WHERE id = ANY($1)`},
		{Name: "prospects", Rows: `prospect WHERE id = ANY($2)`},
		{Name: "prospect_codes", Rows: `prospect_code WHERE prospect_id = ANY($2)`},
		{Name: "page_views", Rows: `pageview WHERE id IN (` + visitsOf("pageview", browsers) +
			` UNION SELECT id FROM pageview WHERE order_mark = ANY($5))`},
		{Name: "ajax_errors", Rows: `ajax_error WHERE id IN (` + visitsOf("ajax_error", browsers) + `)`},
		{Name: "button_clicks", Rows: `button_click WHERE id IN (` + visitsOf("button_click", browsers) + `)`},
		{Name: "link_events", Rows: `link_event WHERE id IN (` + visitsOf("link_event", browsers) +
			` UNION SELECT id FROM link_event WHERE prospect_id = ANY($2))`},
		{Name: "orders_placed", Rows: `order_placed WHERE identifier = ANY($6)`},
		{Name: "mails_sent", Rows: `email_sent WHERE member_id = ANY($1) OR prospect_id = ANY($2) OR pr_cd = ANY($4)`},
	}, p.MemberIDs, p.ProspectIDs, needlesOf(p, orders), p.Codes, orderMarks(orders), orders)
}
