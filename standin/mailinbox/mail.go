package mailinbox

import (
	"bytes"
	"errors"
	"io"
	"net/textproto"
	"strings"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // character sets of old mails
	"github.com/emersion/go-message/mail"
)

// Limits of what is parsed of a mail; the raw mail is kept completely.
const (
	maxTextBytes = 2 << 20 // of each body
	maxParts     = 200     // of a mail, on all levels
	maxDepth     = 20      // nesting of parts
)

// Mail is one delivery: the same mail sent twice is two Mails with one MessageID.
type Mail struct {
	// ID is the inbox's own, 16 digits; later mails have greater ones.
	ID string `json:"id,omitempty"`
	// MessageID is the header's, without angle brackets; empty if the mail has none.
	MessageID string `json:"message_id"`
	// From and To are the envelope: what MAIL and RCPT said.
	From string   `json:"from"`
	To   []string `json:"to"`
	// HeaderFrom, HeaderTo and Subject are header lines, decoded.
	HeaderFrom string `json:"header_from"`
	HeaderTo   string `json:"header_to"`
	Subject    string `json:"subject"`
	// Date is the header's, zero if missing or unreadable; ReceivedAt is the inbox's clock. Both
	// UTC.
	Date       time.Time `json:"date,omitzero"`
	ReceivedAt time.Time `json:"received_at"`
	// Size is the length of Raw in bytes.
	Size int `json:"size"`
	// Text and HTML are the first bodies of their kind, in UTF-8, up to 2 MiB.
	Text string `json:"text,omitempty"`
	HTML string `json:"html,omitempty"`
	// Attachments lists the other parts.
	Attachments []Attachment `json:"attachments,omitempty"`
	// Headers are all header lines, decoded, under their canonical names.
	Headers map[string][]string `json:"headers,omitempty"`
	// Raw is the mail as it was sent.
	Raw []byte `json:"-"`
}

// Attachment describes a part of a mail that is not its text.
type Attachment struct {
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
}

// head is the mail without what can be parsed from Raw again. Memory holds only the heads.
func (m Mail) head() Mail {
	m.Text, m.HTML, m.Attachments, m.Headers, m.Raw = "", "", nil, nil, nil
	return m
}

// cleanMessageID makes "<a@b>" and "a@b" the same.
func cleanMessageID(id string) string {
	id = strings.TrimSpace(id)
	id = strings.TrimPrefix(id, "<")
	return valid(strings.TrimSuffix(id, ">"))
}

// valid replaces invalid UTF-8, so that pages and JSON are always valid.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// readMail parses as much as it can: no mail is too broken to be shown.
func readMail(raw []byte) Mail {
	m := Mail{Raw: raw, Size: len(raw), Headers: map[string][]string{}}
	e, err := message.Read(bytes.NewReader(raw))
	if e == nil || (err != nil && !decodable(err)) {
		m.Text = valid(string(raw[:min(len(raw), maxTextBytes)]))
		return m
	}

	for f := e.Header.Fields(); f.Next(); {
		v, err := f.Text()
		if err != nil {
			v = f.Value()
		}
		key := textproto.CanonicalMIMEHeaderKey(valid(f.Key()))
		m.Headers[key] = append(m.Headers[key], valid(v))
	}

	m.HeaderFrom = strings.Join(m.Headers["From"], ", ")
	m.HeaderTo = strings.Join(m.Headers["To"], ", ")
	m.Subject = strings.Join(m.Headers["Subject"], " ")
	m.MessageID = cleanMessageID(e.Header.Get("Message-Id"))
	h := mail.Header{Header: e.Header}
	if date, err := h.Date(); err == nil {
		m.Date = date.UTC()
	}
	b := bodyReader{mail: &m}
	b.read(e, 0)
	return m
}

// decodable reports whether a part can be read in spite of err, if only as raw bytes.
func decodable(err error) bool {
	return message.IsUnknownCharset(err) || message.IsUnknownEncoding(err)
}

// bodyReader walks through the parts of a mail.
type bodyReader struct {
	mail    *Mail
	parts   int
	hasText bool
	hasHTML bool
}

func (b *bodyReader) read(e *message.Entity, depth int) {
	b.parts++
	if depth > maxDepth || b.parts > maxParts {
		return
	}
	if mr := e.MultipartReader(); mr != nil {
		for b.parts <= maxParts {
			part, err := mr.NextPart()
			if part == nil || (err != nil && !decodable(err)) {
				return // the end, or broken from here on: the parts before it are shown
			}
			b.read(part, depth+1)
		}
		return
	}
	b.leaf(e)
}

// leaf takes a part as text, as HTML, or as an attachment.
func (b *bodyReader) leaf(e *message.Entity) {
	kind, params, err := e.Header.ContentType()
	if err != nil || kind == "" {
		kind = "text/plain"
	}
	disposition, dispParams, err := e.Header.ContentDisposition()
	attached := err == nil && strings.EqualFold(disposition, "attachment")
	switch {
	case !attached && kind == "text/plain" && !b.hasText:
		b.hasText = true
		b.mail.Text = body(e)
	case !attached && kind == "text/html" && !b.hasHTML:
		b.hasHTML = true
		b.mail.HTML = body(e)
	default:
		name := dispParams["filename"]
		if name == "" {
			name = params["name"]
		}
		b.mail.Attachments = append(b.mail.Attachments, Attachment{Name: valid(name), ContentType: valid(kind)})
	}
}

// body reads a text. If its encoding breaks off, it adds a note after what could be read.
func body(e *message.Entity) string {
	data, err := io.ReadAll(io.LimitReader(e.Body, maxTextBytes))
	text := valid(string(data))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		text += "\n[the rest of this part cannot be decoded]"
	}
	return text
}
