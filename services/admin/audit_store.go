package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// insertAudit adds an act to the log, without the values of a customer who has been erased since.
func insertAudit(ctx context.Context, tx pgx.Tx, a msg.StaffActed) error {
	if gone, err := erasure.IsForgotten(ctx, tx, a.At, a.Whose...); err != nil {
		return err
	} else if gone {
		a.Before, a.After = nil, nil
	}
	before, err := jsonOf(a.Before)
	if err != nil {
		return err
	}
	after, err := jsonOf(a.After)
	if err != nil {
		return err
	}
	return pg.Exec(ctx, tx, "insert an act of person $2", `
		WITH kept AS (
		  INSERT INTO audit (at, person_id, name, token, address, service, action, kind, key, text)
		  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id
		)
		INSERT INTO audit_values (audit_id, before, after)
		SELECT id, $11::jsonb, $12::jsonb FROM kept WHERE $11::jsonb IS NOT NULL OR $12::jsonb IS NOT NULL`,
		a.At, a.Person, a.Name, a.Token, a.From, a.Service, a.Action, a.Kind, a.Key, a.Text, before, after)
}

// jsonOf is a value as JSON that PostgreSQL can store, or nil.
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

// auditQuery filters a list of the log. Zero values do not filter.
type auditQuery struct {
	Search, Service, Kind, Key string
	From, To                   time.Time // days, both included
	After                      int64
	Rows                       int
}

// listAudit lists entries, the newest first.
func listAudit(ctx context.Context, db pg.DB, q auditQuery) ([]auditRow, error) {
	return pg.List[auditRow](ctx, db, "list what the staff did", `
		SELECT a.id, a.at, a.name, a.token, a.address, a.service, a.action, a.kind, a.key, a.text, v.before, v.after
		FROM audit a LEFT JOIN audit_values v ON v.audit_id = a.id
		WHERE ($1 = '' OR position(lower($1) IN lower(a.name || ' ' || a.text || ' ' || a.action || ' ' || a.key)) > 0)
		  AND ($2 = '' OR a.service = $2) AND ($3 = '' OR a.kind = $3) AND ($4 = '' OR a.key = $4)
		  AND ($5::timestamptz IS NULL OR a.at >= $5) AND ($6::timestamptz IS NULL OR a.at < $6 + interval '1 day')
		  AND ($7 = 0 OR a.id < $7)
		ORDER BY a.id DESC LIMIT $8`,
		q.Search, q.Service, q.Kind, q.Key, pg.TimeOrNull(q.From), pg.TimeOrNull(q.To), q.After, q.Rows)
}

// maxAuditRows is the most entries about some things that are read.
const maxAuditRows = 500

// auditOf lists entries about things, by kind and key, without their values.
func auditOf(ctx context.Context, db pg.DB, things map[string][]string) ([]auditRow, error) {
	var kinds, keys []string
	for kind, list := range things {
		for _, key := range list {
			kinds, keys = append(kinds, kind), append(keys, key)
		}
	}
	return pg.List[auditRow](ctx, db, "list what was done to some things", `
		SELECT a.id, a.at, a.name, a.token, a.address, a.service, a.action, a.kind, a.key, a.text,
		  NULL::jsonb AS before, NULL::jsonb AS after
		FROM audit a JOIN unnest($1::text[], $2::text[]) AS t (kind, key) USING (kind, key)
		ORDER BY a.id LIMIT $3`, kinds, keys, maxAuditRows)
}
