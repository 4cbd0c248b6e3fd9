package mailer

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	htmltemplate "html/template"
	"maps"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

//go:embed templates
var templateFiles embed.FS

// The blocks that stand for some names in braces of the mails that are not about an order, as text
// and as HTML.
var (
	plainText = template.Must(template.New("").ParseFS(templateFiles, "templates/blocks.tmpl"))
	plainHTML = htmltemplate.Must(htmltemplate.New("").ParseFS(templateFiles, "templates/blocks.html"))
)

// plainBlocks are the names of these blocks.
var plainBlocks = []string{"foot", "undo_information", "accounts_lead", "accounts", "items", "note"}

// letter is a mail ready to be sent.
type letter struct {
	envelope envelope
	message  *gomail.Msg
	content  content
}

// plainData is the data of the blocks of plain mails.
type plainData struct {
	Shop, ShopURL, Contact                                               string
	FirstName, LastName, Username, Email, OldEmail, Code, UndoCode, Time string
	ClosedUsername                                                       string
	// Accounts has a line for each account that the mail is about, if there may be several.
	Accounts []string
	Amount   string   // amount of a payment
	Items    []string // lines of what the payment is for
	Note     []string // lines that a member of staff wrote
}

// write renders a delivery. Errors other than the database's are about the mail itself: they are
// stored as the reason, so they hold no personal data.
func (s *server) write(ctx context.Context, d *delivery) (letter, error) {
	m, to, err := s.readCommand(d)
	if err != nil {
		return letter{}, err
	}
	if m, err = s.forReader(ctx, d, m); err != nil {
		return letter{}, err
	}
	c, err := s.contentOf(ctx, d, m, to[0])
	if err != nil {
		return letter{}, err
	}
	c.replyTo = s.answersTo()
	if m.Kind == msg.MailChatAnswer { // the customer answers a person
		c.replyTo, c.personal = s.staffAddress, true
		for _, key := range m.Earlier {
			c.thread = append(c.thread, s.messageID(m.Kind, key))
		}
	}
	return letter{
		envelope: envelope{from: s.envelopeFrom(c), to: to, bcc: c.bcc},
		message:  s.message(d, to, c), content: c,
	}, nil
}

// readCommand reads the command of a delivery, and the addresses that the mail goes to.
func (s *server) readCommand(d *delivery) (m msg.SendMail, to []string, err error) {
	if d.Payload == nil {
		return m, nil, errors.New("its content was dropped")
	}
	if err := json.Unmarshal(d.Payload, &m); err != nil {
		return m, nil, errors.New("the command is not readable")
	}
	if to, err = s.receivers(m); err != nil {
		return m, nil, err
	}
	to = slices.DeleteFunc(to, func(a string) bool { return slices.Contains(d.LeftOut, s.hash(a)) })
	if len(to) == 0 { // SHOP_SECRET was changed, or the row was edited by hand
		return m, nil, errors.New("none of its receivers is left")
	}
	return m, to, nil
}

// content is what differs between mails.
type content struct {
	subject, text, html string
	from, replyTo       *mail.Address
	bcc                 []string
	emCode              string
	campaign            int64 // id and name of a newsletter's campaign
	campaignName        string
	unsubscribe         string   // link of the unsubscribe button of mail programs
	personal            bool     // a person wrote the mail, so it is not marked automatic
	thread              []string // Message-IDs of the earlier mails, the first one first
}

// writePlain fills the template of a mail that is not about an order.
func (s *server) writePlain(ctx context.Context, m msg.SendMail, at time.Time) (content, error) {
	t, err := plainTemplate(ctx, s.pool, m.Kind)
	if err != nil {
		return content{}, err
	}
	return s.fillPlain(m, at, t)
}

// fillPlain fills a template with a command that was given at a time.
func (s *server) fillPlain(m msg.SendMail, at time.Time, t mailTemplate) (content, error) {
	p := s.newPlainData(m, at)
	values := map[string]string{
		"shop_name": p.Shop, "ENVIRONMENT_DOMAIN": p.ShopURL, "contact": p.Contact, "first_name": p.FirstName,
		"last_name": p.LastName, "username": p.Username, "email": p.Email, "old_email": p.OldEmail, "code": p.Code,
		"time": p.Time, "amount": p.Amount, "closed_username": p.ClosedUsername,
	}
	links := s.automaticLinks(m)
	maps.Copy(values, links)

	var texts, marks []string
	for name, value := range values {
		texts = append(texts, "{"+name+"}", value)
		marks = append(marks, "{"+name+"}", html.EscapeString(value))
	}

	ofText, err := filled(plainText.ExecuteTemplate, plainBlocks, p, t.Subject+t.BodyText)
	if err != nil {
		return content{}, err
	}
	ofMarkup, err := filled(plainHTML.ExecuteTemplate, plainBlocks, p, t.BodyHTML)
	if err != nil {
		return content{}, err
	}

	// Each is filled in one pass, so that braces in the values stay as they are.
	text, markup := strings.NewReplacer(append(texts, ofText...)...), strings.NewReplacer(append(marks, ofMarkup...)...)
	c := content{subject: text.Replace(t.Subject), text: text.Replace(t.BodyText), html: markup.Replace(t.BodyHTML),
		from: s.sender(), unsubscribe: links["unsubscribe_link"]}
	if links != nil {
		c.emCode = m.Kind
	}

	return c, nil
}

