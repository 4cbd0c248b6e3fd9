package user

import (
	"context"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/services/user/argon2"
)

// AddStaff makes a staff account, or gives the existing one this password, and says which: added,
// password changed, or unchanged. Staff are no members; in the shop they are visitors.
func AddStaff(ctx context.Context, pool *pgxpool.Pool, cost Cost, username,
	password string) (outcome string, err error) {
	if err := checkStaff(username, password); err != nil {
		return "", err
	}
	if cost == (Cost{}) {
		cost = DefaultCost
	}
	memory := new(argon2.Memory)
	err = pg.Tx(ctx, pool, func(tx pgx.Tx) error {
		stored, found, err := staffPassword(ctx, tx, username)
		if err != nil {
			return err
		}
		if found && verifyHash(password, stored, memory) {
			outcome = "unchanged"
			return nil
		}
		if outcome = "added"; found {
			outcome = "password changed"
		}
		return putStaff(ctx, tx, username, cost.hash(password, memory))
	})
	return outcome, err
}

func checkStaff(username, password string) error {
	if username == "" || utf8.RuneCountInString(username) > maxUsername || !usernameShape.MatchString(username) {
		return misused("STAFF_USERNAME needs 1 to %d letters, digits, underscores or hyphens", maxUsername)
	}
	if n := utf8.RuneCountInString(password); n < 8 || n > maxPassword {
		return misused("STAFF_PASSWORD has fewer than 8 or more than %d characters", maxPassword)
	}
	if common(password) || personal(password, username) {
		return misused("STAFF_PASSWORD is one of the commonest passwords or contains the user name")
	}
	return nil
}
