package events

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// ordersOf lists the identifiers of a person's orders, as a member and as a guest.
func ordersOf(ctx context.Context, db pg.DB, p erasure.Person) ([]string, error) {
	return pg.List[string](ctx, db, "find a person's orders",
		`SELECT identifier FROM order_placed WHERE member_id = ANY($1) OR pr_cd = ANY($2) ORDER BY identifier`,
		p.MemberIDs, p.Codes)
}

// visitTables are the tables of what browsers report. Processes of the version before write to the
// table "before", from which housekeeping moves the rows to "now". A statement on "before" runs
// first: rows that are moved in the meantime are then found in "now".
var visitTables = []visitTable{
	{now: "page_view", before: "pageview", name: "page_views"},
	{now: "call_error", before: "ajax_error", name: "ajax_errors"},
	{now: "click", before: "button_click", name: "button_clicks"},
	{now: "arrival", before: "link_event", name: "link_events"},
}

type visitTable struct{ now, before, name string }

// browsersOfMembersSQL selects the ids of browsers that a person used as a member or in which they
// followed a link with a code of theirs.
var browsersOfMembersSQL = func() string {
	var parts []string
	for _, t := range visitTables {
		for _, table := range []string{t.before, t.now} {
			parts = append(parts, `SELECT anonymous_id FROM `+table+` WHERE user_id = ANY($1)`)
			if t.now == "arrival" {
				parts = append(parts, `SELECT anonymous_id FROM `+table+` WHERE prospect_id = ANY($2)`)
			}
		}
	}
	return strings.Join(parts, " UNION ")
}()

// browsersOf lists these browsers and those that looked at an order of the person's. Addresses that
// were recorded before identifiers were cut from them still hold some.
func browsersOf(ctx context.Context, tx pgx.Tx, p erasure.Person, orders []string) ([]string, error) {
	sql := `SELECT anonymous_id FROM (` + browsersOfMembersSQL
	for _, table := range []string{"pageview", "page_view"} {
		sql += ` UNION SELECT anonymous_id FROM ` + table + ` WHERE order_mark = ANY($3)
			UNION SELECT anonymous_id FROM ` + table + ` WHERE id IN (` + namingSQL(table, "$4") + `)
			  AND url ~* 'identifier='`
	}
	return pg.List[string](ctx, tx, "find an erased person's browsers", sql+`) AS a WHERE anonymous_id IS NOT NULL`,
		p.MemberIDs, p.ProspectIDs, orderMarks(orders), orders)
}

// namingSQL selects the rows of a table whose address names one of the texts in its parameters,
// which hold codes. The index of words finds candidates, position confirms them.
func namingSQL(table, param string) string {
	return `SELECT v.id FROM unnest(` + param + `::text[]) AS n (needle) JOIN ` + table + ` v
		  ON v.url ~ '[?#]' AND words(v.url) @> words(needle) AND position(lower(needle) IN lower(v.url)) > 0`
}

// visitsOfSQL selects a person's rows in a table of visits: those of the member ($1), of the
// person's browsers (the query or list theirs), and those whose address names the person or a code
// of theirs ($3). Each part has an index; a condition with OR would read every row.
func visitsOfSQL(table, theirs string) string {
	return `SELECT id FROM ` + table + ` WHERE user_id = ANY($1) UNION SELECT id FROM ` + table +
		` WHERE anonymous_id = ANY(` + theirs + `) UNION ` + namingSQL(table, "$3")
}

