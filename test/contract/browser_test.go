package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// browser is a shopper's client: it keeps cookies as a browser does, has an address of its own, and
// holds every answer against the contract.
type browser struct {
	t       *testing.T
	w       *world
	cookies map[string]string
	address string
}

func (w *world) browser(t *testing.T) *browser {
	n := counter.Add(1)
	return &browser{t: t, w: w, cookies: map[string]string{}, address: fmt.Sprintf("100.64.%d.%d", n/250%250, n%250+1)}
}

// answer is what came back.
type answer struct {
	status  int
	header  http.Header
	body    string
	json    any
	cookies map[string]*http.Cookie
}

// options bend a request.
type option func(*http.Request)

func header(name, value string) option {
	return func(r *http.Request) {
		if value == "" {
			r.Header.Del(name)
		} else {
			r.Header.Set(name, value)
		}
	}
}

// cookie replaces a cookie for one request; "" leaves it out.
func cookie(name, value string) option {
	return func(r *http.Request) {
		var kept []string
		for _, c := range r.Cookies() {
			if c.Name != name {
				kept = append(kept, c.Name+"="+c.Value)
			}
		}
		if value != "" {
			kept = append(kept, name+"="+value)
		}
		r.Header.Set("Cookie", strings.Join(kept, "; "))
	}
}

var client = &http.Client{Timeout: 60 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 20},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// send sends a request as this browser, without looking at the answer.
func (b *browser) send(method, path, body string, options ...option) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.w.shop.URL+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("X-Forwarded-For", b.address)
	var pairs []string
	for name, value := range b.cookies {
		pairs = append(pairs, name+"="+value)
	}
	if len(pairs) > 0 {
		r.Header.Set("Cookie", strings.Join(pairs, "; "))
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
		r.Header.Set("X-CSRFToken", b.cookies["csrftoken"])
	}
	for _, o := range options {
		o(r)
	}
	w, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer w.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(w.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	w.Body = io.NopCloser(bytes.NewReader(text))
	a := answer{status: w.StatusCode, header: w.Header, body: string(text), cookies: map[string]*http.Cookie{}}
	if v, err := decode(a.body); err == nil && strings.HasPrefix(w.Header.Get("Content-Type"), "application/json") {
		a.json = v
	}
	for _, c := range w.Cookies() {
		a.cookies[c.Name] = c
		if c.MaxAge < 0 || !c.Expires.IsZero() && c.Expires.Before(time.Now()) {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	if a.status >= 500 {
		b.t.Errorf("%s %s answered %d %s", method, path, a.status, a.body)
	}
	if a.status == http.StatusOK || method == http.MethodPost && (a.status == http.StatusBadRequest || a.status == http.StatusForbidden) {
		b.check(r, w)
	}
	return a
}

func (b *browser) check(r *http.Request, w *http.Response) {
	b.t.Helper()
	if r.Method == http.MethodGet || r.Method == http.MethodPost {
		if c := b.w.contractOf(r.URL.Path); !strings.HasPrefix(w.Header.Get("Content-Type"), "text/html") && (strings.HasPrefix(r.URL.Path, "/user/") || strings.HasPrefix(r.URL.Path, "/order/") || strings.HasPrefix(r.URL.Path, "/clientevent/")) {
			c.Check(b.t, r, w)
		}
	}
}

func (b *browser) get(path string, options ...option) answer {
	b.t.Helper()
	return b.send(http.MethodGet, path, "", options...)
}

// post sends a form with the token that the browser has; it fetches one first when it has none.
func (b *browser) post(path string, pairs ...string) answer {
	b.t.Helper()
	return b.postWith(path, pairs)
}

func (b *browser) postWith(path string, pairs []string, options ...option) answer {
	b.t.Helper()
	b.token()
	return b.send(http.MethodPost, path, form(pairs...), options...)
}

func (b *browser) token() {
	b.t.Helper()
	if b.cookies["csrftoken"] == "" {
		b.get("/user/token")
	}
}

// is compares a whole answer, HTTP 200, with JSON text in which "*" stands for any text.
func (b *browser) is(a answer, want string) {
	b.t.Helper()
	v, err := decode(want)
	if err != nil {
		b.t.Fatalf("%s: %v", want, err)
	}
	if a.status != http.StatusOK || !alike(v, a.json) {
		b.t.Errorf("answered %d %s\nwant 200 %s", a.status, a.body, want)
		return
	}
	first := func(text string) json.Token {
		d := json.NewDecoder(strings.NewReader(text))
		for range 2 {
			token, err := d.Token()
			if err != nil {
				return nil
			}
			if _, ok := token.(json.Delim); !ok {
				return token
			}
		}
		return nil
	}
	if first(want) != first(a.body) {
		b.t.Errorf("the first key of %s should be %v", a.body, first(want))
	}
}

// has compares one value of an answer: text, bool, nil, or a number written as json.Number.
func (b *browser) has(a answer, want any, path ...string) {
	b.t.Helper()
	if n, ok := want.(int); ok {
		want = json.Number(fmt.Sprint(n))
	}
	if got := a.at(path...); got != want {
		b.t.Errorf("%s is %v (%T), want %v (%T), in %d %s", strings.Join(path, "."), got, got, want, want, a.status, a.body)
	}
}

// refused wants the code that a refusal carries.
func (b *browser) refused(a answer, code string) {
	b.t.Helper()
	if a.status != http.StatusOK {
		b.t.Errorf("answered %d %s, want a refusal with HTTP 200", a.status, a.body)
	}
	b.has(a, code, "errors", "error")
}

func (a answer) at(path ...string) any {
	v := a.json
	for _, key := range path {
		switch at := v.(type) {
		case map[string]any:
			v = at[key]
		case []any:
			var i int
			if _, err := fmt.Sscan(key, &i); err != nil || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}
	return v
}

func (a answer) str(path ...string) string {
	s, ok := a.at(path...).(string)
	if !ok {
		return ""
	}
	return s
}

// keys are the keys of an object in an answer, in the order in which they were sent.
func (a answer) keys(t *testing.T, object string) (keys []string) {
	t.Helper()
	var outer map[string]json.RawMessage
	if err := json.Unmarshal([]byte(a.body), &outer); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(outer[object]))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, fmt.Sprint(key))
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

// want compares two values that need no words.
func want[V comparable](t *testing.T, what string, got, want V) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
