package mailinbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// getJSON gets an address and decodes its answer.
func getJSON(t *testing.T, address string, v any) {
	t.Helper()
	code, body, header := request(t, "GET", address, "")
	if code != 200 || header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Fatalf("%s: %d %s", address, code, body)
	}
	if err := json.Unmarshal([]byte(body), v); err != nil {
		t.Fatal(err)
	}
}

// Each query parameter of the list selects the mails that it should, newest first.
func TestListFiltersMails(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{StateDir: t.TempDir()})
	for i, to := range []string{"ada@example.com", "bob@example.com", "ada@example.com", "dada@example.com"} {
		if err := sendRaw(s, note(fmt.Sprintf("l%d@shop", i), fmt.Sprintf("Order AB%d", i), "text"), to); err != nil {
			t.Fatal(err)
		}
	}

	second := s.Mails()[1].ID
	tests := []struct {
		query string
		want  []string
		total int
	}{
		{"", []string{"l3@shop", "l2@shop", "l1@shop", "l0@shop"}, 4},
		{"to=ADA@example.com", []string{"l2@shop", "l0@shop"}, 2},
		{"subject=ab1", []string{"l1@shop"}, 1},
		{"message_id=" + url.QueryEscape("<l2@shop>"), []string{"l2@shop"}, 1},
		{"since=" + second, []string{"l3@shop", "l2@shop"}, 2},
		{"since=" + second + "&to=ada@example.com", []string{"l2@shop"}, 1},
		{"q=bob", []string{"l1@shop"}, 1},
		{"limit=1", []string{"l3@shop"}, 4},
		{"subject=nothing", []string{}, 0},
	}

	for _, tt := range tests {
		t.Run("?"+tt.query, func(t *testing.T) {
			var got listing
			getJSON(t, s.URL()+"/api/mails?"+tt.query, &got)
			ids := []string{}
			for _, m := range got.Mails {
				ids = append(ids, m.MessageID)
				if m.Text != "text\r\n" {
					t.Errorf("text %q", m.Text)
				}
			}
			if diff := cmp.Diff(tt.want, ids); diff != "" || got.Total != tt.total {
				t.Errorf("total %d, %s", got.Total, diff)
			}
		})
	}

	var brief listing
	getJSON(t, s.URL()+"/api/mails?brief=1", &brief)
	if len(brief.Mails) != 4 || brief.Mails[0].Text != "" || brief.Mails[0].Subject != "Order AB3" {
		t.Errorf("brief: %+v", brief)
	}

	for _, query := range []string{"since=x", "since=-000000000000001", "limit=0", "limit=x", "limit=100000"} {
		if code, body, _ := request(t, "GET", s.URL()+"/api/mails?"+query, ""); code != 400 || !strings.Contains(body, `"error"`) {
			t.Errorf("%q: %d %s", query, code, body)
		}
	}
}

func TestOneMailAndSeenAndDelete(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{StateDir: t.TempDir()})
	for range 2 {
		if err := sendRaw(s, note("one@shop", "One", "text")); err != nil {
			t.Fatal(err)
		}
	}

	want := s.Mails()[0]
	var got Mail
	getJSON(t, s.URL()+"/api/mails/"+want.ID, &got)
	want.Raw = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	var seen struct{ Count int }
	getJSON(t, s.URL()+"/api/seen?message_id=one@shop", &seen)
	if seen.Count != 2 {
		t.Errorf("seen %d times", seen.Count)
	}

	getJSON(t, s.URL()+"/api/seen?message_id=other@shop", &seen)
	if seen.Count != 0 {
		t.Errorf("another: seen %d times", seen.Count)
	}

	for path, status := range map[string]int{
		"/api/seen": 400, "/api/mails/1": 404, "/api/mails/0000000000000001": 404, "/api/mails/..%2f..%2fetc": 404,
		"/api/nothing": 404, "/nothing": 404, "/mails/0000000000000001": 404, "/mails/x/html": 404, "/mails/x/raw": 404,
	} {
		if code, _, _ := request(t, "GET", s.URL()+path, ""); code != status {
			t.Errorf("%s: %d", path, code)
		}
	}

	if code, _, _ := request(t, "DELETE", s.URL()+"/api/mails", ""); code != 204 || len(s.Mails()) != 0 {
		t.Errorf("delete: %d", code)
	}
}

