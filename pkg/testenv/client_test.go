package testenv

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// echo answers what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		panic(err)
	}
	http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes"})
	_, err := r.Cookie("seen")
	fmt.Fprintf(w, `{"method":%q,"path":%q,"b":%s,"member":%d,"seen":%t,"lang":%q}`, //nolint:errcheck // a test's answer
		r.Method, r.URL.Path, strings.ReplaceAll(fmt.Sprintf("%q", r.Form["b"]), " ", ","), web.Who(r).MemberID, err == nil,
		r.Header.Get("Accept-Language"))
}

// A client asks a handler or a server with its identity, headers and cookies, and checks each
// answer.
func TestClient(t *testing.T) {
	t.Parallel()
	key := web.Key([]byte("a secret of the tests, long enough"), "identity")
	handler := web.RequireIdentity(key)(http.HandlerFunc(echo))
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}

	checked := 0
	for name, c := range map[string]*Client{"handler": {Handler: handler}, "server": {URL: server.URL, Jar: jar}} {
		c.TB, c.Key, c.Header = t, key, http.Header{"Accept-Language": {"de"}}
		c.Check = func(*http.Request, *http.Response) { checked++ }
		got := c.Get("/x", "b", "1", "b", "2")
		got.Is(`{"method":"GET","path":"/x","b":["1","2"],"member":0,"seen":false,"lang":"*"}`)
		if cookie := got.Cookie("seen"); cookie == nil || cookie.Value != "yes" || got.Cookie("other") != nil {
			t.Errorf("%s: cookies %v", name, got.Header)
		}
		got = c.As(web.Identity{MemberID: 7}).Post("/x", "b", "1")
		got.Has(http.StatusOK, `"method":"POST"`, `"member":7`, fmt.Sprintf(`"seen":%t`, c.Jar != nil))
		if c.MemberID != 0 {
			t.Errorf("%s: As changed the client", name)
		}
		c.Key = nil
		c.Get("/x").Has(http.StatusUnauthorized)
	}

	if checked != 6 {
		t.Errorf("%d answers checked", checked)
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	const body = `{"a":{"b":[{"c":"x"},{"c":3}]},"d":2.5,"e":null,"f":"<\u003c"}`
	f := &failures{TB: t}
	answer := func(status int, body string) Answer {
		f.n = 0
		return Answer{TB: f, Request: httptest.NewRequest(http.MethodGet, "/x", nil), Status: status, Body: body}
	}
	for what, test := range map[string]struct {
		bad   bool
		check func(good, refused Answer)
	}{
		"a text":               {check: func(a, _ Answer) { a.Want("x", "a", "b", "0", "c") }},
		"a whole number":       {check: func(a, _ Answer) { a.Want(3, "a", "b", "1", "c") }},
		"a fraction":           {check: func(a, _ Answer) { a.Want(2.5, "d") }},
		"nothing there":        {check: func(a, _ Answer) { a.Want(nil, "a", "b", "2", "c") }},
		"another value":        {bad: true, check: func(a, _ Answer) { a.Want("y", "a", "b", "0", "c") }},
		"a value of a refusal": {bad: true, check: func(_, r Answer) { r.Want(2.5, "d") }},
		"the same body":        {check: func(a, _ Answer) { a.Is(body) }},
		"a body with white space": {check: func(a, _ Answer) {
			a.Is("{\"a\":{\"b\":[ {\"c\":\"*\"},{\"c\":3}]},\n\"d\":2.5,\"e\":null,\"f\":\"<\\u003c\"}")
		}},
		"a number for a star": {bad: true, check: func(a,
			_ Answer) {
			a.Is(`{"a":{"b":[{"c":"x"},{"c":"*"}]},"d":2.5,"e":null,"f":"<\u003c"}`)
		}},
		"another order": {bad: true, check: func(a,
			_ Answer) {
			a.Is(`{"d":2.5,"a":{"b":[{"c":"x"},{"c":3}]},"e":null,"f":"<\u003c"}`)
		}},
		"a text escaped apart": {bad: true, check: func(a,
			_ Answer) {
			a.Is(`{"a":{"b":[{"c":"x"},{"c":3}]},"d":2.5,"e":null,"f":"<<"}`)
		}},
		"a key too few":          {bad: true, check: func(a, _ Answer) { a.Is(`{"a":{"b":[{"c":"x"},{"c":3}]},"d":2.5,"e":null}`) }},
		"the body of a refusal":  {bad: true, check: func(_, r Answer) { r.Is(body) }},
		"parts":                  {check: func(_, r Answer) { r.Has(400, `"d":2.5`, "null") }},
		"a part that is missing": {bad: true, check: func(a, _ Answer) { a.Has(200, "2.6") }},
		"another status":         {bad: true, check: func(a, _ Answer) { a.Has(400) }},
		"a golden body":          {check: func(a, _ Answer) { a.Golden("testdata/answer.json", "half", "2.5", "same", "2.5") }},
		"another golden body":    {bad: true, check: func(_, _ Answer) { answer(200, `{"a":1}`).Golden("testdata/answer.json") }},
	} {
		if test.bad && *update {
			continue
		}
		test.check(answer(200, body), answer(400, body))
		if (f.n > 0) != test.bad {
			t.Errorf("%s: %d complaints", what, f.n)
		}
	}

	if text := answer(200, body).Text("a", "b", "0", "c"); text != "x" {
		t.Errorf("text %q", text)
	}
}
