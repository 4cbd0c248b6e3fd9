package mailer

import (
	"context"
	"encoding/json"
	"errors"
	"net/mail"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// written is a content as the ledger keeps it, so that a repeated attempt and a page for staff have
// the same text, whatever became of template, settings and people in the meantime.
type written struct {
	Subject     string   `json:"subject"`
	Text        string   `json:"text"`
	HTML        string   `json:"html,omitempty"`
	FromName    string   `json:"from_name,omitempty"`
	From        string   `json:"from"`
	Bcc         []string `json:"bcc,omitempty"`
	EmCode      string   `json:"em_cd,omitempty"`
	Unsubscribe string   `json:"unsubscribe,omitempty"`
}

func (c content) marshal() []byte {
	data, err := json.Marshal(written{
		Subject:     c.subject,
		Text:        c.text,
		HTML:        c.html,
		FromName:    c.from.Name,
		From:        c.from.Address,
		Bcc:         c.bcc,
		EmCode:      c.emCode,
		Unsubscribe: c.unsubscribe,
	})
	if err != nil {
		panic(err) // texts always marshal
	}
	return data
}

func readWritten(data []byte) (content, error) {
	var w written
	if err := json.Unmarshal(data, &w); err != nil {
		return content{}, errors.New("what was written is not readable") // the decoder's text may repeat it
	}
	return content{subject: w.Subject, text: w.Text, html: w.HTML, from: &mail.Address{Name: w.FromName,
		Address: w.From},
		bcc: w.Bcc, emCode: w.EmCode, unsubscribe: w.Unsubscribe}, nil
}

// keepsWritten reports whether the ledger keeps the mail's own text. A newsletter's text is kept
// once for all receivers.
func (d *delivery) keepsWritten() bool { return d.Written == nil && d.NewsletterID == nil }

// contentOf is the text of a mail: as it was written earlier, or written now for its first
// receiver.
func (s *server) contentOf(ctx context.Context, d *delivery, m msg.SendMail, to string) (content, error) {
	switch {
	case d.Written != nil:
		return readWritten(d.Written)
	case m.Order != nil && orderTemplates[m.Kind] != "":
		return s.writeOrder(ctx, m, to)
	case m.Kind == kindNewsletter:
		return s.writeNewsletter(ctx, d, m)
	}
	return s.writePlain(ctx, m, d.CreatedAt)
}