func TestSwitchesOverHTTP(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{})
	const body = `{"refuse":[{"at":"data","code":452,"count":3,"recipient":"ada@example.com"}],"down":false,"lose_reply":{"count":2}}`
	code, answer, _ := request(t, "POST", s.URL()+"/api/switches", body)
	if code != 200 || strings.TrimSpace(answer) != `{"refuse":[{"at":"data","code":452,"recipient":"ada@example.com","count":3}],`+
		`"down":false,"lose_reply":{"count":2}}` {
		t.Errorf("%d %s", code, answer)
	}
	if err := sendRaw(s, note("s@shop", "S", "")); replyCode(err) != 452 {
		t.Errorf("send: %v", err)
	}

	var now Switches
	getJSON(t, s.URL()+"/api/switches", &now)
	if len(now.Refuse) != 1 || now.Refuse[0].Count != 2 {
		t.Errorf("now %+v", now)
	}

	for _, bad := range []string{"", "null", "[]", "{", "{}{}", `{"nonsense":1}`, `{"refuse":[{"at":"rcpt","code":200}]}`,
		`{"stall":{"milliseconds":"x"}}`, strings.Repeat(" ", maxBody+1) + "{}"} {
		if code, answer, _ := request(t, "POST", s.URL()+"/api/switches", bad); code != 400 || !strings.Contains(answer, `"error"`) {
			t.Errorf("%.40q: %d %s", bad, code, answer)
		}
	}

	if got := s.Switches(); len(got.Refuse) != 1 || got.LoseReply == nil {
		t.Errorf("bad input changed the switches: %+v", got)
	}
	if code, _, _ := request(t, "POST", s.URL()+"/api/switches", "{}"); code != 200 || len(s.Switches().Refuse) != 0 {
		t.Errorf("switch all off: %d", code)
	}
}

func TestSwitchesForm(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{})
	post := func(form string) (int, string) {
		code, body, _ := request(t, "POST", s.URL()+"/switches", form, "Content-Type", "application/x-www-form-urlencoded")
		return code, body
	}

	tests := []struct {
		form string
		want Switches
	}{
		{"trouble=rcpt&code=550&count=2&recipient=a@b", Switches{Refuse: []Refusal{{At: AtRcpt, Code: 550, Count: 2, Recipient: "a@b"}}}},
		{"trouble=stall&seconds=60", Switches{Stall: &Stall{Milliseconds: 60000}}},
		{"trouble=down", Switches{Down: true}},
		{"trouble=lose&count=1", Switches{LoseReply: &Times{Count: 1}}},
		{"trouble=drop", Switches{DropAfterReply: &Times{}}},
		{"trouble=none", Switches{}},
	}

	for _, tt := range tests {
		if code, _ := post(tt.form); code != 303 {
			t.Errorf("%s: %d", tt.form, code)
		}
		got := s.Switches()
		for i := range got.Refuse {
			got.Refuse[i].id = 0
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(Refusal{})); diff != "" {
			t.Errorf("%s: %s", tt.form, diff)
		}
	}

	for _, bad := range []string{"", "trouble=x", "trouble=rcpt&code=x", "trouble=rcpt&code=200", "trouble=lose&count=-1", "trouble=%zz"} {
		if code, body := post(bad); code != 400 || !strings.Contains(body, `role="alert"`) {
			t.Errorf("%q: %d", bad, code)
		}
	}
}

func TestOtherSitesCannotChangeAnything(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{})
	for _, path := range []string{"/api/switches", "/switches", "/clear"} {
		code, _, _ := request(t, "POST", s.URL()+path, "{}", "Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site")
		if code != http.StatusForbidden {
			t.Errorf("%s: %d", path, code)
		}
	}
}

