package mailer

import (
	"cmp"
	"context"
	"errors"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// The seeded order confirmations, for orders that name no template or a deleted one.
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
	Code        string `db:"em_cd" json:"em_cd"`
	Subject     string `json:"subject"`
	Type        string `json:"type"`
	Status      string `json:"status"`
	BodyText    string `json:"body_text"`
	BodyHTML    string `db:"body_html" json:"body_html"`
	FromAddress string `json:"from_address"`
	BccAddress  string `json:"bcc_address"`
}

// templateColumnsSQL are the columns of mailTemplate.
const templateColumnsSQL = `em_cd, subject, type, status, body_text, body_html, from_address, bcc_address`

// findTemplate reads the template with this code, otherwise the seeded one of the kind.
func findTemplate(ctx context.Context, db pg.DB, code, kind string) (mailTemplate, error) {
	seeded := orderTemplates[kind]
	t, found, err := pg.One[mailTemplate](ctx, db, "find template $2", `
		SELECT `+templateColumnsSQL+` FROM template
		WHERE em_cd IN ($1, $2) ORDER BY em_cd = $1 DESC LIMIT 1`, code, seeded)
	if err == nil && !found {
		err = errors.New("there is no template " + seeded)
	}
	return t, err
}

// plainTemplate is the template of a kind that is not about an order: the staff's version, or the
// built-in one.
func plainTemplate(ctx context.Context, db pg.DB, kind string) (mailTemplate, error) {
	k, known := kindOf(kind)
	if !known || k.sample == nil {
		return mailTemplate{}, errors.New("the kind of mail is unknown")
	}
	t, found, err := pg.One[mailTemplate](ctx, db, "find template $1", `
		SELECT `+templateColumnsSQL+` FROM template WHERE em_cd = $1`, k.template())
	if err == nil && !found {
		t = k.builtIn()
	}
	return t, err
}

// linkCodes are the codes in a mail's links.
type linkCodes struct{ member, prospect, prospectToken string }

// findTemplateAndCodes is findTemplate for a command about an order. It completes the command's
// codes with those of the receiver.
func findTemplateAndCodes(ctx context.Context, db pg.DB, m msg.SendMail) (mailTemplate, linkCodes, error) {
	seeded := orderTemplates[m.Kind]
	row, found, err := pg.One[struct {
		mailTemplate
		Member, ProspectToken string
	}](ctx, db, "find template $2", `
		SELECT `+templateColumnsSQL+`,
		  coalesce((SELECT code FROM recipient WHERE kind = 'member' AND id = $3), '') AS member,
		  coalesce((SELECT token FROM recipient
		    WHERE kind = 'prospect' AND code = $4 AND $4 <> '' AND NOT unsubscribed LIMIT 1), '') AS prospect_token
		FROM template WHERE em_cd IN ($1, $2) ORDER BY em_cd = $1 DESC LIMIT 1`, m.Order.EmailCode, seeded, m.MemberID,
		m.ProspectCode)
	if err == nil && !found {
		err = errors.New("there is no template " + seeded)
	}
	return row.mailTemplate, linkCodes{member: cmp.Or(m.MemberCode, row.Member), prospect: m.ProspectCode,
		prospectToken: row.ProspectToken}, err
}
