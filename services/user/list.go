package user

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/printout"
)

// exportProspects writes every prospect as CSV.
func exportProspects(ctx context.Context, pool *pgxpool.Pool, out io.Writer) error {
	list, err := listProspects(ctx, pool)
	if err != nil {
		return err
	}
	rows := [][]string{{"email", "first_name", "last_name", "phone", "unsubscribed", "prospect_comment", "pr_cd",
		"swa_comment", "created", "converted"}}
	for _, p := range list {
		converted := ""
		if p.Converted != nil {
			converted = p.Converted.UTC().Format(time.RFC3339)
		}
		rows = append(rows, []string{p.Email, p.FirstName, p.LastName, p.Phone, fmt.Sprint(p.Unsubscribed), p.Comment,
			p.Code, p.StaffComment, p.Created.UTC().Format(time.RFC3339), converted})
	}
	return printout.CSV(out, rows)
}

// listChat writes the newest chat messages as CSV, for staff to read and answer.
func listChat(ctx context.Context, pool *pgxpool.Pool, limit int, out io.Writer) error {
	list, err := listChatMessages(ctx, pool, limit)
	if err != nil {
		return err
	}
	rows := [][]string{{"created", "name", "email", "member", "message"}}
	for _, c := range list {
		member := ""
		if c.MemberID != nil {
			member = fmt.Sprint(*c.MemberID)
		}
		rows = append(rows, []string{c.Created.UTC().Format(time.RFC3339), c.Name, c.Email, member, c.Message})
	}
	return printout.CSV(out, rows)
}
