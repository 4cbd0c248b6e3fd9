package edge

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// eraseSessions deletes the sessions of a person.
func eraseSessions(ctx context.Context, tx pgx.Tx, p erasure.Person) error {
	return pg.Exec(ctx, tx, "erase a person's sessions", `DELETE FROM session WHERE member_id = ANY($1)`, p.MemberIDs)
}

// ExportSessions exports all that edge has of a person: their sessions, without the tokens.
func ExportSessions(ctx context.Context, db pg.DB, p erasure.Person) (json.RawMessage, error) {
	return erasure.Export(ctx, db, "", []erasure.Table{
		{Name: "sessions", Rows: `session WHERE member_id = ANY($1) ORDER BY created_at`,
			Without: "token_hash,previous_hash"},
	}, p.MemberIDs)
}
