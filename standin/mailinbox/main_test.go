package mailinbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/smtp"
	"testing"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// start runs an inbox on free ports until the test ends, or until the returned function is called.
func start(t *testing.T, cfg Config) (*Server, func()) {
	t.Helper()
	cfg.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stopped := false
	stop := func() {
		t.Helper()
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("Run did not end")
		}
	}
	t.Cleanup(stop)
	return s, stop
}

// sendRaw delivers a mail with the standard library's client.
func sendRaw(s *Server, raw string, to ...string) error {
	if len(to) == 0 {
		to = []string{"ada@example.com"}
	}
	return smtp.SendMail(s.SMTPAddr(), nil, "shop@example.com", to, []byte(raw))
}

// note is a small well-formed mail.
func note(id, subject, text string) string {
	return fmt.Sprintf("From: Shop <shop@example.com>\r\nTo: Ada <ada@example.com>\r\nSubject: %s\r\nMessage-ID: <%s>\r\n"+
		"Date: Sun, 22 Nov 2026 09:00:00 +0100\r\n\r\n%s\r\n", subject, id, text)
}

// client is go-mail set up as the mailer sets it up.
func client(t *testing.T, s *Server, opts ...gomail.Option) *gomail.Client {
	t.Helper()
	host, port := splitAddr(t, s.SMTPAddr())
	opts = append([]gomail.Option{gomail.WithPort(port), gomail.WithTLSPolicy(gomail.NoTLS), gomail.WithTimeout(30 * time.Second)}, opts...)
	c, err := gomail.NewClient(host, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// letter is a mail with text and HTML, as the mailer builds them.
func letter(t *testing.T, id string, to string) *gomail.Msg {
	t.Helper()
	m := gomail.NewMsg()
	if err := errors.Join(m.FromFormat("StartUpWebApp", "shop@example.com"), m.To(to)); err != nil {
		t.Fatal(err)
	}
	m.Subject("Ihre Bestellung – danke ✓")
	m.SetMessageIDWithValue(id)
	m.SetDateWithValue(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	m.SetBodyString(gomail.TypeTextPlain, "Order AB12 is on its way: http://127.0.0.1:8080/order/AB12.\n")
	m.AddAlternativeString(gomail.TypeTextHTML, `<p>Order <a href="http://127.0.0.1:8080/order/AB12">AB12</a> · 12,50 €</p>`)
	return m
}

// sendErr sends one mail over a new connection and returns go-mail's own error.
func sendErr(t *testing.T, c *gomail.Client, m *gomail.Msg) *gomail.SendError {
	t.Helper()
	if err := c.DialWithContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := c.Send(m)
	if err == nil {
		return nil
	}
	se, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		t.Fatalf("error of kind %T: %v", err, err)
	}
	return se
}

func withID(id string) func(Mail) bool { return func(m Mail) bool { return m.MessageID == id } }

// await waits for a mail.
func await(t *testing.T, s *Server, match func(Mail) bool) Mail {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	m, err := s.Wait(ctx, match)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func set(t *testing.T, s *Server, sw Switches) {
	t.Helper()
	if err := s.SetSwitches(sw); err != nil {
		t.Fatal(err)
	}
}

// request asks the HTTP side and returns status, body and headers.
func request(t *testing.T, method, url, body string, header ...string) (int, string, http.Header) {
	t.Helper()
	c := &testenv.Client{TB: t}
	r := c.Body(method, url, body)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a := c.Do(r)
	return a.Status, a.Body, a.Header
}
