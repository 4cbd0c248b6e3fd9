package mailer

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// The seeded order confirmations, for orders that name no template or one that is gone.
const (
	memberConfirmation  = "gvREoqen93ffZsmBIc8zl"
	visitorConfirmation = "FpGyZy6kld9R2XTjqvBQN"
)

// mailTemplate is a mail that staff may edit.
type mailTemplate struct {
	EmCd        string
	Subject     string
	BodyHTML    string `db:"body_html"`
	BodyText    string
	FromAddress string
	BccAddress  string
}

// findTemplate reads the template with this code, or else the seeded one of the kind.
func findTemplate(ctx context.Context, pool *pgxpool.Pool, code, kind string) (mailTemplate, error) {
	seeded := visitorConfirmation
	if kind == msg.MailOrderMember {
		seeded = memberConfirmation
	}
	rows, err := pool.Query(ctx, `
		SELECT em_cd, subject, body_html, body_text, from_address, bcc_address FROM template
		WHERE em_cd IN ($1, $2) ORDER BY em_cd = $1 DESC LIMIT 1`, code, seeded)
	if err != nil {
		return mailTemplate{}, fmt.Errorf("find template %s: %w", seeded, err)
	}
	t, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[mailTemplate])
	if errors.Is(err, pgx.ErrNoRows) {
		return mailTemplate{}, errors.New("there is no template " + seeded)
	}
	if err != nil {
		return mailTemplate{}, fmt.Errorf("find template %s: %w", seeded, err)
	}
	return t, nil
}

// linkCodes are the codes in a mail's links.
type linkCodes struct{ member, prospect, prospectToken string }

// findCodes completes the codes that the command gives with what is known of the receiver.
func findCodes(ctx context.Context, pool *pgxpool.Pool, m msg.SendMail) (linkCodes, error) {
	c := linkCodes{member: m.MemberCode, prospect: m.ProspectCode}
	err := pool.QueryRow(ctx, `
		SELECT coalesce((SELECT code FROM recipient WHERE kind = 'member' AND id = $1), ''),
			coalesce((SELECT token FROM recipient WHERE kind = 'prospect' AND code = $2 AND $2 <> '' AND NOT unsubscribed LIMIT 1), '')`,
		m.MemberID, m.ProspectCode).Scan(&c.member, &c.prospectToken)
	if err != nil {
		return linkCodes{}, fmt.Errorf("find a receiver's codes: %w", err)
	}
	if m.MemberCode != "" {
		c.member = m.MemberCode
	}
	return c, nil
}
