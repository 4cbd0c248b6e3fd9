package user

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// requestUsername is the kind of request that asks for user names; the other kind is codeReset.
const requestUsername = "username"

// mailRequest is somebody's wish for a mail that only the account's owner gets.
type mailRequest struct {
	ID              int64
	Kind            string
	Username, Email string
}

func requestKey(a account, q mailRequest) string { return fmt.Sprintf("%d:%d", a.ID, q.ID) }

func insertRequest(ctx context.Context, db database, kind, username, email string) error {
	if _, err := db.Exec(ctx, `INSERT INTO mail_request (kind, username, email) VALUES ($1, $2, $3)`, kind, username, email); err != nil {
		return fmt.Errorf("store a request for a %s mail: %w", kind, err)
	}
	return nil
}

// takeRequest deletes the oldest request that is due and that nobody else is at.
func takeRequest(ctx context.Context, tx pgx.Tx) (q mailRequest, found bool, err error) {
	err = tx.QueryRow(ctx, `
		DELETE FROM mail_request WHERE id = (SELECT id FROM mail_request WHERE due <= now() ORDER BY due, id LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING id, kind, username, email`).Scan(&q.ID, &q.Kind, &q.Username, &q.Email)
	if errors.Is(err, pgx.ErrNoRows) {
		return mailRequest{}, false, nil
	}
	if err != nil {
		return mailRequest{}, false, fmt.Errorf("take a request for a mail: %w", err)
	}
	return q, true, nil
}

// postponeRequest puts a request that failed behind the others.
func postponeRequest(ctx context.Context, db database, id int64) error {
	if _, err := db.Exec(ctx, `UPDATE mail_request SET due = now() + interval '1 minute' WHERE id = $1`, id); err != nil {
		return fmt.Errorf("postpone a request for a mail: %w", err)
	}
	return nil
}

// resetsFree is how many reset mails a member gets in a day before they have to be resetPause apart:
// together no more than the mailer's ceiling of a day. A request in between leaves the code of the
// last mail alone; else strangers could end it, and use up the mails that would bring another. The free
// ones are fewer than the mailer's ceiling of an hour: a welcome and a verification may be among those, and
// a code whose mail is held back must not end one that was mailed.
const (
	resetsFree = 3
	resetPause = 90 * time.Minute
)

// roomForReset says whether another code may be mailed to a member, who must be locked by tx, at an
// address. Codes that were used were no stranger's.
func roomForReset(ctx context.Context, tx pgx.Tx, member int64, email string) (room bool, err error) {
	err = tx.QueryRow(ctx, `
		SELECT count(*) < $2 OR max(issued) <= now() - $3::interval FROM code
		WHERE member_id = $1 AND kind = 'reset' AND email = $4 AND used IS NULL AND issued > now() - interval '1 day'`,
		member, resetsFree, resetPause, email).Scan(&room)
	if err != nil {
		return false, fmt.Errorf("count the reset codes of member %d: %w", member, err)
	}
	return room, nil
}

// accountOfReset compares the user name exactly, the address without case. While the present address is
// unproved, the one that was proved last is right as well.
func accountOfReset(ctx context.Context, tx pgx.Tx, username, email string) (account, bool, error) {
	return queryAccount(ctx, tx, `SELECT`+accountColumns+`FROM account WHERE username = $1
		AND (lower(email) = lower($2) OR NOT email_verified AND lower(proved_email) = lower($2)) FOR UPDATE`, username, email)
}

// accountsOfAddress compares without case; who has proved the address comes first.
func accountsOfAddress(ctx context.Context, tx pgx.Tx, email string) ([]account, error) {
	return queryAccounts(ctx, tx, `SELECT`+accountColumns+`FROM account
		WHERE lower(email) = lower($1) OR NOT email_verified AND lower(proved_email) = lower($1) ORDER BY email_verified DESC, id`, email)
}
