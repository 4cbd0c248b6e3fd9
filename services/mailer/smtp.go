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
	dialLimit = 10 * time.Second // connection, greeting, TLS and login; go-mail counts it twice at most
	sendLimit = 30 * time.Second // one mail
	// idleLimit is shorter than any server's patience with an idle connection.
	idleLimit = 5 * time.Second
)

// outcome is what became of an attempt.
type outcome int

const (
	sent     outcome = iota // the server has taken the mail
	refused                 // the server will not take it, ever
	deferred                // not now; surely not taken
	unknown                 // the connection broke between the mail's end and the answer
	away                    // no connection, or no login
)

// result is an outcome with what the server said.
type result struct {
	outcome outcome
	code    int    // 0 without an answer
	reply   string // may name a receiver's address: for the ledger, not for logs
	// gone are the receivers whom the server does not have, though it may have taken the mail for others.
	gone []string
}

// conn is one sender's connection. go-mail's own Send does not say which receiver was refused, and
// calls a mail failed that was taken when the next command fails; so the few commands are given here.
type conn struct {
	client *gomail.Client
	conn   *smtp.Client
	used   time.Time
}

func newConn(cfg Config) (*conn, error) {
	options := []gomail.Option{gomail.WithPort(cfg.SMTPPort), gomail.WithTimeout(dialLimit)}
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

// goodbyeTime bounds the goodbye to a mail server.
const goodbyeTime = time.Second

// close says goodbye, politely if the server still listens.
func (l *conn) close() {
	if l.conn == nil {
		return
	}
	if err := l.conn.UpdateDeadline(goodbyeTime); err != nil || l.conn.Quit() != nil {
		l.drop()
	}
	l.conn = nil
}

// drop ends the connection whatever state it is in.
func (l *conn) drop() {
	if l.conn != nil {
		l.conn.Close() //nolint:errcheck,gosec // broken or about to be
		l.conn = nil
	}
}

// closeIdle ends a connection that was not used for a while.
func (l *conn) closeIdle() {
	if l.conn != nil && time.Since(l.used) > idleLimit {
		l.close()
	}
}

// envelope is who a mail is from and for, as the server is told.
type envelope struct {
	from string
	to   []string
	bcc  []string // dropped silently when refused
}

// send hands one mail to the server. A connection left from the mail before that broke meanwhile is
// replaced once; nothing has been said about this mail then.
func (l *conn) send(ctx context.Context, e envelope, m *gomail.Msg) result {
	reused := l.conn != nil
	r, early := l.try(ctx, e, m)
	if reused && early && r.outcome == deferred && l.conn == nil {
		r, _ = l.try(ctx, e, m)
	}
	l.used = time.Now()
	return r
}

// try is one attempt; early says that it ended with MAIL FROM.
func (l *conn) try(ctx context.Context, e envelope, m *gomail.Msg) (r result, early bool) {
	if l.conn == nil {
		conn, err := l.client.DialToSMTPClientWithContext(ctx)
		if err != nil {
			return result{outcome: away, reply: err.Error()}, true
		}
		l.conn = conn
	}
	if err := l.conn.UpdateDeadline(sendLimit); err != nil {
		return l.failed(err), true
	}
	if err := l.conn.Mail("<" + email.Path(e.from) + ">"); err != nil {
		return l.failed(err), true
	}
	gone, r, ok := l.receivers(e)
	if ok {
		r = l.data(m)
	}
	r.gone = gone
	return r, false
}

// receivers names the receivers. One refused for good does not keep the mail from the others: who
// moves to a new address must get the mail there although the old one is gone.
func (l *conn) receivers(e envelope) (gone []string, r result, ok bool) {
	taken := 0
	var last result
	for _, to := range e.to {
		err := l.conn.Rcpt("<" + email.Path(to) + ">")
		if err == nil {
			taken++
			continue
		}
		last = l.failed(err)
		if last.outcome != refused || l.conn == nil {
			return gone, l.reset(last), false // all or nothing: the next try is for all
		}
		if last.noSuchAddress() {
			gone = append(gone, to)
		}
	}
	if taken == 0 {
		return gone, l.reset(last), false
	}
	for _, to := range e.bcc {
		if err := l.conn.Rcpt("<" + email.Path(to) + ">"); err != nil {
			if r := l.failed(err); l.conn == nil {
				return gone, r, false
			}
		}
	}
	return gone, result{}, true
}

// noSuchAddress reports whether the answer to RCPT means that there is no such mailbox (RFC 5321, 4.2.3; RFC 7504), and
// not that the server refuses us: status 5.7.x is about its policy (RFC 3463, 3.8).
func (r result) noSuchAddress() bool {
	switch r.code {
	case 550, 551, 553, 556:
		return !strings.HasPrefix(strings.TrimPrefix(r.reply, strconv.Itoa(r.code)+" "), "5.7.")
	}
	return false
}

// reset clears the envelope for the next mail.
func (l *conn) reset(r result) result {
	if l.conn != nil && l.conn.Reset() != nil {
		l.drop()
	}
	return r
}

// data sends the mail itself. Until its last line is out it is surely not taken; from there on only
// the server's answer tells.
func (l *conn) data(m *gomail.Msg) result {
	w, err := l.conn.Data()
	if err != nil {
		return l.failed(err)
	}
	if _, err := m.WriteTo(w); err != nil {
		l.drop() // without the final dot nothing was sent
		return result{outcome: deferred, reply: "the connection broke while the mail was written"}
	}
	if err := w.Close(); err != nil {
		r := l.failed(err)
		if r.code == 0 {
			r.outcome = unknown
		}
		return r
	}
	r := result{outcome: sent, code: 250}
	if dc, ok := w.(*smtp.DataCloser); ok {
		r.reply = clean(dc.ServerResponse())
	}
	return r
}

// failed reads an error of one command, and drops a connection that is of no use any more.
func (l *conn) failed(err error) result {
	answer, ok := errors.AsType[*textproto.Error](err)
	if !ok {
		l.drop()
		return result{outcome: deferred, reply: "no answer: " + clean(networkText(err))}
	}
	r := result{outcome: deferred, code: answer.Code, reply: fmt.Sprintf("%d %s", answer.Code, clean(answer.Msg))}
	switch answer.Code {
	case 421: // closing
		l.drop()
	case 530, 534, 535, 538: // about our login, not about the mail
		l.drop()
		r.outcome = away
	default:
		if answer.Code >= 500 {
			r.outcome = refused
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
