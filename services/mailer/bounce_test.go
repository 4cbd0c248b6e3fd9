package mailer

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// bounceBox is a mailbox at a real IMAP server.
type bounceBox struct {
	t    *testing.T
	user *imapmemserver.User
	addr *net.TCPAddr
	last imap.UID
}

// newBounceBox starts a mailbox, with implicit TLS if secure.
func newBounceBox(t *testing.T, secure bool) *bounceBox {
	t.Helper()
	b := &bounceBox{t: t, user: imapmemserver.NewUser("bounces", "secret-word")}
	if err := b.user.Create("INBOX", nil); err != nil {
		t.Fatal(err)
	}

	accounts := imapmemserver.New()
	accounts.AddUser(b.user)
	certificate := httptest.NewTLSServer(nil) // trusted by no one
	t.Cleanup(certificate.Close)
	srv := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return accounts.NewSession(), nil, nil
		},
		InsecureAuth: true, TLSConfig: certificate.TLS, Logger: discard{},
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr, _ = l.Addr().(*net.TCPAddr)
	if secure {
		l = tls.NewListener(l, certificate.TLS)
	}

	go srv.Serve(l)                       //nolint:errcheck // ends with Close
	t.Cleanup(func() { _ = srv.Close() }) // and the listener
	return b
}

// set makes a mailer read this mailbox.
func (b *bounceBox) set(cfg *Config) {
	cfg.MailBounces, cfg.IMAPHost, cfg.IMAPPort, cfg.IMAPTLS = "bounces@shop.example", "127.0.0.1", b.addr.Port, "none"
	cfg.IMAPUsername, cfg.IMAPPassword, cfg.IMAPFolder = "bounces", "secret-word", "INBOX"
}

