package user

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// staffPassword is the stored form of a staff account's password; the account is locked by tx.
func staffPassword(ctx context.Context, tx pgx.Tx, username string) (stored string, found bool, err error) {
	return pg.One[string](ctx, tx, "look for staff account $1",
		`SELECT password FROM staff WHERE username = $1 FOR UPDATE`, username)
}

func putStaff(ctx context.Context, tx pgx.Tx, username, password string) error {
	return pg.Exec(ctx, tx, "store staff account $1", `
		INSERT INTO staff (username, password) VALUES ($1, $2)
		ON CONFLICT (username) DO UPDATE SET password = excluded.password, changed = now()`, username, password)
}
