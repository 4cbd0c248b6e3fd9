package admin

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

func countRecoveryCodes(ctx context.Context, db pg.DB, person int64) (int, error) {
	return pg.Get[int](ctx, db, "count recovery codes of person $1",
		`SELECT count(*) FROM recovery_code WHERE person_id = $1`, person)
}

func listPasskeys(ctx context.Context, db pg.DB, person int64) ([]passkeyRow, error) {
	return pg.List[passkeyRow](ctx, db, "list passkeys of person $1",
		`SELECT id, name, created_at, used_at FROM passkey WHERE person_id = $1 ORDER BY created_at`, person)
}

func listSessions(ctx context.Context, db pg.DB, person int64) ([]sessionRow, error) {
	return pg.List[sessionRow](ctx, db, "list sessions of person $1", `
		SELECT hash, agent, address, created_at, seen_at FROM session
		WHERE person_id = $1 AND stage = 'full' AND expires_at > now() AND seen_at > now() - $2::interval
		ORDER BY seen_at DESC`,
		person, idleTTL)
}

func endSessionOf(ctx context.Context, db pg.DB, person int64, hash []byte) error {
	return pg.Exec(ctx, db, "end a session of person $1", `DELETE FROM session WHERE person_id = $1 AND hash = $2`,
		person, hash)
}
