package admin

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// insertAudit adds to the log of what the staff did.
func insertAudit(ctx context.Context, tx pgx.Tx, a msg.StaffActed) error {
	before, err := jsonOf(a.Before)
	if err != nil {
		return err
	}
	after, err := jsonOf(a.After)
	if err != nil {
		return err
	}
	return pg.Exec(ctx, tx, "keep what person $2 did", `
		WITH kept AS (
			INSERT INTO audit (at, person_id, name, token, address, service, action, kind, key, text)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id
		)
		INSERT INTO audit_values (audit_id, before, after)
		SELECT id, $11::jsonb, $12::jsonb FROM kept WHERE $11::jsonb IS NOT NULL OR $12::jsonb IS NOT NULL`,
		a.At, a.Person, a.Name, a.Token, a.From, a.Service, a.Action, a.Kind, a.Key, a.Text, before, after)
}

// jsonOf is a value as JSON that PostgreSQL stores, nil when there is none.
func jsonOf(value any) (json.RawMessage, error) {
	if value == nil {
		return nil, nil
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("marshal what changed: %w", err)
	}
	return pg.StorableJSON(raw), nil
}
