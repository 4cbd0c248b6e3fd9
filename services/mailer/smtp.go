package mailer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/startupwebapp/startupwebapp/pkg/email"
)

const (
	dialTimeout = 10 * time.Second // connection, greeting, TLS and login; go-mail waits for at most twice this
	sendTimeout = 30 * time.Second // one mail
	// idleTTL is shorter than any server's patience with an idle connection.
	idleTTL = 5 * time.Second
)

// outcome is the result of an attempt.
type outcome int

const (
	outcomeSent     outcome = iota // the server has taken the mail
	outcomeRefused                 // the server will never take it
	outcomeDeferred                // not now, and surely not taken
	outcomeUnknown                 // the connection broke between the mail's end and the answer
	outcomeAway                    // no connection, or no login
)

// result is an outcome with the server's answer.
type result struct {
	outcome outcome
	code    int    // 0 without an answer
	reply   string // may name a receiver's address: for the ledger, not for logs
	// gone are the receivers that the server does not know, though it may have taken the mail for
	// others.
	gone []string
}

// conn is one sender's connection. It gives the few SMTP commands itself, because go-mail's Send
// does not say which receiver was refused, and fails a mail that was taken if the next command
// fails.
type conn struct {
	client *gomail.Client
	conn   *smtp.Client
	used   time.Time
}

func newConn(cfg Config) (*conn, error) {
	options := []gomail.Option{gomail.WithPort(cfg.SMTPPort), gomail.WithTimeout(dialTimeout)}
	switch cfg.SMTPTLS {
	case "none":
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	case "tls":
		options = append(options, gomail.WithSSL())
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if cfg.SMTPUsername != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(cfg.SMTPUsername), gomail.WithPassword(cfg.SMTPPassword))
	}
	client, err := gomail.NewClient(cfg.SMTPHost, options...)
	if err != nil {
		return nil, fmt.Errorf("set up the mail client: %w", err)
	}
	return &conn{client: client}, nil
}

// quitTimeout bounds QUIT.
const quitTimeout = time.Second

// close ends the connection, politely if the server still listens.
func (c *conn) close() {
	if c.conn == nil {
		return
	}
	if err := c.conn.UpdateDeadline(quitTimeout); err != nil || c.conn.Quit() != nil {
		c.drop()
	}
	c.conn = nil
}

// drop ends the connection in whatever state it is.
func (c *conn) drop() {
	if c.conn != nil {
		c.conn.Close() //nolint:errcheck,gosec // it is broken or about to be
		c.conn = nil
	}
}

// closeIdle ends a connection that was not used for idleTTL.
func (c *conn) closeIdle() {
	if c.conn != nil && time.Since(c.used) > idleTTL {
		c.close()
	}
}

// envelope has the sender and the receivers as the server is told.
type envelope struct {
	from string
	to   []string
	bcc  []string // left out silently if refused
}

// send hands one mail to the server. A connection that broke since the last mail is replaced once:
// the server has heard nothing of this mail then.
func (c *conn) send(ctx context.Context, e envelope, m *gomail.Msg) result {
	reused := c.conn != nil
	r, early := c.try(ctx, e, m)
	if reused && early && r.outcome == outcomeDeferred && c.conn == nil {
		r, _ = c.try(ctx, e, m)
	}
	c.used = time.Now()
	return r
}

// try makes one attempt; early reports that it ended before the first RCPT.
func (c *conn) try(ctx context.Context, e envelope, m *gomail.Msg) (r result, early bool) {
	if c.conn == nil {
		conn, err := c.client.DialToSMTPClientWithContext(ctx)
		if err != nil {
			return result{outcome: outcomeAway, reply: err.Error()}, true
		}
		c.conn = conn
	}
	if err := c.conn.UpdateDeadline(sendTimeout); err != nil {
		return c.failed(err), true
	}
	if err := c.conn.Mail("<" + email.Path(e.from) + ">"); err != nil {
		return c.failed(err), true
	}
	gone, r, ok := c.receivers(e)
	if ok {
		r = c.data(m)
	}
	r.gone = gone
	return r, false
}

// receivers names the receivers. A permanent refusal of one does not keep the mail from the others:
// people who move to a new address must get the mail there although the old one is gone.
func (c *conn) receivers(e envelope) (gone []string, r result, ok bool) {
	taken := 0
	var last result
	for _, to := range e.to {
		err := c.conn.Rcpt("<" + email.Path(to) + ">")
		if err == nil {
			taken++
			continue
		}
		last = c.failed(err)
		if last.outcome != outcomeRefused || c.conn == nil {
			return gone, c.reset(last), false // all or nothing: the next try is for all
		}
		if last.noSuchAddress() {
			gone = append(gone, to)
		}
	}

	if taken == 0 {
		return gone, c.reset(last), false
	}
	for _, to := range e.bcc {
		if err := c.conn.Rcpt("<" + email.Path(to) + ">"); err != nil {
			if r := c.failed(err); c.conn == nil {
				return gone, r, false
			}
		}
	}

	return gone, result{}, true
}

// noSuchAddress reports whether the answer to RCPT means that the mailbox does not exist (RFC 5321,
// 4.2.3; RFC 7504), rather than that the server refuses us: status 5.7.x is about its policy (RFC
// 3463, 3.8).
func (r result) noSuchAddress() bool {
	switch r.code {
	case 550, 551, 553, 556:
		return !strings.HasPrefix(strings.TrimPrefix(r.reply, strconv.Itoa(r.code)+" "), "5.7.")
	}
	return false
}

// reset clears the envelope for the next mail.
func (c *conn) reset(r result) result {
	if c.conn != nil && c.conn.Reset() != nil {
		c.drop()
	}
	return r
}

// data sends the mail itself. Until its last line is out the mail is surely not taken; from there
// on only the server's answer tells.
func (c *conn) data(m *gomail.Msg) result {
	w, err := c.conn.Data()
	if err != nil {
		return c.failed(err)
	}
	if _, err := m.WriteTo(w); err != nil {
		c.drop() // without the final dot nothing was sent
		return result{outcome: outcomeDeferred, reply: "the connection broke while the mail was written"}
	}
	if err := w.Close(); err != nil {
		r := c.failed(err)
		if r.code == 0 {
			r.outcome = outcomeUnknown
		}
		return r
	}
	r := result{outcome: outcomeSent, code: 250}
	if dc, ok := w.(*smtp.DataCloser); ok {
		r.reply = clean(dc.ServerResponse())
	}
	return r
}

// failed reads the error of a command, and drops a connection that has become useless.
func (c *conn) failed(err error) result {
	answer, ok := errors.AsType[*textproto.Error](err)
	if !ok {
		c.drop()
		return result{outcome: outcomeDeferred, reply: "no answer: " + clean(networkText(err))}
	}
	r := result{
		outcome: outcomeDeferred,
		code:    answer.Code,
		reply:   fmt.Sprintf("%d %s", answer.Code, clean(answer.Msg)),
	}
	switch answer.Code {
	case 421: // the server closes the connection
		c.drop()
	case 530, 534, 535, 538: // about our login, not about the mail
		c.drop()
		r.outcome = outcomeAway
	default:
		if answer.Code >= 500 {
			r.outcome = outcomeRefused
		}
	}
	return r
}

func networkText(err error) string {
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return "timeout"
	}
	return err.Error()
}
