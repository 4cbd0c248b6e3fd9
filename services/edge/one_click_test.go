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

// A mail host posts without cookies and without a CSRF token, in either kind of form, and from
// anywhere; an incomplete request changes nothing.
func TestOneClickUnsubscribing(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.user.on("POST /internal/unsubscribe", func(rw http.ResponseWriter, r seen) {
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
		{method: "POST", query: "?em_cd=E&mb_cd=M&token=M1", kind: form, body: good, status: 200, asked: 1},
		{method: "POST", query: "?em_cd=E&pr_cd=M&pr_token=P1", kind: form, body: good, status: 200, asked: 1},
		{method: "POST", query: "?token=M1", kind: m.FormDataContentType(), body: parts.String(), status: 200, asked: 1},
		{method: "POST", query: "?token=M1", kind: form, body: good, origin: "https://mail.example", status: 200, asked: 1},
		{method: "POST", query: "?token=unknown", kind: form, body: good, status: 404, asked: 1},
		{method: "POST", kind: form, body: good, status: 404, asked: 1},
		{method: "POST", query: "?token=broken", kind: form, body: good, status: 503, asked: 1},
		{method: "POST", query: "?token=M1", kind: form, status: 400},
		{method: "POST", query: "?token=M1", kind: form, body: "List-Unsubscribe=no", status: 400},
		{method: "POST", query: "?token=%ff", kind: form, body: good, status: 400},
		{method: "POST", query: "?token=M1", kind: form, body: strings.Repeat("a=b&", 1<<16), status: 413},
		{method: "GET", query: "?token=M1", status: 200},
		{method: "HEAD", query: "?token=M1", status: 200},
		{method: "GET", query: "?token=M1&List-Unsubscribe=One-Click", status: 200},
		{method: "PUT", query: "?token=M1", kind: form, body: good, status: 405},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, e.url+oneClickPath+c.query, strings.NewReader(c.body))
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
		if n := e.user.count("/internal/unsubscribe"); answer.StatusCode != c.status || n != calls || len(answer.Cookies()) != 0 {
			t.Errorf("%s %s %.60s: %d, asked %d times in all, want %d and %d; cookies %v", c.method, c.query, c.body, answer.StatusCode, n,
				c.status, calls, answer.Cookies())
		}
	}

	if last := e.user.last(); last.id.Member() || last.URL.Query().Has("em_cd") {
		t.Errorf("user was asked %s by %+v", last.URL, last.id)
	}
}
