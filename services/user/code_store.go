package user

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// issueCode stores a new code of a member, who must be locked by tx, and voids earlier ones of its
// kind.
func issueCode(ctx context.Context, tx pgx.Tx, key []byte, m account, kind string,
	life time.Duration) (id int64, code string, err error) {
	if err := voidCodes(ctx, tx, m.ID, kind); err != nil {
		return 0, "", err
	}
	expires := time.Now().Add(life)
	code = newCode(key, kind, expires)
	id, err = pg.Get[int64](ctx, tx, "insert a $3 code of member $2", `
		INSERT INTO code (hash, member_id, kind, email, expires) VALUES ($1, $2, $3, $4, $5) RETURNING id`,
		hashCode(code), m.ID, kind, m.Email, expires)
	return id, code, err
}

// voidCodes makes a member's open codes of a kind useless.
func voidCodes(ctx context.Context, tx pgx.Tx, member int64, kind string) error {
	return pg.Exec(ctx, tx, "void $2 codes of member $1", `
		UPDATE code SET superseded = now() WHERE member_id = $1 AND kind = $2 AND used IS NULL AND superseded IS NULL`,
		member, kind)
}

// justIssued reports whether a code was mailed to a member, who must be locked by tx, in the last
// minute and is still open.
func justIssued(ctx context.Context, tx pgx.Tx, member int64, kind string) (bool, error) {
	return pg.Get[bool](ctx, tx, "find a new $2 code of member $1", `
		SELECT EXISTS (SELECT FROM code
		  WHERE member_id = $1 AND kind = $2 AND used IS NULL AND superseded IS NULL
		    AND issued > now() - interval '1 minute')`, member, kind)
}

// openCode reports whether a code is the newest of its kind, unused, and this member's.
func openCode(ctx context.Context, db pg.DB, member int64, kind, code string) (bool, error) {
	return pg.Get[bool](ctx, db, "find a $3 code of member $2", `
		SELECT EXISTS (SELECT FROM code
		  WHERE hash = $1 AND member_id = $2 AND kind = $3 AND used IS NULL AND superseded IS NULL)`,
		hashCode(code), member, kind)
}

// redeemCode uses a code up and returns the address to which it was sent, or "" if it is not open.
func redeemCode(ctx context.Context, tx pgx.Tx, member int64, kind, code string) (email string, err error) {
	email, _, err = pg.One[string](ctx, tx, "redeem a $3 code of member $2", `
		UPDATE code SET used = now()
		WHERE hash = $1 AND member_id = $2 AND kind = $3 AND used IS NULL AND superseded IS NULL
		RETURNING email`, hashCode(code), member, kind)
	return email, err
}

// deleteOldRequests deletes codes and changes of address that have expired, and requests for mails
// that no one waits for any longer.
func deleteOldRequests(ctx context.Context, pool *pgxpool.Pool) (total int64, err error) {
	for _, old := range []struct{ what, sql string }{
		{"delete old codes", `DELETE FROM code WHERE id IN (SELECT id FROM code WHERE expires < now() - interval '1 ` +
			`day' LIMIT $1)`},
		{"delete old changes of address", `DELETE FROM address_change WHERE id IN (SELECT id FROM address_change ` +
			`WHERE expires < now() - interval '1 day' LIMIT $1)`},
		{"delete old requests for mails", `DELETE FROM mail_request WHERE id IN (SELECT id FROM mail_request WHERE ` +
			`created < now() - interval '1 hour' LIMIT $1)`},
	} {
		n, err := pg.InGroups(ctx, pool, old.what, old.sql)
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}
