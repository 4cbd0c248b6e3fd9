package admin

import (
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Owners are made without a browser, repeatedly, and one who has lost the second factor begins
// again.
func TestCommands(t *testing.T) { // not parallel: it sets the environment
	e := newEnv(t, inProduction)
	t.Setenv("DATABASE_URL", e.databaseURL)
	t.Setenv("ADMIN_URL", e.url)
	run := func(code int, want string, args ...string) string {
		t.Helper()
		var out, stderr strings.Builder
		if got := Command(args, &out, &stderr); got != code || !strings.Contains(out.String()+stderr.String(), want) {
			t.Errorf("%v: %d %s%s", args, got, &out, &stderr)
		}
		return strings.TrimPrefix(strings.TrimSpace(out.String()), e.url)
	}

	for _, c := range []struct {
		name, password, want string
		code                 int
	}{
		{password: rightPassword, want: "STAFF_USERNAME", code: 2},
		{name: "Boss!", password: rightPassword, want: "STAFF_USERNAME", code: 2},
		{name: "boss", password: "short", want: "STAFF_PASSWORD", code: 2},
		{name: "boss", password: rightPassword, want: "has this password now"},
		{name: "boss", password: rightPassword, want: "unchanged"},
	} {
		t.Setenv("STAFF_USERNAME", c.name)
		t.Setenv("STAFF_PASSWORD", c.password)
		run(c.code, c.want, "person", "add")
	}

	leads(t, e.browser().signIn("boss", rightPassword), "/sign-in/enrol")
	t.Setenv("STAFF_PASSWORD", "")
	leads(t, e.browser().Post(run(0, "/sign-in/link/", "person", "add")), "/sign-in/enrol")
	boss := e.Number(`SELECT id FROM person WHERE username = 'boss' AND roles = '{owner}' AND password IS NOT NULL`)
	e.withApp(int64(boss))
	leads(t, e.browser().signIn("boss", rightPassword), "/sign-in/second?to=%2Forders")
	link := run(0, "/sign-in/link/", "person", "reset", "boss")
	e.browser().signIn("boss", rightPassword).Has(422)
	leads(t, e.browser().Post(link), "/sign-in/enrol")
	run(1, "no active account called", "person", "reset", "ann")
	run(2, "the commands are", "person", "remove")
	if n := e.Number(`SELECT count(*) FROM audit WHERE person_id = 0 AND name LIKE 'command %'`); n != 3 {
		t.Errorf("%d entries of the log", n)
	}
}

// The accounts that user's command made before there was sign-in keep their passwords.
func TestAccountsMoveOver(t *testing.T) {
	t.Parallel()
	database := testenv.Database(t, testenv.Schema{Service: "admin", Sets: []pg.Set{}})
	owner := testenv.DB{TB: t, Conn: testenv.OpenOwner(t, database, "user")}
	stored := "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$" + strings.Repeat("A", 43)
	owner.Exec(`CREATE TABLE staff (username text PRIMARY KEY, password text NOT NULL, changed timestamptz NOT NULL DEFAULT now())`)
	owner.Exec(`INSERT INTO staff (username, password) VALUES ('Boss', $1)`, stored)
	for range 2 {
		if err := pg.Migrate(t.Context(), database, "admin", Migrations()...); err != nil {
			t.Fatal(err)
		}
	}
	a, found, err := findAccountByName(t.Context(), testenv.Open(t, database, "admin"), "boss")
	if err != nil || !found || a.Password != stored {
		t.Errorf("%+v, %t, %v", a, found, err)
	}
	if n := owner.Number(`SELECT count(*) FROM admin.person WHERE $1 = ANY(roles)`, adminui.Owner); n != 1 {
		t.Errorf("%d owners", n)
	}
}
