package erasure

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/printout"
)

// Table is one list of an export.
type Table struct {
	Name    string
	Rows    string // such as `account WHERE id = ANY($1) ORDER BY id`
	Without string // columns that are left out, with commas between: secrets
}

// rows is the table's rows as t.
func (t Table) rows() string { return ` FROM (SELECT * FROM ` + t.Rows + `) AS t` }

// object is a row as JSON.
func (t Table) object() string { return `to_jsonb(t) - '{` + t.Without + `}'::text[]` }

// Export is a JSON object with a list for each table, read by one statement. with is empty, or a
// WITH clause that the tables refer to.
func Export(ctx context.Context, db pg.DB, with string, tables []Table, args ...any) (json.RawMessage, error) {
	lists := make([]string, len(tables))
	for i, t := range tables {
		lists[i] = `'` + t.Name + `', (SELECT coalesce(jsonb_agg(` + t.object() + `), '[]')` + t.rows() + `)`
	}
	return pg.Get[json.RawMessage](ctx, db, "export a person",
		with+` SELECT jsonb_build_object(`+strings.Join(lists, ", ")+`)`, args...)
}

// ExportPayloads is a table's rows as JSON objects, with the column payload as it was stored, byte
// for byte: PostgreSQL reads less JSON than others do.
func ExportPayloads(ctx context.Context, db pg.DB, t Table, args ...any) ([]json.RawMessage, error) {
	type row struct {
		Object  json.RawMessage
		Payload []byte
	}
	rows, err := pg.List[row](ctx, db, "export a person",
		`SELECT `+t.object()+` - 'payload' AS object, payload`+t.rows(), args...)
	if err != nil {
		return nil, err
	}
	list := make([]json.RawMessage, len(rows))
	for i, r := range rows {
		if list[i], err = printout.With(r.Object, "payload", r.Payload); err != nil {
			return nil, fmt.Errorf("export a row of %s: %w", t.Name, err)
		}
	}
	return list, nil
}

// Print writes an export for people to read.
func Print(out io.Writer, raw json.RawMessage) error {
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, raw, "", "  "); err != nil {
		return fmt.Errorf("indent an export: %w", err)
	}
	pretty.WriteByte('\n')
	if _, err := out.Write(printout.JSON(pretty.Bytes())); err != nil {
		return fmt.Errorf("print an export: %w", err)
	}
	return nil
}
