package mailer

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// shopRow is the shop in a message of order; key is the message's.
type shopRow struct {
	Key     string `json:"key"`
	Name    string `json:"name"`
	Version int64  `json:"version"`
}

// shopEffect stores the newest version in a group.
func shopEffect(rows []shopRow) *bus.Effect {
	return &bus.Effect{What: "note who the shop is", Args: []any{rows}, SQL: `
		named AS (
		  INSERT INTO shop (name, version)
		  SELECT name, version
		  FROM jsonb_to_recordset($3::jsonb) AS n (key text, name text, version bigint) JOIN fresh USING (key)
		  ORDER BY version DESC LIMIT 1
		  ON CONFLICT (single) DO UPDATE SET name = excluded.name, version = excluded.version
		  WHERE shop.version <= excluded.version
		)`}
}

// shopName is the shop's name in the settings, or "".
func shopName(ctx context.Context, db pg.DB) (string, error) {
	return pg.Get[string](ctx, db, "read the shop's name", `SELECT coalesce((SELECT name FROM shop), '')`)
}
