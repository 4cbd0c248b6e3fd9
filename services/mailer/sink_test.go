package mailer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-smtp"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// sink is a real SMTP server that keeps the mails it takes, can refuse on request, and answers
// whether it has seen a Message-ID.
type sink struct {
	t    *testing.T
	addr string
	srv  *smtp.Server
	ask  *httptest.Server

	mu     sync.Mutex
	mails  []taken
	refuse func(stage, who string) error
	asked  int
}

// taken is a mail as it arrived.
type taken struct {
	from       string
	to         []string
	raw        string
	id         string
	subject    string
	text, html string
	header     mail.Header
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{t: t, addr: testenv.Port(t)}
	s.start()
	t.Cleanup(s.stop)
	s.ask = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked++
		n := 0
		for _, m := range s.mails {
			if m.id == r.URL.Query().Get("message_id") {
				n++
			}
		}
		if err := json.NewEncoder(w).Encode(map[string]int{"count": n}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(s.ask.Close)
	return s
}

func (s *sink) start() {
	s.t.Helper()
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &sinkSession{sink: s}, nil }))
	srv.Domain, srv.EnableSMTPUTF8 = "localhost", true
	srv.ErrorLog = discard{}
	s.srv = srv
	go srv.Serve(l) //nolint:errcheck // ends with stop
}

type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}

func (s *sink) stop() { s.srv.Close() } //nolint:errcheck // may be stopped already

func (s *sink) port() int {
	var port int
	_, text, err := net.SplitHostPort(s.addr)
	if err == nil {
		_, err = fmt.Sscan(text, &port)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return port
}

// set makes the sink refuse from now on; nil ends that.
func (s *sink) set(refuse func(stage, who string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = refuse
}

func (s *sink) all() []taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]taken{}, s.mails...)
}

func (s *sink) count() int { return len(s.all()) }

// always refuses with one answer at one stage.
func always(stage string, code int) func(string, string) error {
	return func(at, _ string) error {
		if at == stage {
			return &smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: "says the test"}
		}
		return nil
	}
}

// saying is a refusal with a code and a text.
func saying(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: text}
}

type sinkSession struct {
	sink *sink
	from string
	to   []string
}

func (s *sinkSession) check(stage, who string) error {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	if s.sink.refuse == nil {
		return nil
	}
	return s.sink.refuse(stage, who)
}

func (s *sinkSession) Reset()        { s.from, s.to = "", nil }
func (s *sinkSession) Logout() error { return nil }
func (s *sinkSession) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return s.check("mail", from)
}

func (s *sinkSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.check("rcpt", to); err != nil {
		return err
	}
	s.to = append(s.to, to)
	return nil
}

func (s *sinkSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.check("data", s.to[0]); err != nil {
		return err
	}
	m, err := readMail(string(raw))
	if err != nil {
		return err
	}
	m.from, m.to = s.from, s.to
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	s.sink.mails = append(s.sink.mails, m)
	return nil
}

// readMail parses a mail.
func readMail(raw string) (taken, error) {
	m := taken{raw: raw}
	r, err := mail.CreateReader(strings.NewReader(raw))
	if err != nil {
		return m, err
	}
	m.header = r.Header
	if m.id, err = r.Header.MessageID(); err != nil {
		return m, err
	}
	if m.subject, err = r.Header.Subject(); err != nil {
		return m, err
	}

	for {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return m, err
		}
		body, err := io.ReadAll(p.Body)
		if err != nil {
			return m, err
		}
		text := strings.ReplaceAll(string(body), "\r\n", "\n")
		if strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
			m.html = text
		} else {
			m.text = text
		}
	}
}
