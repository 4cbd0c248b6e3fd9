package user

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// listedProspect is a prospect in lists for staff.
type listedProspect struct {
	Email, FirstName, LastName, Phone, Comment string

	Code         string `db:"pr_cd"`
	StaffComment string `db:"swa_comment"`
	Unsubscribed bool
	Created      time.Time
	Converted    *time.Time
}

func listProspects(ctx context.Context, db pg.DB) ([]listedProspect, error) {
	return pg.List[listedProspect](ctx, db, "list prospects", `
		SELECT email, coalesce(first_name, '') AS first_name, coalesce(last_name, '') AS last_name,
		  coalesce(phone, '') AS phone, prospect_comment AS comment, pr_cd, swa_comment,
		  unsubscribed, created, converted
		FROM prospect ORDER BY id`)
}

// listedChat is a chat message as staff read it.
type listedChat struct {
	Created              time.Time
	Name, Email, Message string
	MemberID             *int64
}

// listChatMessages lists the newest messages, newest first.
func listChatMessages(ctx context.Context, db pg.DB, limit int) ([]listedChat, error) {
	return pg.List[listedChat](ctx, db, "list chat messages", `
		SELECT created, name, email, message, member_id FROM chat_message ORDER BY id DESC LIMIT $1`, limit)
}
