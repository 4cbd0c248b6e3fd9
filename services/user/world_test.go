package user

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// testCost keeps tests about something else from hashing all day.
var testCost = Cost{Time: 1, Memory: 64, Threads: 1}

const (
	goodPassword = "Correct!horse"
	nextPassword = "Battery(staple)9"
)

// world is the service on a database of its own, without a broker: what it says is in the outbox.
type world struct {
	*server
	t        *testing.T
	url      string // of the database, as its owner
	handler  http.Handler
	contract *testenv.Contract
}

func newWorld(t *testing.T) *world {
	t.Helper()
	url := testenv.Database(t, testenv.Schema{Service: "user", Sets: Migrations()})
	pool := testenv.Open(t, url, "user")
	s := newServer(service.NewCore(testenv.Log(t), pool, nil), testConfig())
	return &world{server: s, t: t, url: url, handler: s.routes(), contract: testenv.NewContract(t, "openapi.yaml")}
}

func testConfig() Config { return Config{Common: boot.Common{}, HashCost: testCost} }

// reply is an answer that was held against the contract.
type reply struct {
	status  int
	body    string
	header  http.Header
	session web.SessionChange
}

// who is an identity as edge would sign it.
func member(id int64) web.Identity {
	return web.Identity{MemberID: id, Session: "5e55", Remember: true}
}

// get and post ask as id; fields are name, value, name, value…
func (w *world) get(id web.Identity, path string, fields ...string) reply {
	w.t.Helper()
	if len(fields) > 0 {
		path += "?" + values(fields).Encode()
	}
	return w.do(id, httptest.NewRequest(http.MethodGet, path, nil))
}

func (w *world) post(id web.Identity, path string, fields ...string) reply {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(values(fields).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.do(id, r)
}

func values(fields []string) url.Values {
	v := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		v.Add(fields[i], fields[i+1])
	}
	return v
}

func (w *world) do(id web.Identity, r *http.Request) reply {
	w.t.Helper()
	r = r.WithContext(w.t.Context())
	if err := web.SignIdentity(r, w.identityKey, id); err != nil {
		w.t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	res := rec.Result()
	if strings.HasPrefix(r.URL.Path, "/user/") && r.URL.Path != "/user/" && (res.StatusCode == http.StatusOK || res.StatusCode == http.StatusBadRequest) {
		w.contract.Check(w.t, r, res)
	}
	out := reply{status: res.StatusCode, body: rec.Body.String(), header: res.Header}
	if h := res.Header.Get(web.SessionHeader); h != "" {
		if err := json.Unmarshal([]byte(h), &out.session); err != nil {
			w.t.Fatal(err)
		}
	}
	return out
}

// is compares an answer; descriptions are free and stand as "…".
func (w *world) is(got reply, want string) {
	w.t.Helper()
	if got.status != http.StatusOK {
		w.t.Errorf("answered %d %s", got.status, got.body)
		return
	}
	if diff := cmp.Diff(want, elide(got.body)); diff != "" {
		w.t.Errorf("answer (-want +got):\n%s", diff)
	}
}

// elide replaces the texts that are free and drops the version, which must be the last key.
func elide(body string) string {
	const version = `,"user-api-version":"0.0.1"}`
	body, ok := strings.CutSuffix(body, version)
	if !ok {
		return "no version at the end: " + body
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(body, `"description":"`)
		out.WriteString(before)
		if !found {
			return out.String() + "}"
		}
		_, body, _ = strings.Cut(rest, `"`)
		out.WriteString(`"description":"…"`)
	}
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
func (w *world) register(username, email string, changes ...string) int64 {
	w.t.Helper()
	got := w.post(web.Identity{}, "/user/create-account", form(username, email, changes...)...)
	w.is(got, `{"create_account":"true"}`)
	if got.session.Member.ID == 0 {
		w.t.Fatalf("no session for %s: %s", username, got.body)
	}
	return got.session.Member.ID
}

// verified makes a member who has proved the address.
func (w *world) verified(username, email string, changes ...string) int64 {
	w.t.Helper()
	id := w.register(username, email, changes...)
	w.is(w.post(member(id), "/user/verify-email-address-response", "email_verification_code", w.lastMail(msg.MailWelcome).Data["code"]),
		`{"verify_email_address_response":"success"}`)
	return id
}

// answerAll has the worker answer every request for a mail.
func (w *world) answerAll() {
	w.t.Helper()
	for more := true; more; {
		var err error
		if more, err = w.answerRequest(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

// said is what the outbox holds for a subject, oldest first.
func said[T any](w *world, subject string) []T {
	w.t.Helper()
	rows, err := w.pool.Query(w.t.Context(), `SELECT payload FROM outbox WHERE subject = $1 ORDER BY seq`, subject)
	if err != nil {
		w.t.Fatal(err)
	}
	raw, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		w.t.Fatal(err)
	}
	list := make([]T, len(raw))
	for i, payload := range raw {
		if err := json.Unmarshal(payload, &list[i]); err != nil {
			w.t.Fatal(err)
		}
	}
	return list
}

func (w *world) mails(kind string) []msg.SendMail {
	w.t.Helper()
	return said[msg.SendMail](w, msg.MailSubject(kind))
}

// lastMail is the newest mail of a kind; the test ends when there is none.
func (w *world) lastMail(kind string) msg.SendMail {
	w.t.Helper()
	list := w.mails(kind)
	if len(list) == 0 {
		w.t.Fatalf("no %s mail", kind)
	}
	return list[len(list)-1]
}

// count runs a query that counts.
func (w *world) count(sql string, args ...any) (n int) {
	w.t.Helper()
	return count(w.t, w.pool, sql, args...)
}

func count(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := w.pool.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

// define changes the schema, which the service itself may not.
func (w *world) define(sql string) {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close(w.t.Context()) //nolint:errcheck // nothing depends on it
	if _, err := conn.Exec(w.t.Context(), `SET search_path = "user"; `+sql); err != nil {
		w.t.Fatal(err)
	}
}

// account reads a member.
func (w *world) account(id int64) account {
	w.t.Helper()
	a, found, err := accountByID(w.t.Context(), w.pool, id)
	if err != nil || !found {
		w.t.Fatalf("account %d: %t, %v", id, found, err)
	}
	return a
}

// prospect reads the prospect of an address.
func (w *world) prospect(email string) (p prospect, found bool) {
	w.t.Helper()
	p, found, err := queryProspect(w.t.Context(), w.pool, `SELECT`+prospectColumns+`FROM prospect WHERE email = $1`, email)
	if err != nil {
		w.t.Fatal(err)
	}
	return p, found
}

// inTx runs fn in a transaction.
func (w *world) inTx(fn func(ctx context.Context, tx pgx.Tx) error) {
	w.t.Helper()
	if err := pgx.BeginFunc(w.t.Context(), w.pool, func(tx pgx.Tx) error { return fn(w.t.Context(), tx) }); err != nil {
		w.t.Fatal(err)
	}
}

func errorsOf(field, code string) string {
	return fmt.Sprintf(`"errors":{"%s":[{"type":"%s","description":"…"}]}`, field, code)
}
