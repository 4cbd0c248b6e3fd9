package user

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// chatMessage is a message to staff.
type chatMessage struct {
	MemberID, ProspectID int64 // one of them is set, or none
	Name, Email, Message string
}

func chatKey(id int64) string { return fmt.Sprintf("%s:%d", msg.MailChatAlert, id) }

// chatMember finds the member to whom a message belongs: the one who is logged in, otherwise the
// first who proved the address. If members have the address but none has proved it, known is true
// and the member 0: the message waits, and no one can claim it by merely naming the address.
func chatMember(ctx context.Context, tx pgx.Tx, loggedIn int64, email string) (member int64, known bool, err error) {
	sender, known, err := pg.One[struct {
		ID     int64
		Proved bool
	}](ctx, tx, "look for the sender of a chat message", `
		SELECT id, id = $1 OR email_verified AS proved FROM account
		WHERE (id = $1 OR lower(email) = lower($2)) AND `+stillOpenSQL+`
		ORDER BY id = $1 DESC, email_verified DESC, id LIMIT 1`, loggedIn, email)
	if !sender.Proved {
		return 0, known, err
	}
	return sender.ID, known, err
}

func insertChatMessage(ctx context.Context, tx pgx.Tx, c chatMessage) (id int64, err error) {
	return pg.Get[int64](ctx, tx, "insert a chat message", `
		INSERT INTO chat_message (member_id, prospect_id, name, email, message)
		VALUES (nullif($1::bigint, 0), nullif($2::bigint, 0), $3, $4, $5) RETURNING id`,
		c.MemberID, c.ProspectID, c.Name, c.Email, c.Message)
}

// adoptChatMessages gives a member the messages of the address that the member has just proved.
func adoptChatMessages(ctx context.Context, tx pgx.Tx, a account) error {
	return pg.Exec(ctx, tx, "move chat messages to member $1", `
		UPDATE chat_message SET member_id = $1 WHERE lower(email) = lower($2) AND member_id IS NULL`, a.ID, a.Email)
}
