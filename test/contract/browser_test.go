package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// browser is a shopper's client: it keeps cookies as a browser does, has an address of its own, and
// holds every answer against the contract.
type browser struct {
	*testenv.Client
	e       *env
	cookies map[string]string
	address string
}

func (e *env) browser(t *testing.T) *browser {
	n := counter.Add(1)
	return &browser{
		Client:  &testenv.Client{TB: t, URL: e.shop.URL},
		e:       e,
		cookies: map[string]string{},
		address: fmt.Sprintf("100.64.%d.%d", n/250%250, n%250+1),
	}
}

// option changes a request.
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

// send sends a request as this browser and checks the answer against the contract.
func (b *browser) send(method, path, body string, options ...option) testenv.Answer {
	b.TB.Helper()
	r := b.Body(method, path, body)
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

	a := b.Do(r)
	for _, c := range a.Cookies() {
		if c.MaxAge < 0 || !c.Expires.IsZero() && c.Expires.Before(time.Now()) {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}

	if a.Status >= 500 {
		b.TB.Error(a)
	}
	if a.Status == http.StatusOK || method == http.MethodPost && (a.Status == http.StatusBadRequest || a.Status == http.StatusForbidden) {
		b.check(a)
	}
	return a
}

func (b *browser) check(a testenv.Answer) {
	b.TB.Helper()
	path := a.Request.URL.Path
	described := strings.HasPrefix(path, "/user/") || strings.HasPrefix(path, "/order/") || strings.HasPrefix(path, "/clientevent/")
	asked := a.Request.Method == http.MethodGet || a.Request.Method == http.MethodPost
	if described && asked && !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		b.e.contractOf(path).CheckAnswer(a)
	}
}

func (b *browser) get(path string, options ...option) testenv.Answer {
	b.TB.Helper()
	return b.send(http.MethodGet, path, "", options...)
}

// post sends a form with the token that the browser has; it fetches one first when it has none.
func (b *browser) post(path string, pairs ...string) testenv.Answer {
	b.TB.Helper()
	return b.postWith(path, pairs)
}

func (b *browser) postWith(path string, pairs []string, options ...option) testenv.Answer {
	b.TB.Helper()
	b.token()
	return b.send(http.MethodPost, path, testenv.Form(pairs...).Encode(), options...)
}

func (b *browser) token() {
	b.TB.Helper()
	if b.cookies["csrftoken"] == "" {
		b.get("/user/token")
	}
}

// wantRefusal wants an error code in an answer with HTTP 200.
func (b *browser) wantRefusal(a testenv.Answer, code string) {
	b.TB.Helper()
	if a.Status != http.StatusOK {
		b.TB.Errorf("answered %d %s, want a refusal with HTTP 200", a.Status, a.Body)
	}
	a.Want(code, "errors", "error")
}

// isJSON reports whether an answer is a JSON object and declared as JSON.
func isJSON(a testenv.Answer) bool {
	return a.At() != nil && strings.HasPrefix(a.Header.Get("Content-Type"), "application/json")
}

// keysOf are the keys of an object in an answer, in the order of the answer.
func keysOf(t *testing.T, a testenv.Answer, object string) (keys []string) {
	t.Helper()
	var outer map[string]json.RawMessage
	if err := json.Unmarshal([]byte(a.Body), &outer); err != nil {
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

// want compares two values.
func want[V comparable](t *testing.T, what string, got, want V) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
