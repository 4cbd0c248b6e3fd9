package mailinbox

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gomail "github.com/wneessen/go-mail"
)

func splitAddr(t *testing.T, addr string) (string, int) {
	t.Helper()
	host, p, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(p)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

func TestStandardLibraryClient(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{})
	raw := note("a.1@shop", "Hello", ".a line with a dot\r\nsecond")
	if err := sendRaw(s, raw, "ada@example.com", "bob@example.com"); err != nil {
		t.Fatal(err)
	}
	m := await(t, s, withID("a.1@shop"))
	want := Mail{ID: m.ID, MessageID: "a.1@shop", From: "shop@example.com", To: []string{"ada@example.com", "bob@example.com"},
		HeaderFrom: "Shop <shop@example.com>", HeaderTo: "Ada <ada@example.com>", Subject: "Hello",
		Date: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), ReceivedAt: m.ReceivedAt, Size: len(raw),
		Text: ".a line with a dot\r\nsecond\r\n", Headers: m.Headers, Raw: []byte(raw)}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
	if got := m.Headers["Message-Id"]; !cmp.Equal(got, []string{"<a.1@shop>"}) {
		t.Errorf("headers: %q", m.Headers)
	}
	if d := time.Since(m.ReceivedAt); d < 0 || d > time.Minute || m.ReceivedAt.Location() != time.UTC {
		t.Errorf("received at %v", m.ReceivedAt)
	}
}

func TestGoMailWithCredentials(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{StateDir: t.TempDir()})
	c := client(t, s, gomail.WithSMTPAuth(gomail.SMTPAuthPlain), gomail.WithUsername("any"), gomail.WithPassword("thing"))
	if se := sendErr(t, c, letter(t, "order.1@shop", "ada@example.com")); se != nil {
		t.Fatal(se)
	}
	m := await(t, s, withID("order.1@shop"))
	if m.Subject != "Ihre Bestellung – danke ✓" || !strings.Contains(m.HeaderFrom, "StartUpWebApp") {
		t.Errorf("subject %q, from %q", m.Subject, m.HeaderFrom)
	}
	if !strings.Contains(m.Text, "Order AB12") || !strings.Contains(m.HTML, "12,50 €") {
		t.Errorf("text %q, HTML %q", m.Text, m.HTML)
	}
}

func TestAnnouncedExtensions(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{})
	c, err := smtp.Dial(s.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, name := range []string{"8BITMIME", "SMTPUTF8", "AUTH"} {
		if ok, _ := c.Extension(name); !ok {
			t.Errorf("%s is not announced", name)
		}
	}
	if _, size := c.Extension("SIZE"); size != strconv.Itoa(maxMailBytes) {
		t.Errorf("SIZE %s", size)
	}
	if err := errors.Join(c.Mail("shop@example.com"), c.Rcpt("Žofie@příklad.example")); err != nil {
		t.Errorf("international address: %v", err)
	}
}

func TestSizeLimit(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{StateDir: t.TempDir()})
	line := strings.Repeat("x", 998) + "\r\n"
	big := note("nine@shop", "9 MB", strings.Repeat(line, 9<<20/1000))
	if err := sendRaw(s, big); err != nil {
		t.Fatal(err)
	}
	m := await(t, s, withID("nine@shop"))
	if !bytes.Equal(m.Raw, []byte(big)) {
		t.Errorf("kept %d of %d bytes, or others", len(m.Raw), len(big))
	}
	if len(m.Text) != maxTextBytes {
		t.Errorf("text of %d bytes", len(m.Text))
	}
	err := sendRaw(s, note("eleven@shop", "11 MB", strings.Repeat(line, 11<<20/1000)))
	if te, ok := errors.AsType[*textproto.Error](err); !ok || te.Code != 552 {
		t.Errorf("11 MB: %v", err)
	}
	if n := len(s.Mails()); n != 1 {
		t.Errorf("%d mails", n)
	}
}

func TestInterruptedMailIsNotKept(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{})
	c, err := smtp.Dial(s.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Mail("a@example.com"), c.Rcpt("b@example.com")); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}

	if _, err := fmt.Fprint(w, note("half@shop", "Half", "a mail that")); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := sendRaw(s, note("next@shop", "Next", "")); err != nil {
		t.Fatal(err)
	}

	await(t, s, withID("next@shop"))
	if s.Seen("half@shop") != 0 {
		t.Error("half a mail was kept")
	}
}

func TestDuplicatesAreSeparateDeliveries(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{})
	for range 3 {
		if err := sendRaw(s, note("twin@shop", "Twin", "again")); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Seen("<twin@shop>"); n != 3 {
		t.Errorf("seen %d times", n)
	}
	mails := s.Mails()
	if len(mails) != 3 || mails[0].ID >= mails[1].ID || mails[1].ID >= mails[2].ID {
		t.Errorf("%d mails", len(mails))
	}
}

// Mails of fifty parallel senders are all kept, each once.
func TestManySendersAtOnce(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{StateDir: t.TempDir()})
	const senders, each = 50, 4
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for j := range each {
				id := fmt.Sprintf("m.%d.%d@shop", i, j)
				if err := sendRaw(s, note(id, "Many", id), fmt.Sprintf("p%d@example.com", i)); err != nil {
					t.Errorf("%s: %v", id, err)
				}
			}
		})
	}

	wg.Wait()
	mails := s.Mails()
	if len(mails) != senders*each {
		t.Fatalf("%d mails of %d", len(mails), senders*each)
	}

	for i, m := range mails {
		if s.Seen(m.MessageID) != 1 || !strings.Contains(m.Text, m.MessageID) {
			t.Errorf("mail %s: seen %d times, text %q", m.MessageID, s.Seen(m.MessageID), m.Text)
		}
		if i > 0 && mails[i-1].ID >= m.ID {
			t.Errorf("ids %s and %s are out of order", mails[i-1].ID, m.ID)
		}
	}
}

// The error says whether SMTP or the page lacks its port.
func TestTakenPortNamesTheSide(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{})
	if _, err := New(Config{SMTPAddr: s.SMTPAddr()}); err == nil || !strings.Contains(err.Error(), "SMTP") {
		t.Errorf("taken SMTP port: %v", err)
	}
	if _, err := New(Config{HTTPAddr: strings.TrimPrefix(s.URL(), "http://")}); err == nil || !strings.Contains(err.Error(), "page") {
		t.Errorf("taken HTTP port: %v", err)
	}
}

func TestGarbageIsAnsweredAndSurvived(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{})
	conn, err := net.Dial("tcp", s.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	tc := textproto.NewConn(conn)
	if _, _, err := tc.ReadResponse(220); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"\xff\xfe\x00", "MAIL FROM:<a@b>", "EHLO", "AUTH NONSENSE"} {
		if err := tc.PrintfLine("%s", line); err != nil {
			t.Fatal(err)
		}
		if _, _, err := tc.ReadResponse(5); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
	if err := sendRaw(s, note("after@shop", "After", "")); err != nil {
		t.Fatal(err)
	}
}
