package admin

import (
	"context"
	"encoding/json"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

func listCredentials(ctx context.Context, db pg.DB, person int64) ([]json.RawMessage, error) {
	return pg.List[json.RawMessage](ctx, db, "list passkeys of person $1",
		`SELECT credential FROM passkey WHERE person_id = $1 ORDER BY created_at`, person)
}

func insertPasskey(ctx context.Context, db pg.DB, person int64, id []byte, name string, credential []byte) error {
	return pg.Exec(ctx, db, "insert a passkey of person $2",
		`INSERT INTO passkey (id, person_id, name, credential) VALUES ($1, $2, $3, $4)`, id, person, name, credential)
}

// usePasskey stores the counter of a passkey that was used.
func usePasskey(ctx context.Context, db pg.DB, id, credential []byte) error {
	return pg.Exec(ctx, db, "use a passkey",
		`UPDATE passkey SET credential = $2, used_at = now() WHERE id = $1`, id, credential)
}

func deletePasskey(ctx context.Context, db pg.DB, person int64, id []byte) (bool, error) {
	return pg.ExecOne(ctx, db, "delete a passkey of person $1", `DELETE FROM passkey WHERE person_id = $1 AND id = $2`,
		person, id)
}

func insertCeremony(ctx context.Context, db pg.DB, hash []byte, person int64, purpose string, data []byte,
	life time.Duration) error {
	return pg.Exec(ctx, db, "insert a ceremony of person $2", `
		INSERT INTO ceremony (hash, person_id, purpose, data, expires_at)
		VALUES ($1, nullif($2, 0), $3, $4, now() + $5::interval)`,
		hash, person, purpose, data, life)
}

// useCeremony ends a ceremony that a person began for a purpose.
func useCeremony(ctx context.Context, db pg.DB, hash []byte, person int64,
	purpose string) (json.RawMessage, bool, error) {
	return pg.One[json.RawMessage](ctx, db, "use a ceremony of person $2", `
		DELETE FROM ceremony WHERE hash = $1 AND coalesce(person_id, 0) = $2 AND purpose = $3 AND expires_at > now()
		RETURNING data`, hash, person, purpose)
}
