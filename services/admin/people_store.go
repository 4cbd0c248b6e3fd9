package admin

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

const personColumnsSQL = `id, username, name, roles, disabled_at IS NOT NULL AS disabled,
	password IS NOT NULL AS password, totp_secret IS NOT NULL AS app,
	(SELECT count(*) FROM passkey k WHERE k.person_id = person.id) AS passkeys, version, created_at,
	(SELECT max(seen_at) FROM session s WHERE s.person_id = person.id AND stage = 'full') AS last_seen_at`

func listPeople(ctx context.Context, db pg.DB) ([]personRow, error) {
	return pg.List[personRow](ctx, db, "list people",
		`SELECT `+personColumnsSQL+` FROM person ORDER BY disabled_at IS NOT NULL, lower(name), id`)
}

func findPerson(ctx context.Context, db pg.DB, person int64) (personRow, bool, error) {
	return pg.One[personRow](ctx, db, "find person $1", `SELECT `+personColumnsSQL+` FROM person WHERE id = $1`, person)
}

func insertPerson(ctx context.Context, db pg.DB, username, name string, roles []string) (int64, error) {
	return pg.Get[int64](ctx, db, "insert person $1",
		`INSERT INTO person (username, name, roles) VALUES ($1, $2, $3) RETURNING id`, username, name, roles)
}

// updatePerson changes a person that still has this version.
func updatePerson(ctx context.Context, db pg.DB, person, version int64, name string, roles []string) (bool, error) {
	return pg.ExecOne(ctx, db, "update person $1", `
		UPDATE person SET name = $3, roles = $4, version = version + 1 WHERE id = $1 AND version = $2`,
		person, version, name, roles)
}

func setDisabled(ctx context.Context, db pg.DB, person int64, disabled bool) error {
	return pg.Exec(ctx, db, "disable or enable person $1", `
		UPDATE person SET disabled_at = CASE WHEN $2 THEN now() END, version = version + 1 WHERE id = $1`,
		person, disabled)
}

// countOwners counts owners who can sign in, and locks them until the transaction ends, so that two
// changes at once do not leave none.
func countOwners(ctx context.Context, db pg.DB) (int, error) {
	list, err := pg.List[int64](ctx, db, "count owners",
		`SELECT id FROM person WHERE $1 = ANY(roles) AND disabled_at IS NULL ORDER BY id FOR UPDATE`, adminui.Owner)
	return len(list), err
}

// clearFactors removes password, authenticator app, passkeys, recovery codes and tokens.
func clearFactors(ctx context.Context, db pg.DB, person int64) error {
	return pg.Exec(ctx, db, "clear factors of person $1", `
		WITH passkeys AS (DELETE FROM passkey WHERE person_id = $1),
		     codes AS (DELETE FROM recovery_code WHERE person_id = $1),
		     tokens AS (DELETE FROM api_token WHERE person_id = $1)
		UPDATE person SET password = NULL, totp_secret = NULL, totp_step = 0, version = version + 1 WHERE id = $1`,
		person)
}

// lastChange says who changed a thing last, and when.
func lastChange(ctx context.Context, db pg.DB, kind, key string) (name string, at time.Time, err error) {
	type change struct {
		Name string
		At   time.Time
	}
	c, found, err := pg.One[change](ctx, db, "look who changed $1 $2",
		`SELECT name, at FROM audit WHERE kind = $1 AND key = $2 ORDER BY at DESC, id DESC LIMIT 1`, kind, key)
	if !found {
		c.Name = "Another person"
	}
	return c.Name, c.At, err
}

// upsertOwner makes a new or existing person an owner, with a password unless it is "".
func upsertOwner(ctx context.Context, db pg.DB, username, stored string) (int64, error) {
	return pg.Get[int64](ctx, db, "upsert owner $1", `
		INSERT INTO person (username, name, roles, password) VALUES ($1, initcap($1), ARRAY[$3], nullif($2, ''))
		ON CONFLICT ((lower(username))) DO UPDATE
		SET password = coalesce(excluded.password, person.password), disabled_at = NULL,
		  roles = CASE WHEN $3 = ANY(person.roles) THEN person.roles ELSE person.roles || $3 END,
		  version = person.version + 1
		RETURNING id`, username, stored, string(adminui.Owner))
}
