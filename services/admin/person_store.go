package admin

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// account is a person with what signing in needs.
type account struct {
	ID         int64
	Username   string
	Name       string
	Handle     string // the id that authenticators know
	Password   string // stored form, "" without one
	TOTPSecret []byte `db:"totp_secret"`
	Passkeys   int
}

// hasSecond reports whether the person has a second factor.
func (a account) hasSecond() bool { return a.TOTPSecret != nil || a.Passkeys > 0 }

const accountColumnsSQL = `id, username, name, handle::text AS handle, coalesce(password, '') AS password, totp_secret,
	(SELECT count(*) FROM passkey WHERE person_id = person.id) AS passkeys`

func findAccount(ctx context.Context, db pg.DB, person int64) (account, bool, error) {
	return pg.One[account](ctx, db, "find person $1",
		`SELECT `+accountColumnsSQL+` FROM person WHERE id = $1 AND disabled_at IS NULL`, person)
}

// lockPerson locks how a person signs in until the transaction ends.
func lockPerson(ctx context.Context, tx pgx.Tx, person int64) error {
	return pg.Exec(ctx, tx, "lock person $1", `SELECT FROM person WHERE id = $1 FOR UPDATE`, person)
}

func findAccountByName(ctx context.Context, db pg.DB, username string) (account, bool, error) {
	return pg.One[account](ctx, db, "find a person by name",
		`SELECT `+accountColumnsSQL+` FROM person WHERE lower(username) = lower($1) AND disabled_at IS NULL`, username)
}

func findAccountByHandle(ctx context.Context, db pg.DB, handle string) (account, bool, error) {
	return pg.One[account](ctx, db, "find a person by handle",
		`SELECT `+accountColumnsSQL+` FROM person WHERE handle::text = $1 AND disabled_at IS NULL`, handle)
}

// useStep stores the time step whose code a person used; it returns false if that step, or a later
// one, was used already.
func useStep(ctx context.Context, db pg.DB, person, step int64) (bool, error) {
	return pg.ExecOne(ctx, db, "use a code of person $1",
		`UPDATE person SET totp_step = $2 WHERE id = $1 AND totp_step < $2`, person, step)
}

// useRecoveryCode uses up a code.
func useRecoveryCode(ctx context.Context, db pg.DB, person int64, hash []byte) (bool, error) {
	return pg.ExecOne(ctx, db, "use a recovery code of person $1",
		`DELETE FROM recovery_code WHERE person_id = $1 AND hash = $2`, person, hash)
}

// setRecoveryCodes replaces a person's codes.
func setRecoveryCodes(ctx context.Context, db pg.DB, person int64, hashes [][]byte) error {
	return pg.Exec(ctx, db, "set recovery codes of person $1", `
		WITH old AS (DELETE FROM recovery_code WHERE person_id = $1 AND hash <> ALL($2))
		INSERT INTO recovery_code (person_id, hash) SELECT $1, unnest($2::bytea[])`, person, hashes)
}

func setTOTP(ctx context.Context, db pg.DB, person int64, sealed []byte, step int64) error {
	return pg.Exec(ctx, db, "set the authenticator app of person $1",
		`UPDATE person SET totp_secret = $2, totp_step = $3 WHERE id = $1`, person, sealed, step)
}

func setPassword(ctx context.Context, db pg.DB, person int64, stored string) error {
	return pg.Exec(ctx, db, "set the password of person $1", `UPDATE person SET password = $2 WHERE id = $1`, person,
		stored)
}
