package contract

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

const (
	origin   = "https://www.shop.example" // a frontend on another host
	password = "Secret!word"

	verifyLink = "/account/?email_verification_code="
	resetLink  = "/set-new-password?password_reset_code="
)

// world is one running shop and the contract that its answers are held against.
type world struct {
	shop              *shoptest.Shop
	edge, user, order *testenv.Contract
	mails             func(to string) []shoptest.Mail
}

func newWorld(t *testing.T, env ...string) *world {
	t.Helper()
	shop := shoptest.Start(t, shoptest.Options{Env: append([]string{"ALLOWED_ORIGINS=" + origin}, env...)})
	w := &world{
		shop:  shop,
		edge:  testenv.NewContract(t, "../../services/edge/openapi.yaml"),
		user:  testenv.NewContract(t, "../../services/user/openapi.yaml"),
		order: testenv.NewContract(t, "../../services/order/openapi.yaml"),
	}
	w.mails = shop.Mails
	return w
}

var counter atomic.Int64

// name is a username, or the local part of an address, that no one else has.
func name(stem string) string { return fmt.Sprintf("%s%d", stem, counter.Add(1)) }

func email() string { return name("pat") + "@mail.example.com" }

// try runs tests in parallel, each with the shop.
func try(t *testing.T, w *world, tests map[string]func(*testing.T, *world)) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, w)
		})
	}
}

// The way Go's own runner goes: one shop for all that can share one.
func TestOneShop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tests := range []map[string]func(*testing.T, *world){wire, sessions, validation, accounts, people, carts, totals, orders, odd, clientEvents, methods} {
		try(t, w, tests)
	}
}

// TestMain says what is missing before a hundred tests do.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_DATABASE_URL") == "" {
		fmt.Fprintln(os.Stderr, "TEST_DATABASE_URL is not set: run the tests under pkg/pglocal/cmd/withpostgres")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// contractOf is the part of the contract that describes a path, nil for a path outside of it.
func (w *world) contractOf(path string) *testenv.Contract {
	switch {
	case w.edge.Doc.Paths.Find(path) != nil:
		return w.edge
	case strings.HasPrefix(path, "/user/"):
		return w.user
	case strings.HasPrefix(path, "/order/"):
		return w.order
	}
	return w.edge
}

// count asks the database.
func (w *world) count(t *testing.T, service, sql string, args ...any) (n int) {
	t.Helper()
	if err := w.shop.Database(service).QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func (w *world) exec(t *testing.T, service, sql string, args ...any) {
	t.Helper()
	tag, err := w.shop.Database(service).Exec(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if tag.RowsAffected() == 0 {
		t.Fatalf("%s changed no row", sql)
	}
}

func (w *world) text(t *testing.T, service, sql string, args ...any) (s string) {
	t.Helper()
	if err := w.shop.Database(service).QueryRow(t.Context(), sql, args...).Scan(&s); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return s
}

// eventually waits for what the shop does behind its answers.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
		<-tick.C
	}
}

// mail waits until someone's n-th mail is there and returns it; the first is 1.
func (w *world) mail(t *testing.T, to string, n int) shoptest.Mail {
	t.Helper()
	var got []shoptest.Mail
	eventually(t, fmt.Sprintf("mail %d to %s", n, to), func() bool { got = w.mails(to); return len(got) >= n })
	return got[len(got)-n]
}

// mailWith waits until n of someone's mails hold a text, and returns the newest of them. Mails that
// leave at the same time arrive in any order.
func (w *world) mailWith(t *testing.T, to, text string, n int) shoptest.Mail {
	t.Helper()
	var found []shoptest.Mail
	eventually(t, fmt.Sprintf("mail %d to %s with %s", n, to, text), func() bool {
		found = nil
		for _, m := range w.mails(to) {
			if strings.Contains(m.Text, text) {
				found = append(found, m)
			}
		}
		return len(found) >= n
	})
	return found[0]
}

// holds fails unless a text holds all the parts.
func holds(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in\n%s", part, text)
		}
	}
}

// codeIn is what follows a marker in a mail, up to the first character that no code holds.
func codeIn(t *testing.T, text, marker string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, marker)
	if !ok {
		t.Fatalf("%q is not in\n%s", marker, text)
	}
	end := strings.IndexFunc(rest, func(r rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:", r)
	})
	if end < 0 {
		end = len(rest)
	}
	return strings.TrimRight(rest[:end], ".:")
}

// member is someone with an account.
// member is someone with an account.
type member struct{ username, email, password string }

// register makes a member; the browser is logged in afterwards.
func (b *browser) register() member {
	b.t.Helper()
	m := member{name("member_"), email(), password}
	b.is(b.post("/user/create-account", "firstname", "Ann", "lastname", "Lee", "username", m.username, "email_address", m.email,
		"password", m.password, "confirm_password", m.password, "newsletter", "true", "remember_me", "false"),
		`{"create_account":"true","user-api-version":"0.0.1"}`)
	return m
}

func (b *browser) login(m member, remember string) answer {
	b.t.Helper()
	return b.post("/user/login", "username", m.username, "password", m.password, "remember_me", remember)
}

// pay pays a session at the stand-in.
func (w *world) pay(t *testing.T, session string) {
	t.Helper()
	w.control(t, "/_/sessions/"+session+"/pay", "")
}

func (w *world) control(t *testing.T, path, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.shop.StandIn+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // nothing of it is needed
	if answer.StatusCode >= 300 {
		t.Fatalf("POST %s answered %d", path, answer.StatusCode)
	}
}

// alike holds a JSON value against what is wanted: "*" stands for any text that is not empty.
func alike(want, got any) bool {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok || len(got) != len(want) {
			return false
		}
		for key, value := range want {
			if v, there := got[key]; !there || !alike(value, v) {
				return false
			}
		}
		return true
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			return false
		}
		for i := range want {
			if !alike(want[i], got[i]) {
				return false
			}
		}
		return true
	case string:
		text, ok := got.(string)
		return ok && (text == want || want == "*" && text != "")
	}
	return want == got
}

func decode(text string) (v any, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// form writes pairs of name and value as the frontend does.
func form(pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return values.Encode()
}

func random() string { return rand.Text() }
