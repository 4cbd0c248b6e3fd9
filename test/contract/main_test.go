package contract

import (
	"crypto/rand"
	"fmt"
	"net/http"
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
	patience = 30 * time.Second // for work that the shop does after its answer

	verifyLink = "/account/?email_verification_code="
	resetLink  = "/set-new-password?password_reset_code="
)

// env is one running shop and the contract that its answers are checked against.
type env struct {
	shop              *shoptest.Shop
	edge, user, order *testenv.Contract
	mails             func(to string) []shoptest.Mail
}

func newEnv(t *testing.T, settings ...string) *env {
	t.Helper()
	shop := shoptest.Start(t, shoptest.Options{Env: append([]string{"ALLOWED_ORIGINS=" + origin}, settings...)})
	e := &env{
		shop:  shop,
		edge:  testenv.NewContract(t, "../../services/edge/openapi.yaml"),
		user:  testenv.NewContract(t, "../../services/user/openapi.yaml"),
		order: testenv.NewContract(t, "../../services/order/openapi.yaml"),
	}
	e.mails = shop.Mails
	return e
}

var counter atomic.Int64

// name is a unique username, or local part of an address.
func name(stem string) string { return fmt.Sprintf("%s%d", stem, counter.Add(1)) }

func email() string { return name("pat") + "@mail.example.com" }

// try runs tests in parallel against one shop.
func try(t *testing.T, e *env, tests map[string]func(*testing.T, *env)) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, e)
		})
	}
}

// All tests that can share a shop run against one, as Go's own test runner would do.
func TestOneShop(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, tests := range []map[string]func(*testing.T, *env){wire, sessions, validation, accounts, people, carts, totals, orders, odd,
		clientEvents, methods} {
		try(t, e, tests)
	}
}

// TestMain reports a missing database once, instead of a hundred times.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_DATABASE_URL") == "" {
		fmt.Fprintln(os.Stderr, "TEST_DATABASE_URL is not set: run the tests under pkg/pglocal/cmd/withpostgres")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// contractOf is the part of the contract that describes a path. It is edge's for paths outside of
// the contract.
func (e *env) contractOf(path string) *testenv.Contract {
	switch {
	case e.edge.Doc.Paths.Find(path) != nil:
		return e.edge
	case strings.HasPrefix(path, "/user/"):
		return e.user
	case strings.HasPrefix(path, "/order/"):
		return e.order
	}
	return e.edge
}

// db is the database of a service.
func (e *env) db(t *testing.T, service string) testenv.DB {
	return testenv.DB{TB: t, Conn: e.shop.Database(service)}
}

// exec changes at least one row.
func (e *env) exec(t *testing.T, service, sql string, args ...any) {
	t.Helper()
	if e.db(t, service).Exec(sql, args...) == 0 {
		t.Fatalf("%s changed no row", sql)
	}
}

// awaitMail waits until an address has n mails and returns the nth; the first is 1.
func (e *env) awaitMail(t *testing.T, to string, n int) shoptest.Mail {
	t.Helper()
	var got []shoptest.Mail
	testenv.Eventually(t, patience, fmt.Sprintf("mail %d to %s", n, to), func() bool { got = e.mails(to); return len(got) >= n })
	return got[len(got)-n]
}

// awaitMailWith waits until n mails to an address contain a text, and returns the newest of them.
// Mails that are sent at the same time arrive in any order.
func (e *env) awaitMailWith(t *testing.T, to, text string, n int) shoptest.Mail {
	t.Helper()
	var found []shoptest.Mail
	testenv.Eventually(t, patience, fmt.Sprintf("mail %d to %s with %s", n, to, text), func() bool {
		found = nil
		for _, m := range e.mails(to) {
			if strings.Contains(m.Text, text) {
				found = append(found, m)
			}
		}
		return len(found) >= n
	})
	return found[0]
}

// wantParts wants all parts in a text.
func wantParts(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in\n%s", part, text)
		}
	}
}

// codeIn is the code after a marker in a mail, up to the first character that no code contains.
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

// member is a person with an account.
type member struct{ username, email, password string }

// register makes a member, who is logged in afterwards.
func (b *browser) register() member {
	b.TB.Helper()
	m := member{name("member_"), email(), password}
	b.post("/user/create-account", "firstname", "Ann", "lastname", "Lee", "username", m.username, "email_address", m.email,
		"password", m.password, "confirm_password", m.password, "newsletter", "true", "remember_me",
		"false").Is(`{"create_account":"true","user-api-version":"0.0.1"}`)
	return m
}

func (b *browser) login(m member, remember string) testenv.Answer {
	b.TB.Helper()
	return b.post("/user/login", "username", m.username, "password", m.password, "remember_me", remember)
}

// pay pays a session at the stand-in for Stripe.
func (e *env) pay(t *testing.T, session string) {
	t.Helper()
	e.control(t, "/_/sessions/"+session+"/pay", "")
}

func (e *env) control(t *testing.T, path, body string) {
	t.Helper()
	c := &testenv.Client{TB: t, URL: e.shop.StandIn}
	r := c.Body(http.MethodPost, path, body)
	r.Header.Set("Content-Type", "application/json")
	if a := c.Do(r); a.Status >= 300 {
		t.Fatal(a)
	}
}

func random() string { return rand.Text() }
