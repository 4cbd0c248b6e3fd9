package admin

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// foundToken is a token with its person's current roles.
type foundToken struct {
	PersonID int64
	Name     string
	Roles    []string
	Scopes   []string
}

// useToken finds a token that has not ended, of a person who is not disabled, and notes once a
// minute that it is in use.
func useToken(ctx context.Context, db pg.DB, hash []byte) (foundToken, bool, error) {
	return pg.One[foundToken](ctx, db, "use a token", `
		WITH found AS (
		  SELECT t.id, t.person_id, p.name, p.roles, t.scopes, t.used_at
		  FROM api_token t JOIN person p ON p.id = t.person_id
		  WHERE t.hash = $1 AND t.expires_at > now() AND p.disabled_at IS NULL
		), used AS (
		  UPDATE api_token t SET used_at = now() FROM found
		  WHERE t.id = found.id AND (found.used_at IS NULL OR found.used_at < now() - interval '1 minute')
		)
		SELECT person_id, name, roles, scopes FROM found`, hash)
}

func listTokens(ctx context.Context, db pg.DB, person int64) ([]tokenRow, error) {
	return pg.List[tokenRow](ctx, db, "list tokens of person $1", `
		SELECT id, name, scopes, created_at, expires_at, used_at
		FROM api_token WHERE person_id = $1 AND expires_at > now() ORDER BY created_at`, person)
}

func insertToken(ctx context.Context, db pg.DB, person int64, name string, hash []byte, scopes []string,
	life time.Duration) error {
	return pg.Exec(ctx, db, "insert a token of person $1", `
		INSERT INTO api_token (person_id, name, hash, scopes, expires_at)
		VALUES ($1, $2, $3, $4, now() + $5::interval)`,
		person, name, hash, scopes, life)
}

func deleteToken(ctx context.Context, db pg.DB, person, token int64) error {
	return pg.Exec(ctx, db, "delete token $2", `DELETE FROM api_token WHERE person_id = $1 AND id = $2`, person, token)
}
