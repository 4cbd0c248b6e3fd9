package user

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// listedProspect is a prospect as lists for staff show one.
type listedProspect struct {
	Email, FirstName, LastName, Phone, Comment, PrCd, SwaComment string

	Unsubscribed bool
	Created      time.Time
	Converted    *time.Time
}

func listProspects(ctx context.Context, db database) ([]listedProspect, error) {
	rows, err := db.Query(ctx, `
		SELECT email, coalesce(first_name, '') AS first_name, coalesce(last_name, '') AS last_name, coalesce(phone, '') AS phone, prospect_comment AS comment,
			pr_cd, swa_comment, unsubscribed, created, converted
		FROM prospect ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("list prospects: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[listedProspect])
	if err != nil {
		return nil, fmt.Errorf("list prospects: %w", err)
	}
	return list, nil
}

// listedChat is a chat message as staff read it.
type listedChat struct {
	Created              time.Time
	Name, Email, Message string
	MemberID             *int64
}

// listChatMessages are the newest ones, newest first.
func listChatMessages(ctx context.Context, db database, limit int) ([]listedChat, error) {
	rows, err := db.Query(ctx, `SELECT created, name, email, message, member_id FROM chat_message ORDER BY id DESC LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list chat messages: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[listedChat])
	if err != nil {
		return nil, fmt.Errorf("list chat messages: %w", err)
	}
	return list, nil
}
