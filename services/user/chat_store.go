package user

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// chatMessage is a message to staff.
type chatMessage struct {
	MemberID, ProspectID int64 // 0: none
	Name, Email, Message string
}

func chatKey(id int64) string { return fmt.Sprintf("%s:%d", msg.MailChatAlert, id) }

// chatMember says whose a message is: the logged-in member's, else that of the first who proved the
// address. known is true, and the member 0, when members have the address but none has proved it:
// the message waits, and nobody can claim it by merely naming the address.
func chatMember(ctx context.Context, tx pgx.Tx, loggedIn int64, email string) (member int64, known bool, err error) {
	var verified bool
	err = tx.QueryRow(ctx, `
		SELECT id, id = $1 OR email_verified FROM account WHERE id = $1 OR lower(email) = lower($2) ORDER BY id = $1 DESC, email_verified DESC, id LIMIT 1`,
		loggedIn, email).Scan(&member, &verified)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("look for the sender of a chat message: %w", err)
	}
	if !verified {
		member = 0
	}
	return member, true, nil
}

func insertChatMessage(ctx context.Context, tx pgx.Tx, c chatMessage) (id int64, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO chat_message (member_id, prospect_id, name, email, message)
		VALUES (nullif($1::bigint, 0), nullif($2::bigint, 0), $3, $4, $5) RETURNING id`,
		c.MemberID, c.ProspectID, c.Name, c.Email, c.Message).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("store a chat message: %w", err)
	}
	return id, nil
}

// adoptChatMessages gives messages of the address that a member has just proved to the member.
func adoptChatMessages(ctx context.Context, tx pgx.Tx, a account) error {
	if _, err := tx.Exec(ctx, `UPDATE chat_message SET member_id = $1 WHERE lower(email) = lower($2) AND member_id IS NULL`, a.ID, a.Email); err != nil {
		return fmt.Errorf("hand chat messages over to member %d: %w", a.ID, err)
	}
	return nil
}
