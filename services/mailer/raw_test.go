package mailer

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// raw is an SMTP server that misbehaves: it loses replies and closes connections at the worst
// moment. Each mail gets the next fault of the list, or none when the list is empty.
type raw struct {
	t      *testing.T
	l      net.Listener
	ask    *httptest.Server
	mu     sync.Mutex
	faults []string
	ids    []string // Message-IDs of the mails that it took
	wholes []string
	tries  int
	deaf   bool // MAIL_SEEN_URL answers 500
}

func newRaw(t *testing.T, faults ...string) *raw {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &raw{t: t, l: l, faults: faults}
	t.Cleanup(func() { l.Close() }) //nolint:errcheck // the test is over

	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.serve(c)
		}
	}()

	r.ask = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.deaf {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, `{"count":%d}`, strings.Count(" "+strings.Join(r.ids, " ")+" ", " "+q.URL.Query().Get("message_id")+" "))
	}))

	t.Cleanup(r.ask.Close)
	return r
}

func (r *raw) port() int { return r.l.Addr().(*net.TCPAddr).Port } //nolint:forcetypeassert // it listens on TCP

func (r *raw) next() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tries++
	if len(r.faults) == 0 {
		return ""
	}
	f := r.faults[0]
	r.faults = r.faults[1:]
	return f
}

func (r *raw) took() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ids)
}

func (r *raw) serve(c net.Conn) {
	defer c.Close() //nolint:errcheck // tests only need it closed
	in := bufio.NewReader(c)
	say := func(format string, args ...any) { fmt.Fprintf(c, format+"\r\n", args...) } //nolint:errcheck // the client may be gone
	say("220 raw")

	fault := ""
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb := strings.ToUpper(strings.TrimSpace(line))
		if strings.HasPrefix(verb, "MAIL") {
			fault = r.next()
		}
		stage, code, _ := strings.Cut(fault, " ")
		verb, _, _ = strings.Cut(verb, " ")
		if stage == "close@"+verb {
			return
		}
		if stage == verb {
			say("%s says the test", code)
			if code == "421" {
				return
			}
			continue
		}
		switch verb {
		case "DATA":
			say("354 go on")
			if stage == "close-in-data" {
				in.ReadString('\n') //nolint:errcheck // the first line was enough
				return
			}
			whole, err := readData(in)
			if err != nil {
				return
			}
			if stage == "END" {
				say("%s says the test", code)
				continue
			}
			if stage != "lose-and-forget" {
				r.keep(whole)
			}
			if stage == "lose-reply" || stage == "lose-and-forget" {
				return
			}
			say("250 taken")
			if stage == "close-after-250" {
				return
			}
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

func (r *raw) keep(whole string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, err := readMail(whole)
	if err != nil {
		r.t.Error(err)
	}
	r.ids = append(r.ids, m.id)
	r.wholes = append(r.wholes, whole)
}

func readData(in *bufio.Reader) (string, error) {
	var whole strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return "", err
		}
		if line == ".\r\n" {
			return whole.String(), nil
		}
		whole.WriteString(strings.TrimPrefix(line, "."))
	}
}
