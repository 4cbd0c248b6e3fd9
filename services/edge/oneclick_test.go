package edge

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// A mail host posts without cookies and without a token of forms, in either kind of form, and from
// wherever it likes; whatever does less changes nothing.
func TestOneClickUnsubscribing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user.on("POST /internal/unsubscribe", func(rw http.ResponseWriter, r seen) {
		switch q := r.URL.Query(); {
		case q.Get("token") == "M1" || q.Get("pr_token") == "P1":
			io.WriteString(rw, `{"unsubscribed":true}`) //nolint:errcheck // a test's answer
		case q.Get("token") == "broken":
			web.Fail(rw, r.Request, io.ErrUnexpectedEOF)
		default:
			web.Fail(rw, r.Request, web.NotFound())
		}
	})
	const form, good = "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"
	var parts bytes.Buffer
	m := multipart.NewWriter(&parts)
	if err := m.WriteField("List-Unsubscribe", "One-Click"); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, c := range []struct {
		method, query, kind, body, origin string
		status, asked                     int
	}{
		{"POST", "?em_cd=E&mb_cd=M&token=M1", form, good, "", 200, 1},
		{"POST", "?em_cd=E&pr_cd=M&pr_token=P1", form, good, "", 200, 1},
		{"POST", "?token=M1", m.FormDataContentType(), parts.String(), "", 200, 1},
		{"POST", "?token=M1", form, good, "https://mail.example", 200, 1},
		{"POST", "?token=unknown", form, good, "", 404, 1},
		{"POST", "", form, good, "", 404, 1},
		{"POST", "?token=broken", form, good, "", 503, 1},
		{"POST", "?token=M1", form, "", "", 400, 0},
		{"POST", "?token=M1", form, "List-Unsubscribe=no", "", 400, 0},
		{"POST", "?token=%ff", form, good, "", 400, 0},
		{"POST", "?token=M1", form, strings.Repeat("a=b&", 1<<16), "", 413, 0},
		{"GET", "?token=M1", "", "", "", 200, 0},
		{"HEAD", "?token=M1", "", "", "", 200, 0},
		{"GET", "?token=M1&List-Unsubscribe=One-Click", "", "", "", 200, 0},
		{"PUT", "?token=M1", form, good, "", 405, 0},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, w.url+oneClickPath+c.query, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.kind != "" {
			r.Header.Set("Content-Type", c.kind)
		}
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close() //nolint:errcheck // not read
		calls += c.asked
		if n := w.user.count("/internal/unsubscribe"); answer.StatusCode != c.status || n != calls || len(answer.Cookies()) != 0 {
			t.Errorf("%s %s %.60s: %d, asked %d times in all, want %d and %d; cookies %v", c.method, c.query, c.body, answer.StatusCode, n, c.status, calls, answer.Cookies())
		}
	}
	if last := w.user.last(); last.id.Member() || last.URL.Query().Has("em_cd") {
		t.Errorf("user was asked %s by %+v", last.URL, last.id)
	}
}