// eraseVisits takes visits from their visitors: those of the member, of the person's browsers, of
// pages that showed an order of theirs, and those whose address names them or a code of theirs.
func eraseVisits(ctx context.Context, tx pgx.Tx, p erasure.Person, browsers, orders []string) error {
	salt := rand.Text() // stored nowhere: no stand-in leads back to its browser
	for _, t := range visitTables {
		for _, table := range []string{t.before, t.now} {
			sql, args := eraseFrom(t, table, p, browsers, orders, salt)
			if err := pg.Exec(ctx, tx, "erase a person's visits", sql, args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// justBoughtSQL holds for a page view of an order that had just been placed.
const justBoughtSQL = `EXISTS (SELECT FROM order_placed o
	WHERE order_mark(o.identifier) = page_view.order_mark
	  AND o.at BETWEEN page_view.at - interval '1 hour' AND page_view.at + interval '10 minutes')`

// eraseFrom returns the statement that takes a person out of one table of visits, and its
// arguments. A stand-in replaces the browser's id, so that the rows of a visit stay together.
func eraseFrom(t visitTable, table string, p erasure.Person, browsers, orders []string, salt string) (string, []any) {
	set := `user_id = NULL, anonymous_id = NULL, url = substring(url FROM '^[^?#]*')`
	rows, args := visitsOfSQL(table, "$2"), []any{p.MemberIDs, browsers, searchTermsOf(p, orders)}
	switch t.now {
	case "page_view":
		set += `, remote_addr = NULL, user_agent = NULL, order_mark = NULL`
		if table == t.now {
			set += `, bought = bought OR ` + justBoughtSQL
		}
		rows += ` UNION SELECT id FROM ` + table + ` WHERE order_mark = ANY($4)`
		args = append(args, orderMarks(orders))
	case "arrival":
		set += `, prospect_id = NULL`
		rows += ` UNION SELECT id FROM ` + table + ` WHERE prospect_id = ANY($4)`
		args = append(args, p.ProspectIDs)
	}

	if len(args) == 4 && table == t.now {
		set += `, stand_in = coalesce(stand_in, md5($5 || anonymous_id || (at AT TIME ZONE 'UTC')::date))`
		args = append(args, salt)
	}
	return `UPDATE ` + table + ` SET ` + set + ` WHERE id = ANY(ARRAY(` + rows + `))`, args
}

// eraseFunnel takes a person out of orders and mails, and notes the ids, so that no late message
// brings the person back.
func eraseFunnel(ctx context.Context, tx pgx.Tx, p erasure.Person, orders []string) error {
	return pg.Exec(ctx, tx, "erase a person", `
		WITH noted AS (
		  INSERT INTO erased (kind, id)
		  SELECT 'member', unnest($2::bigint[]) UNION ALL SELECT 'prospect', unnest($3::bigint[])
		  ON CONFLICT DO NOTHING
		), orders AS (
		  UPDATE order_placed SET member_id = NULL, pr_cd = NULL WHERE identifier = ANY($1)
		), mails AS (
		  UPDATE email_sent SET member_id = NULL, prospect_id = NULL, pr_cd = NULL
		  WHERE member_id = ANY($2) OR prospect_id = ANY($3) OR pr_cd = ANY($4)
		), members AS (
		  DELETE FROM member WHERE id = ANY($2)
		)
		DELETE FROM prospect WHERE id = ANY($3)`, orders, p.MemberIDs, p.ProspectIDs, p.Codes)
}

// ExportVisits returns everything that events has about a person: what they did as a member, what
// followed from links in mails to them, what their browsers did before they logged in, their orders
// and mails in the funnel.
func ExportVisits(ctx context.Context, db pg.DB, p erasure.Person) (json.RawMessage, error) {
	orders, err := ordersOf(ctx, db, p)
	if err != nil {
		return nil, err
	}

	const browsers = `ARRAY(SELECT anonymous_id FROM browsers)`
	tables := []erasure.Table{
		{Name: "member", Rows: `member WHERE id = ANY($1)`},
		{Name: "prospects", Rows: `prospect WHERE id = ANY($2)`},
		{Name: "prospect_codes", Rows: `prospect_code WHERE prospect_id = ANY($2)`},
		{Name: "orders_placed", Rows: `order_placed WHERE identifier = ANY($6)`},
		{Name: "mails_sent", Rows: `email_sent WHERE member_id = ANY($1) OR prospect_id = ANY($2) OR pr_cd = ANY($4)`},
	}

	for _, t := range visitTables {
		for _, table := range []string{t.now, t.before} {
			name := t.name
			if table == t.before {
				name += "_before"
			}
			rows := visitsOfSQL(table, browsers)
			switch t.now {
			case "page_view":
				rows += ` UNION SELECT id FROM ` + table + ` WHERE order_mark = ANY($5)`
			case "arrival":
				rows += ` UNION SELECT id FROM ` + table + ` WHERE prospect_id = ANY($2)`
			}
			tables = append(tables, erasure.Table{Name: name, Rows: table + ` WHERE id = ANY(ARRAY(` + rows + `))`})
		}
	}

	return erasure.Export(ctx, db, `WITH browsers AS (`+browsersOfMembersSQL+`)`, tables,
		p.MemberIDs, p.ProspectIDs, searchTermsOf(p, orders), p.Codes, orderMarks(orders), orders)
}
