package user

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// addressChange is a change of address, with the address as it was before.
type addressChange struct {
	ID          int64
	MemberID    int64
	OldEmail    string
	OldVerified bool
	OldProved   *string
	Changed     time.Time
}

// insertAddressChange stores the address of an account before it changes, and returns the code that
// undoes the change.
func insertAddressChange(ctx context.Context, tx pgx.Tx, key []byte, before account) (code string, err error) {
	expires := time.Now().Add(undoTTL)
	code = newCode(key, codeUndo, expires)
	return code, pg.Exec(ctx, tx, "insert a change of the address of member $1", `
		INSERT INTO address_change (member_id, hash, old_email, old_verified, old_proved, expires)
		VALUES ($1, $2, $3, $4, $5, $6)`,
		before.ID, hashCode(code), before.Email, before.EmailVerified, before.ProvedEmail, expires)
}

// openChange finds the change that a code undoes, unless it was undone or superseded.
func openChange(ctx context.Context, tx pgx.Tx, code string) (c addressChange, found bool, err error) {
	return pg.One[addressChange](ctx, tx, "find a change of address", `
		SELECT id, member_id, old_email, old_verified, old_proved, changed
		FROM address_change WHERE hash = $1 AND undone IS NULL AND superseded IS NULL`, hashCode(code))
}

// markChangeUndone marks a change as undone, and all later ones of the member as superseded. done
// is false if that has happened in the meantime. The account must be locked by tx.
func markChangeUndone(ctx context.Context, tx pgx.Tx, c addressChange) (done bool, err error) {
	done, err = pg.ExecOne(ctx, tx, "mark the change of address $1 undone", `
		UPDATE address_change SET undone = now() WHERE id = $1 AND undone IS NULL AND superseded IS NULL`, c.ID)
	if err != nil {
		return false, err
	}
	return done, pg.Exec(ctx, tx, "mark the changes of address after $2 superseded", `
		UPDATE address_change SET superseded = now()
		WHERE member_id = $1 AND id > $2 AND undone IS NULL AND superseded IS NULL`, c.MemberID, c.ID)
}

// restoreAddress undoes a change. A password that was set since is replaced by the unusable hash.
func restoreAddress(ctx context.Context, tx pgx.Tx, c addressChange, unusableHash string) (account, bool, error) {
	return queryAccount(ctx, tx, `
		UPDATE account SET email = $2, email_verified = $3, proved_email = $4, version = version + 1,
		  password = CASE WHEN password_changed > $5 THEN $6 ELSE password END, password_changed = clock_timestamp()
		WHERE id = $1 RETURNING `+accountColumnsSQL,
		c.MemberID, c.OldEmail, c.OldVerified, c.OldProved, c.Changed, unusableHash)
}
