package admin

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// valuesOf are the values of the log that may mention the person whose needles are $1.
var valuesOf = erasure.InText("coalesce(before::text, '') || coalesce(after::text, '')", "$1")

// eraseValues deletes the values before and after that mention a person.
func eraseValues(ctx context.Context, tx pgx.Tx, p erasure.Person) error {
	ids, err := erasure.Mentioning[int64](ctx, tx, p, "look for a person in the log", `
		SELECT audit_id, '' AS subject, convert_to(coalesce(before::text, '') || coalesce(after::text, ''), 'UTF8')
		FROM audit_values WHERE `+valuesOf)
	if err != nil {
		return err
	}
	return pg.Exec(ctx, tx, "erase a person from the log", `DELETE FROM audit_values WHERE audit_id = ANY($1)`, ids)
}

// ExportValues is what the log of the staff's acts holds of a person.
func ExportValues(ctx context.Context, db pg.DB, p erasure.Person) (json.RawMessage, error) {
	return erasure.Export(ctx, db, "", []erasure.Table{
		{Name: "staff_acts", Rows: `audit_values WHERE ` + valuesOf},
	}, p.SearchTerms())
}