// put adds a mail to the mailbox.
func (b *bounceBox) put(raw string) {
	b.t.Helper()
	raw = strings.ReplaceAll(raw, "\n", "\r\n")
	at, err := b.user.Append("INBOX", literal{bytes.NewReader([]byte(raw))}, &imap.AppendOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	b.last = at.UID
}

type literal struct{ *bytes.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

// reportOf builds a report about a mail, with the fields of one address; returned is the type of
// its last part.
func reportOf(id, fields, returned string) string {
	return `From: MAILER-DAEMON@mx.example
To: bounces@shop.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

I am sorry.
--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Sat, 28 Nov 2026 10:00:00 +0000

` + fields + `
--b1
Content-Type: ` + returned + `

Subject: News
Message-ID: <` + id + `>
From: shop@shop.example

Hello
--b1--
`
}

func failedAt(address, status string) string {
	return "Final-Recipient: rfc822; " + address + "\nAction: failed\nStatus: " + status + "\n"
}

// A mail that a server accepted and that comes back later ends newsletters to its address, once,
// although other mails to it are accepted in the meantime. Reports that are forged, unrelated,
// broken or huge change nothing.
func TestBouncesThatComeLater(t *testing.T) {
	t.Parallel()
	sink, box := newSink(t), newBounceBox(t, false)
	e := newEnv(t, sink.port(), box.set)
	e.start()
	e.start()
	e.people()
	c := e.campaign("audience", "both")
	c.do("start")
	e.awaitSent(3)
	mail := to(sink, "ada@x.example")[0]
	if mail.from != "bounces@shop.example" {
		t.Errorf("reports go to %q", mail.from)
	}
	bob := to(sink, "bob@x.example")[0].id
	harmless := map[string]string{
		"no report": "From: a@x.example\nSubject: " + bob + "\n\n" + failedAt("bob@x.example", "5.1.1") +
			"\nMessage-ID: <" + bob + ">\n",
		"forged":               reportOf("newsletter.x@shop.example", failedAt("bob@x.example", "5.1.1"), "message/rfc822"),
		"of a mail to another": reportOf(mail.id, failedAt("bob@x.example", "5.1.1"), "message/rfc822"),
		"delayed":              reportOf(bob, "Final-Recipient: rfc822; bob@x.example\nAction: delayed\nStatus: 4.4.1\n", "message/rfc822"),
		"full":                 reportOf(bob, failedAt("bob@x.example", "5.2.2"), "message/rfc822"),
		"refused by policy":    reportOf(bob, failedAt("bob@x.example", "5.7.1"), "message/rfc822"),
		"about the sender":     reportOf(bob, failedAt("bob@x.example", "5.1.8"), "message/rfc822"),
		"generic, policy": reportOf(bob, failedAt("bob@x.example", "5.0.0")+"Diagnostic-Code: smtp; 550 5.7.1 no\n",
			"message/rfc822"),
		"no status": reportOf(bob, failedAt("bob@x.example", "five"), "message/rfc822"),
		"no type":   strings.Replace(reportOf(bob, failedAt("bob@x.example", "5.1.1"), "message/rfc822"), "delivery-status;", "x;", 1),
		"cut off":   reportOf(bob, failedAt("bob@x.example", "5.1.1"), "message/rfc822")[:420],
		"garbage":   "\x00\xff\xfe\n\n\x00" + strings.Repeat("--b1\n", 50),
		"huge": strings.Replace(reportOf(bob, failedAt("bob@x.example", "5.1.1"), "message/rfc822"), "I am sorry.",
			strings.Repeat("I am sorry. ", 300_000), 1),
		"many parts": strings.Replace(reportOf(bob, failedAt("bob@x.example", "5.1.1"), "message/rfc822"), "I am sorry.",
			strings.Repeat("x\n--b1\n\n", 100), 1),
	}
	for _, raw := range harmless {
		box.put(raw)
	}
	read := func(what string) {
		t.Helper()
		e.eventually(what, func() bool { return e.Number(`SELECT coalesce(max(uid), 0) FROM bounce_mailbox`) == int(box.last) })
	}
	read("what is harmless is read")
	if n := e.Number(`SELECT count(*) FROM bounced`) + e.Number(`SELECT count(*) FROM delivery WHERE bounced <> '{}'`); n != 0 {
		t.Fatalf("%d traces of what is not a bounce", n)
	}

	gone := reportOf(mail.id, failedAt("ADA@x.example", "5.1.1 (no such user)"), "text/rfc822-headers")
	box.put(gone)
	box.put(gone)
	box.put(reportOf(to(sink, "pia@x.example")[0].id, "Original-Recipient: rfc822;pia@x.example\nFinal-Recipient: rfc822; p@y.example\n"+
		"Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 no such user\n", "message/rfc822"))
	read("the reports are read")
	if n := e.Number(`SELECT count(*) FROM bounced WHERE late`); n != 2 {
		t.Errorf("%d addresses are gone, want 2", n)
	}
	c.page().Has(200, "<dt>Accepted</dt><dd>1</dd>", "<dt>Bounced</dt><dd>2</dd>")
	e.send("welcome:1", welcome("ada@x.example"))
	e.awaitSent(4)
	e.campaign("audience", "both").receivers().Has(200, "goes to 1 person now")

	// Staff see the bounce and can lift it. The same report does not end newsletters again, even if
	// the whole mailbox is read again.
	path := fmt.Sprint("/staff/mails/", e.Number(`SELECT id FROM delivery WHERE message_id = $1`, mail.id))
	c.staff.Get(path).Has(200, "bounced", "with status 5.1.1", "Send newsletters again")
	e.office(adminui.ReadOnly).Post(path + "/lift").Has(403)
	if a := c.staff.Post(path + "/lift"); a.Status != 303 {
		t.Error(a)
	}
	c.staff.Post(path + "/lift").Has(409)
	validity := e.Number(`SELECT validity FROM bounce_mailbox`)
	e.Exec(`UPDATE bounce_mailbox SET validity = validity + 1`)
	e.Becomes(int(box.last), `SELECT CASE WHEN validity = $1 THEN uid ELSE 0 END FROM bounce_mailbox`, validity)
	e.campaign("audience", "both").receivers().Has(200, "goes to 2 people now")
}

// Only the owner of a mailbox reads it: a wrong password, or a server that cannot prove its name,
// is an error that names neither the password nor mails.
func TestMailboxesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	plain, secure := newBounceBox(t, false), newBounceBox(t, true)
	for name, c := range map[string]struct {
		box   *bounceBox
		set   func(*Config)
		wants string
	}{
		"password":      {plain, func(c *Config) { c.IMAPPassword = "wrong-word" }, "log in"},
		"folder":        {plain, func(c *Config) { c.IMAPFolder = "Elsewhere" }, "open the folder Elsewhere"},
		"starttls":      {plain, func(c *Config) { c.IMAPTLS = "starttls" }, "certificate"},
		"tls":           {secure, func(c *Config) { c.IMAPTLS = "tls" }, "certificate"},
		"no encryption": {plain, func(c *Config) { c.IMAPTLS = "tls" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var cfg Config
			c.box.set(&cfg)
			c.set(&cfg)
			_, err := openMailbox(t.Context(), cfg)
			if err == nil || !strings.Contains(err.Error(), c.wants) || strings.Contains(err.Error(), "-word") {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}
