package user

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// testCost saves the tests that are about something else the time of hashing.
var testCost = Cost{Time: 1, Memory: 64, Threads: 1}

const (
	goodPassword = "Correct!horse"
	nextPassword = "Battery(staple)9"
)

// env is the service on a database of its own, without a broker: its messages stay in the outbox.
type env struct {
	*server
	*testenv.Client // with the identity of a visitor
	testenv.DB
	t           *testing.T
	databaseURL string // as its owner
}

func newEnv(t *testing.T) *env {
	t.Helper()
	url := testenv.Database(t, testenv.Schema{Service: "user", Sets: Migrations()})
	pool := testenv.Open(t, url, "user")
	s := newServer(service.NewCore(testenv.Log(t), pool, nil), testConfig())
	contract := testenv.NewContract(t, "openapi.yaml")
	client := &testenv.Client{TB: t, Handler: s.routes(), Key: s.identityKey, Check: contract.Below(t, "/user/")}
	return &env{server: s, Client: client, DB: testenv.DB{TB: t, Conn: pool}, t: t, databaseURL: url}
}

func testConfig() Config { return Config{Common: boot.Common{}, HashCost: testCost} }

// member is a member's identity, as edge would sign it.
func member(id int64) web.Identity {
	return web.Identity{MemberID: id, Session: "5e55", Remember: true}
}

// sessionOf is what an answer tells edge to do with sessions.
func sessionOf(a testenv.Answer) (change web.SessionChange) {
	a.TB.Helper()
	if h := a.Header.Get(web.SessionHeader); h != "" {
		if err := json.Unmarshal([]byte(h), &change); err != nil {
			a.TB.Fatal(err)
		}
	}
	return change
}

// is compares a whole answer, in which the version is the last key.
func (e *env) is(got testenv.Answer, want string) {
	e.t.Helper()
	got.Is(withVersion(want))
}

func withVersion(object string) string {
	return strings.TrimSuffix(object, "}") + `,"user-api-version":"0.0.1"}`
}

// form is a good registration; changes are name, value, name, value…
func form(username, email string, changes ...string) []string {
	f := map[string]string{"firstname": "Ann", "lastname": "Lee", "username": username, "email_address": email,
		"password": goodPassword, "confirm_password": goodPassword, "newsletter": "false", "remember_me": "false"}
	for i := 0; i < len(changes); i += 2 {
		f[changes[i]] = changes[i+1]
	}
	var list []string
	for name, value := range f {
		list = append(list, name, value)
	}
	return list
}

// register makes a member and returns the id.
func (e *env) register(username, email string, changes ...string) int64 {
	e.t.Helper()
	got := e.Post("/user/create-account", form(username, email, changes...)...)
	e.is(got, `{"create_account":"true"}`)
	if sessionOf(got).Member.ID == 0 {
		e.t.Fatalf("no session for %s: %s", username, got.Body)
	}
	return sessionOf(got).Member.ID
}

// verified makes a member who has proved the address.
func (e *env) verified(username, email string, changes ...string) int64 {
	e.t.Helper()
	id := e.register(username, email, changes...)
	e.is(e.As(member(id)).Post("/user/verify-email-address-response", "email_verification_code", e.lastMail(msg.MailWelcome).Data["code"]),
		`{"verify_email_address_response":"success"}`)
	return id
}

// answerAll makes the worker answer every request for a mail.
func (e *env) answerAll() {
	e.t.Helper()
	for more := true; more; {
		var err error
		if more, err = e.answerRequest(e.t.Context()); err != nil {
			e.t.Fatal(err)
		}
	}
}

// outboxPayloads are the payloads of a subject in the outbox, oldest first.
func outboxPayloads[T any](e *env, subject string) []T {
	e.t.Helper()
	rows, err := e.pool.Query(e.t.Context(), `SELECT payload FROM outbox WHERE subject = $1 ORDER BY seq`, subject)
	if err != nil {
		e.t.Fatal(err)
	}
	raw, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		e.t.Fatal(err)
	}
	list := make([]T, len(raw))
	for i, payload := range raw {
		if err := json.Unmarshal(payload, &list[i]); err != nil {
			e.t.Fatal(err)
		}
	}
	return list
}

func (e *env) mails(kind string) []msg.SendMail {
	e.t.Helper()
	return outboxPayloads[msg.SendMail](e, msg.MailSubject(kind))
}

// lastMail is the newest mail of a kind; without one the test ends.
func (e *env) lastMail(kind string) msg.SendMail {
	e.t.Helper()
	list := e.mails(kind)
	if len(list) == 0 {
		e.t.Fatalf("no %s mail", kind)
	}
	return list[len(list)-1]
}

// define changes the schema, which the service itself may not.
func (e *env) define(sql string) {
	e.t.Helper()
	conn, err := pgx.Connect(e.t.Context(), e.databaseURL)
	if err != nil {
		e.t.Fatal(err)
	}
	defer conn.Close(e.t.Context()) //nolint:errcheck // nothing depends on it
	if _, err := conn.Exec(e.t.Context(), `SET search_path = "user"; `+sql); err != nil {
		e.t.Fatal(err)
	}
}

// account reads a member.
func (e *env) account(id int64) account {
	e.t.Helper()
	a, found, err := accountByID(e.t.Context(), e.pool, id)
	if err != nil || !found {
		e.t.Fatalf("account %d: %t, %v", id, found, err)
	}
	return a
}

// prospect reads the prospect of an address.
func (e *env) prospect(email string) (p prospect, found bool) {
	e.t.Helper()
	p, found, err := queryProspect(e.t.Context(), e.pool, `SELECT `+prospectColumnsSQL+` FROM prospect WHERE email = $1`, email)
	if err != nil {
		e.t.Fatal(err)
	}
	return p, found
}

// inTx runs fn in a transaction.
func (e *env) inTx(fn func(ctx context.Context, tx pgx.Tx) error) {
	e.t.Helper()
	if err := pgx.BeginFunc(e.t.Context(), e.pool, func(tx pgx.Tx) error { return fn(e.t.Context(), tx) }); err != nil {
		e.t.Fatal(err)
	}
}

func errorsOf(field, code string) string {
	return fmt.Sprintf(`"errors":{"%s":[{"type":"%s","description":"*"}]}`, field, code)
}