// newPlainData returns the data of the blocks and names of a plain mail.
func (s *server) newPlainData(m msg.SendMail, at time.Time) plainData {
	data := make(map[string]string, len(m.Data))
	accounts := []string{clean(m.Data["username"])} // an older command names one account
	if lines := m.Data["accounts"]; lines != "" {
		accounts = strings.Split(lines, "\n")
		for i := range accounts {
			accounts[i] = clean(accounts[i])
		}
	}

	for name, value := range m.Data {
		data[name] = clean(value)
	}
	email := data["email"]
	if email == "" && len(m.To) > 0 {
		email = m.To[0]
	}

	p := plainData{
		Shop:           s.shop(),
		ShopURL:        s.cfg.PublicURL,
		Contact:        s.replyTo.Address,
		FirstName:      data["first_name"],
		LastName:       data["last_name"],
		Username:       data["username"],
		Email:          email,
		OldEmail:       data["old_email"],
		ClosedUsername: data["closed_username"],
		Accounts:       accounts,
		Code:           linkCode(data["code"]),
		UndoCode:       linkCode(data["undo_code"]),
		Time:           at.UTC().Format("2 January 2006, 15:04 UTC"),
	}
	if m.Payment != nil {
		p.Amount = s.amount(m.Payment.Total)
		for _, l := range m.Payment.Lines {
			p.Items = append(p.Items, strconv.Itoa(l.Quantity)+" × "+joined(", ", l.Product, l.Color, l.Size))
		}
	}
	if m.Note != "" {
		for line := range strings.SplitSeq(m.Note, "\n") {
			p.Note = append(p.Note, clean(line))
		}
	}

	return p
}

// message builds a mail. All that could differ between two attempts is derived from the delivery,
// so that a repeat is the same mail, byte for byte.
func (s *server) message(d *delivery, to []string, c content) *gomail.Msg {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	sum := sha256.Sum256([]byte(d.MessageID))
	m.SetBoundary("part." + hex.EncodeToString(sum[:12]))
	m.FromMailAddress(c.from)
	addresses := make([]*mail.Address, len(to))
	for i, a := range to {
		addresses[i] = &mail.Address{Address: a}
	}

	m.ToMailAddress(addresses...)
	m.ReplyToMailAddress(c.replyTo)
	m.Subject(clean(c.subject))
	m.SetMessageIDWithValue(d.MessageID)
	if n := len(c.thread); n > 0 {
		m.SetGenHeader("In-Reply-To", "<"+c.thread[n-1]+">")
		m.SetGenHeader("References", "<"+strings.Join(c.thread, "> <")+">")
	}

	m.SetDateWithValue(d.CreatedAt.UTC())
	if !c.personal {
		m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: auto-responders need not answer
	}
	if c.unsubscribe != "" {
		m.SetGenHeader("List-Unsubscribe", "<"+c.unsubscribe+">")
		m.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") // RFC 8058: edge answers the POST
	}

	m.SetBodyString(gomail.TypeTextPlain, c.text)
	if c.html != "" {
		m.AddAlternativeString(gomail.TypeTextHTML, c.html)
	}

	return m
}

// clean makes one line of a text from outside. Control characters, line and paragraph separators
// and bidirectional overrides become blanks, so that the text cannot begin a header or a line of
// ours, nor read backwards.
func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029',
			r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd")))
}

// linkCode is a code escaped for a link. Our own codes need no escaping, and pages read them
// without decoding.
func linkCode(s string) string {
	if strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:") == "" {
		return s
	}
	return url.QueryEscape(s)
}

// doneMessage is the message about what became of a mail.
func (s *server) doneMessage(d *delivery, emCode, reason string) msg.MailDone {
	m := msg.MailDone{Key: d.Key, Kind: d.Kind, EmailCode: emCode, Reason: reason, At: time.Now().UTC()}
	if d.MemberID != nil {
		m.MemberID = *d.MemberID
	}
	if d.ProspectCode != nil {
		m.ProspectCode = *d.ProspectCode
	}
	return m
}

// parkedKey differs for each parking of a mail: staff may have a parked mail tried again.
func parkedKey(d *delivery) string { return fmt.Sprintf("mail.parked:%s:%d", d.Key, d.Attempts) }
