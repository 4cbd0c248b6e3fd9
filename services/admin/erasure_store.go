package admin

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// valuesOfSQL selects the values of the log that may mention the person whose search terms are $1.
var valuesOfSQL = erasure.InText("coalesce(before::text, '') || coalesce(after::text, '')", "$1")

// eraseValues deletes the values before and after that mention a person.
func eraseValues(ctx context.Context, tx pgx.Tx, p erasure.Person) error {
	ids, err := erasure.Mentioning[int64](ctx, tx, p, "look for a person in the log", `
		SELECT audit_id, '' AS subject, convert_to(coalesce(before::text, '') || coalesce(after::text, ''), 'UTF8')
		FROM audit_values WHERE `+valuesOfSQL)
	if err != nil {
		return err
	}
	return pg.Exec(ctx, tx, "erase a person from the log", `DELETE FROM audit_values WHERE audit_id = ANY($1)`, ids)
}

// ExportValues exports what the log of acts has of a person.
func ExportValues(ctx context.Context, db pg.DB, p erasure.Person) (json.RawMessage, error) {
	return erasure.Export(ctx, db, "", []erasure.Table{
		{Name: "staff_acts", Rows: `audit_values WHERE ` + valuesOfSQL},
	}, p.SearchTerms())
}
