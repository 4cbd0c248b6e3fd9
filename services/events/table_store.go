package events

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/printout"
)

// table is a table that staff may export. All columns are text or a time, oldest row first.
type table struct {
	head []string
	sql  string
}

// tableTimeSQL is how the time of an event is written in a list.
const tableTimeSQL = `to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`

// exportTables are the tables that staff may export, by the name that the command takes.
var exportTables = map[string]table{
	"pageview": {
		[]string{"at", "url", "member", "anonymous_id", "page_width", "remote_addr", "user_agent"},
		`SELECT ` + tableTimeSQL + `, url, coalesce(user_id::text, ''), coalesce(anonymous_id, ''), ` +
			`coalesce(page_width::text, ''), coalesce(remote_addr, ''), coalesce(user_agent, '') FROM page_view`,
	},
	"ajax_error": {
		[]string{"at", "url", "member", "anonymous_id", "error_id"},
		`SELECT ` + tableTimeSQL + `, url, coalesce(user_id::text, ''), coalesce(anonymous_id, ''), error_id FROM ` +
			`call_error`,
	},
	"button_click": {
		[]string{"at", "url", "member", "anonymous_id", "button_id"},
		`SELECT ` + tableTimeSQL + `, url, coalesce(user_id::text, ''), coalesce(anonymous_id, ''), button_id FROM ` +
			`click`,
	},
	"link_event": {
		[]string{"at", "url", "member", "prospect", "anonymous_id", "em_cd", "ad_cd"},
		`SELECT ` + tableTimeSQL + `, l.url, coalesce(l.user_id::text, ''), coalesce(l.prospect_id::text, ''),
			coalesce(l.anonymous_id, ''), coalesce(m.em_cd, ''), coalesce(a.ad_cd, '')
			FROM arrival l LEFT JOIN email_code m ON m.id = l.email_id LEFT JOIN ad a ON a.id = l.ad_id`,
	},
}

// exportTimeout bounds one export.
const exportTimeout = 25 * time.Second

// write prints the last days of a table, row by row, since a table may be larger than the memory.
func (t table) write(ctx context.Context, pool *pgxpool.Pool, days int, out *printout.List) error {
	if err := out.Row(t.head...); err != nil {
		return err
	}

	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := pg.Exec(ctx, tx, "raise the statement timeout", `
			SET LOCAL statement_timeout = '`+fmt.Sprint(exportTimeout.Milliseconds())+`'`); err != nil {
			return err
		}

		rows, err := tx.Query(ctx, t.sql+` `+sinceSQL+` ORDER BY at, 1`, days)
		if err != nil {
			return fmt.Errorf("read a table: %w", err)
		}

		cells, into := make([]string, len(t.head)), make([]any, len(t.head))
		for i := range cells {
			into[i] = &cells[i]
		}
		if _, err := pgx.ForEachRow(rows, into, func() error { return out.Row(cells...) }); err != nil {
			return fmt.Errorf("read a table: %w", err)
		}

		return out.End()
	})
}
