package mailer

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// The seeded order confirmations, for orders that name no template or one that is gone.
const (
	memberConfirmation  = "gvREoqen93ffZsmBIc8zl"
	visitorConfirmation = "FpGyZy6kld9R2XTjqvBQN"
)

// orderTemplates are the seeded templates of the mails about orders, by kind.
var orderTemplates = map[string]string{
	msg.MailOrderMember: memberConfirmation, msg.MailOrderVisitor: visitorConfirmation,
	msg.MailOrderShipped: "iqTDAc8JhIQyg73rtu7UO", msg.MailOrderRefunded: "XxvKKimizGBBl264sB3oe",
	msg.MailOrderCanceled: "QF7uyedG40BFKlUvE2cBE", msg.MailOrderNote: "fkiPtP3djJvoyvdtVXHeP",
}

// mailTemplate is a mail that staff may edit.
type mailTemplate struct {
	EmCd        string `json:"em_cd"`
	Subject     string `json:"subject"`
	Type        string `json:"type"`
	Status      string `json:"status"`
	BodyText    string `json:"body_text"`
	BodyHTML    string `db:"body_html" json:"body_html"`
	FromAddress string `json:"from_address"`
	BccAddress  string `json:"bcc_address"`
}

// templateColumns are the columns of mailTemplate.
const templateColumns = ` em_cd, subject, type, status, body_text, body_html, from_address, bcc_address `

// findTemplate reads the template with this code, or else the seeded one of the kind.
func findTemplate(ctx context.Context, db pg.DB, code, kind string) (mailTemplate, error) {
	seeded := orderTemplates[kind]
	t, found, err := pg.One[mailTemplate](ctx, db, "find template $2", `
		SELECT`+templateColumns+`FROM template
		WHERE em_cd IN ($1, $2) ORDER BY em_cd = $1 DESC LIMIT 1`, code, seeded)
	if err == nil && !found {
		err = errors.New("there is no template " + seeded)
	}
	return t, err
}

// plainTemplate is the template of a kind that is about no order: what staff made of it, or the built-in one.
func plainTemplate(ctx context.Context, db pg.DB, kind string) (mailTemplate, error) {
	k, known := kindOf(kind)
	if !known || k.sample == nil {
		return mailTemplate{}, errors.New("the kind of mail is unknown")
	}
	t, found, err := pg.One[mailTemplate](ctx, db, "find template $1", `
		SELECT`+templateColumns+`FROM template WHERE em_cd = $1`, k.template())
	if err == nil && !found {
		t = k.builtIn()
	}
	return t, err
}

// linkCodes are the codes in a mail's links.
type linkCodes struct{ member, prospect, prospectToken string }

// findCodes completes the codes that the command gives with what is known of the receiver.
func findCodes(ctx context.Context, pool *pgxpool.Pool, m msg.SendMail) (linkCodes, error) {
	c := linkCodes{member: m.MemberCode, prospect: m.ProspectCode}
	err := pool.QueryRow(ctx, `
		SELECT coalesce((SELECT code FROM recipient WHERE kind = 'member' AND id = $1), ''),
			coalesce((SELECT token FROM recipient WHERE kind = 'prospect' AND code = $2 AND $2 <> ''
			  AND NOT unsubscribed LIMIT 1), '')`,
		m.MemberID, m.ProspectCode).Scan(&c.member, &c.prospectToken)
	if err != nil {
		return linkCodes{}, fmt.Errorf("find a receiver's codes: %w", err)
	}
	if m.MemberCode != "" {
		c.member = m.MemberCode
	}
	return c, nil
}
