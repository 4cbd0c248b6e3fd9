package mailinbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// hostile are mails that try to break the parser.
var hostile = map[string]string{
	"empty":                  "",
	"no header":              "just a line",
	"no body":                "Subject: x\r\n",
	"no Message-ID":          "Subject: x\r\n\r\nbody",
	"header only of junk":    "\x00\xff: \xfe\r\n\r\n\xff\xfe",
	"no boundary":            "Content-Type: multipart/mixed\r\n\r\n--\r\n\r\nx\r\n----\r\n",
	"boundary never comes":   "Content-Type: multipart/mixed; boundary=b\r\n\r\nnothing",
	"unfinished multipart":   "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhalf",
	"broken content type":    "Content-Type: ;;;=/\r\n\r\nstill text",
	"unknown charset":        "Content-Type: text/plain; charset=klingon-1\r\n\r\nqapla' \xe4",
	"unknown encoding":       "Content-Transfer-Encoding: rot13\r\nContent-Type: text/plain\r\n\r\nuryyb",
	"bad base64":             "Content-Transfer-Encoding: base64\r\nContent-Type: text/html\r\n\r\n!!!not base64!!!",
	"bad quoted-printable":   "Content-Transfer-Encoding: quoted-printable\r\nContent-Type: text/plain\r\n\r\n=ZZ=\r\n=",
	"bad encoded word":       "Subject: =?utf-8?b?////?= =?nope?q?x?=\r\n\r\n",
	"endless nesting":        nested(200),
	"very many parts":        "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 5000) + "--b--\r\n",
	"very long header":       "Subject: " + strings.Repeat("x", 2<<20) + "\r\n\r\nbody",
	"very many header lines": strings.Repeat("X-A: b\r\n", 20000) + "\r\nbody",
	"bare line feeds":        "Subject: x\n\nbody\n",
	"two subjects":           "Subject: one\r\nSubject: two\r\n\r\n",
}

func nested(depth int) string {
	var b strings.Builder
	for i := range depth {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	return b.String() + "\r\ninside"
}

// checkMail asserts what must hold for every mail, however broken.
func checkMail(t *testing.T, raw []byte) Mail {
	t.Helper()
	m := readMail(raw)
	data, err := json.Marshal(m)
	if err != nil || !utf8.Valid(data) {
		t.Errorf("JSON: %v", err)
	}
	for _, s := range []string{m.MessageID, m.Subject, m.HeaderFrom, m.HeaderTo, m.Text, m.HTML} {
		if !utf8.ValidString(s) {
			t.Errorf("not UTF-8: %q", s)
		}
	}
	if m.Size != len(raw) || len(m.Text) > 2*maxTextBytes || len(m.Attachments) > maxParts {
		t.Errorf("size %d, text %d, %d attachments", m.Size, len(m.Text), len(m.Attachments))
	}
	return m
}

func TestHostileMailsAreRead(t *testing.T) {
	t.Parallel()
	for name, raw := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkMail(t, []byte(raw))
		})
	}
}

// FuzzReadMail searches for a mail that breaks the parser.
func FuzzReadMail(f *testing.F) {
	for _, raw := range hostile {
		if len(raw) < 1<<16 {
			f.Add([]byte(raw))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) { checkMail(t, raw) })
}

func TestHostileMailsAreKeptAndShown(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{StateDir: t.TempDir()})
	for name, raw := range hostile {
		if name == "very long header" {
			continue // a line longer than the server reads
		}
		if err := sendRaw(s, raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	mails := s.Mails()
	if len(mails) != len(hostile)-1 {
		t.Errorf("%d mails of %d", len(mails), len(hostile)-1)
	}

	for _, m := range mails {
		for _, path := range []string{"", "/html", "/raw", "?view=text", "?view=headers", "?view=raw"} {
			if code, body, _ := request(t, "GET", s.URL()+"/mails/"+m.ID+path, ""); code != 200 || (path == "" && !utf8.ValidString(body)) {
				t.Errorf("mail %q%s: %d", m.Subject, path, code)
			}
		}
		if code, _, _ := request(t, "GET", s.URL()+"/api/mails/"+m.ID, ""); code != 200 {
			t.Errorf("mail %q as JSON: %d", m.Subject, code)
		}
	}

	if code, _, _ := request(t, "GET", s.URL()+"/", ""); code != 200 {
		t.Errorf("list: %d", code)
	}
}

func TestCharsetsAndEncodings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ raw, subject, text string }{
		"Latin 1": {"Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\nGr\xfc\xdfe",
			"Grüße", "Grüße"},
		"Japanese": {"Content-Type: text/plain; charset=ISO-2022-JP\r\n\r\n\x1b$B$3$s$K$A$O\x1b(B", "", "こんにちは"},
		"quoted-printable": {"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n12,50 " +
			"=E2=82=AC=\r\n!", "", "12,50 €!"},
		"base64":          {"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n4pyT\r\n", "", "✓"},
		"eight bits bare": {"Subject: Grüße\r\n\r\nGrüße", "Grüße", "Grüße"},
	}
	for name, tt := range tests {
		m := readMail([]byte(tt.raw))
		if m.Subject != tt.subject || m.Text != tt.text {
			t.Errorf("%s: subject %q, text %q", name, m.Subject, m.Text)
		}
	}
}

func TestAttachmentsAreListed(t *testing.T) {
	t.Parallel()
	m := readMail([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=terms.txt\r\n\r\nterms\r\n" +
		"--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n" +
		"--b\r\nContent-Type: application/pdf; name=bill.pdf\r\n\r\n%PDF\r\n--b--\r\n"))
	if m.Text != "hello" || len(m.Attachments) != 2 || m.Attachments[0].Name != "terms.txt" || m.Attachments[1].Name != "bill.pdf" {
		t.Errorf("text %q, attachments %+v", m.Text, m.Attachments)
	}
}