func TestPagesEscapeMails(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{StateDir: t.TempDir()})
	evil := `<script>alert(1)</script><img src=x onerror=alert(2)>`
	raw := "From: " + evil + "\r\nTo: " + evil + "\r\nSubject: " + evil + "\r\nX-Evil: " + evil + "\r\nMessage-ID: <" + evil + ">\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n" +
		evil + " javascript:alert(3) http://shop.example/?a=1&b=\"onclick=alert(4) see (http://shop.example/order/1).\r\n" +
		"--b\r\nContent-Type: text/html\r\n\r\n<base href=http://evil.example target=x>" + evil + "\r\n" +
		"--b\r\nContent-Type: image/png; name=\"<script>.png\"\r\n\r\n\r\n--b--\r\n"

	if err := sendRaw(s, raw); err != nil {
		t.Fatal(err)
	}
	id := s.Mails()[0].ID
	for _, path := range []string{"/", "/list", "/?q=" + url.QueryEscape("<script>"), "/mails/" + id, "/mails/" + id + "?view=text",
		"/mails/" + id + "?view=headers", "/mails/" + id + "?view=raw", "/mails/" + id + "?view=%3Cscript%3E"} {
		code, body, header := request(t, "GET", s.URL()+path, "")
		if code != 200 || strings.Contains(body, "<script>") || strings.Contains(body, "<img src=x") {
			t.Errorf("%s: %d\n%s", path, code, body)
		}
		if header.Get("Content-Security-Policy") != pagePolicy || strings.Contains(body, " style=") || strings.Contains(body, "<style") {
			t.Errorf("%s: policy %q", path, header.Get("Content-Security-Policy"))
		}
	}

	_, text, _ := request(t, "GET", s.URL()+"/mails/"+id+"?view=text", "")
	for _, want := range []string{`<a href="http://shop.example/?a=1&amp;b=" rel=`,
		`(<a href="http://shop.example/order/1" rel="noopener noreferrer">http://shop.example/order/1</a>).`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}

	code, body, header := request(t, "GET", s.URL()+"/mails/"+id+"/html", "")
	policy := header.Get("Content-Security-Policy")
	if code != 200 || !strings.HasPrefix(body, `<!doctype html><base target="_top">`) {
		t.Errorf("HTML: %d %s", code, body)
	}

	for _, part := range []string{"default-src 'none'", "base-uri 'none'", "sandbox", "form-action 'none'"} {
		if !strings.Contains(policy, part) || strings.Contains(policy, "allow-scripts") || strings.Contains(policy, "script-src") {
			t.Errorf("HTML policy %q", policy)
		}
	}

	_, rawBody, header := request(t, "GET", s.URL()+"/mails/"+id+"/raw", "")
	if rawBody != raw || !strings.HasPrefix(header.Get("Content-Type"), "text/plain") || header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("raw: %q", rawBody)
	}
}

func TestListPage(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{})
	_, empty, _ := request(t, "GET", s.URL()+"/", "")
	if !strings.Contains(empty, "No mail yet") {
		t.Error("the empty page doesn't say so")
	}

	for _, id := range []string{"first", "second"} {
		if err := sendRaw(s, note(id+"@shop", "The "+id, "")); err != nil {
			t.Fatal(err)
		}
	}

	_, page, _ := request(t, "GET", s.URL()+"/", "")
	if a, b := strings.Index(page, "The second"), strings.Index(page, "The first"); a < 0 || b < a {
		t.Errorf("order of the list: %d, %d", a, b)
	}
	_, found, _ := request(t, "GET", s.URL()+"/?q=FIRST", "")
	if strings.Contains(found, "The second") || !strings.Contains(found, "The first") {
		t.Error("search")
	}

	for path, kind := range map[string]string{"/favicon.ico": "image/svg+xml", "/static/favicon.svg": "image/svg+xml",
		"/static/inbox.css": "text/css", "/static/list.js": "text/javascript", "/healthz": "application/json"} {
		if code, _, header := request(t, "GET", s.URL()+path, ""); code != 200 || !strings.HasPrefix(header.Get("Content-Type"), kind) {
			t.Errorf("%s: %d %s", path, code, header.Get("Content-Type"))
		}
	}

	if code, _, header := request(t, "POST", s.URL()+"/clear", ""); code != 303 || header.Get("Location") != "/" || len(s.Mails()) != 0 {
		t.Errorf("clear: %d", code)
	}
}
