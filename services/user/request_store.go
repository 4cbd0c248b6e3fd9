package user

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// requestUsername is the kind of request that asks for user names; the other kind is codeReset.
const requestUsername = "username"

// mailRequest asks for a mail that only the owner of an account gets.
type mailRequest struct {
	ID              int64
	Kind            string
	Username, Email string
}

func requestKey(a account, q mailRequest) string { return fmt.Sprintf("%d:%d", a.ID, q.ID) }

func insertRequest(ctx context.Context, db pg.DB, kind, username, email string) error {
	return pg.Exec(ctx, db, "insert a request for a $1 mail", `
		INSERT INTO mail_request (kind, username, email) VALUES ($1, $2, $3)`, kind, username, email)
}

// claimRequest deletes and returns the oldest request that is due and that no one else answers.
func claimRequest(ctx context.Context, tx pgx.Tx) (q mailRequest, found bool, err error) {
	return pg.One[mailRequest](ctx, tx, "claim a request for a mail", `
		DELETE FROM mail_request
		WHERE id = (
		  SELECT id FROM mail_request WHERE due <= now() ORDER BY due, id LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING id, kind, username, email`)
}

// postponeRequest puts a request that failed behind the others.
func postponeRequest(ctx context.Context, db pg.DB, id int64) error {
	return pg.Exec(ctx, db, "postpone a request for a mail", `
		UPDATE mail_request SET due = now() + interval '1 minute' WHERE id = $1`, id)
}

// resetsFree is how many reset mails a member gets in a day before they have to be resetPause
// apart: together no more than the mailer's daily ceiling. A request in between leaves the code of
// the last mail valid; otherwise strangers could void it, and use up the mails that would bring
// another. The free ones are fewer than the mailer's hourly ceiling, since a welcome and a
// verification may count there, too, and a code whose mail is not sent must not void one that was
// mailed.
const (
	resetsFree = 3
	resetPause = 90 * time.Minute
)

// roomForReset reports whether another code may be mailed to a member, who must be locked by tx, at
// an address. Used codes do not count: no stranger asked for those.
func roomForReset(ctx context.Context, tx pgx.Tx, member int64, email string) (room bool, err error) {
	return pg.Get[bool](ctx, tx, "count the reset codes of member $1", `
		SELECT count(*) < $2 OR max(issued) <= now() - $3::interval FROM code
		WHERE member_id = $1 AND kind = 'reset' AND email = $4 AND used IS NULL AND issued > now() - interval '1 day'`,
		member, resetsFree, resetPause, email)
}

// accountOfReset compares the user name exactly, the address regardless of case. While the present
// address is unproved, the one that was proved last fits, too.
func accountOfReset(ctx context.Context, tx pgx.Tx, username, email string) (account, bool, error) {
	return queryAccount(ctx, tx, `SELECT `+accountColumnsSQL+` FROM account WHERE username = $1
		AND (lower(email) = lower($2) OR NOT email_verified AND lower(proved_email) = lower($2)) AND `+stillOpenSQL+`
		FOR UPDATE`, username, email)
}

// accountsOfAddress compares the address regardless of case; accounts that have proved it come
// first.
func accountsOfAddress(ctx context.Context, tx pgx.Tx, email string) ([]account, error) {
	return queryAccounts(ctx, tx, `SELECT `+accountColumnsSQL+` FROM account
		WHERE (lower(email) = lower($1) OR NOT email_verified AND lower(proved_email) = lower($1)) AND `+stillOpenSQL+`
		ORDER BY email_verified DESC, id`, email)
}
