package admin

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// countRefused counts a refused sign-in in its minute.
func countRefused(ctx context.Context, db pg.DB, person int64, text, address string) error {
	return pg.Exec(ctx, db, "count a refused sign-in", `
		INSERT INTO refused_sign_in AS r (person_id, text, address) VALUES ($1, $2, $3)
		ON CONFLICT (person_id, text, minute) DO UPDATE SET n = r.n + 1, at = excluded.at, address = excluded.address`,
		person, text, address)
}

// logRefused moves the counts of past minutes into the log of acts.
func logRefused(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	return pg.ExecRows(ctx, pool, "log refused sign-ins", `
		WITH over AS (DELETE FROM refused_sign_in WHERE minute < date_trunc('minute', now()) RETURNING *)
		INSERT INTO audit (at, person_id, name, token, address, service, action, kind, key, text)
		SELECT r.at, r.person_id, coalesce(p.name, 'No one'), false, r.address, 'admin', 'sign-in',
		  CASE r.person_id WHEN 0 THEN '' ELSE 'person' END,
		  CASE r.person_id WHEN 0 THEN '' ELSE r.person_id::text END,
		  r.text || CASE WHEN r.n > 1 THEN ', ' || r.n || ' times within a minute' ELSE '' END
		FROM over r LEFT JOIN person p ON p.id = r.person_id ORDER BY r.at`)
}
