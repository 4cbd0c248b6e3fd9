package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// adoptOrders gives a visitor's orders to the member who has proved to own their address.
func adoptOrders(ctx context.Context, tx pgx.Tx, m msg.Member) error {
	return pg.Exec(ctx, tx, "give visitor orders to member $1", `
		UPDATE orders SET member_id = $1 WHERE member_id IS NULL AND lower(email) = $2`, m.ID, email.Key(m.Email))
}

// prospectRow is the code of a prospect; key is that of its message.
type prospectRow struct {
	Key     string          `json:"key"`
	Email   string          `json:"email"`
	Code    string          `json:"code"`
	Version int64           `json:"version"`
	Mark    erasure.HexHash `json:"mark"` // by which it would be found among the erased
}

// upsertProspects upserts the codes of prospects; an older message never undoes a newer one. A
// record may have been erased while the message was under way; its id is never used again.
func upsertProspects(rows []prospectRow) *bus.Effect {
	return &bus.Effect{What: "note the codes of prospects", Args: []any{rows}, SQL: `
		prospects AS (
		  INSERT INTO prospect (email, code, version)
		  SELECT DISTINCT ON (email) email, code, version
		  FROM jsonb_to_recordset($3::jsonb) AS n (key text, email text, code text, version bigint, mark text)
		  JOIN fresh USING (key)
		  WHERE NOT ` + erasure.ForgottenSince("mark", "'-infinity'") + `
		  ORDER BY email, version DESC
		  ON CONFLICT (email) DO UPDATE SET code = excluded.code, version = excluded.version
		  WHERE prospect.version < excluded.version
		)`}
}
