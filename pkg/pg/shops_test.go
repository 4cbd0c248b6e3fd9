package pg_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

var services = []string{"edge", "user", "order", "events", "mailer", "webhook", "admin"}

// Shops of one server see nothing of each other: no role of one may even connect to the database of
// another, and a mistaken DATABASE_URL is refused before anything is changed.
func TestShopsOfOneServer(t *testing.T) {
	t.Parallel()
	a, b := newShop(t), newShop(t)
	for _, service := range services {
		if err := a.login(t, service, a.database); err != nil {
			t.Errorf("%s does not come into its own database: %v", service, err)
		}
		if err := a.login(t, service, b.database); err == nil {
			t.Errorf("%s of one shop comes into the database of another", service)
		}
	}

	quiet := slog.New(slog.DiscardHandler)
	if err := pg.Provision(t.Context(), quiet, b.database, a.name); !errors.Is(err, pg.ErrOtherShop) {
		t.Errorf("provisioning the database of another shop: %v", err)
	}
	if err := pg.Provision(t.Context(), quiet, b.database, b.name); err != nil {
		t.Errorf("provisioning again: %v", err)
	}
	pool, err := pg.Open(t.Context(), b.database, a.name, "order")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()

	if err := pool.Ping(t.Context()); !errors.Is(err, pg.ErrOtherShop) {
		t.Errorf("a service with the database of another shop: %v", err)
	}
}

// Passwords with which roles serve one database are not changed for the sake of another.
func TestPasswordsInUse(t *testing.T) {
	t.Parallel()
	a, second := newShop(t), testenv.EmptyDatabase(t)
	edge, conn := pg.Role(a.name, "edge"), connect(t, second)
	for _, statement := range []string{"CREATE DATABASE " + a.name, "GRANT CONNECT ON DATABASE " + a.name + " TO " + edge} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if _, err := conn.Exec(context.Background(), "DROP DATABASE "+a.name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})

	own, err := url.Parse(second)
	if err != nil {
		t.Fatal(err)
	}
	own.Path = "/" + a.name

	for _, c := range []struct {
		at, password string
		want         error
	}{
		{second, "another", pg.ErrServesAnother}, {second, "secret", nil}, {own.String(), "another", nil},
	} {
		if err := pg.CheckPasswords(t.Context(), c.at, a.name, map[string]string{edge: c.password}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.password, err, c.want)
		}
	}
}

// A database of a version without names belongs to the shop called shop, whichever shop opens it.
func TestDatabaseWithoutAName(t *testing.T) {
	t.Parallel()
	old := testenv.EmptyDatabase(t)
	conn := connect(t, old)
	if _, err := conn.Exec(t.Context(), `CREATE SCHEMA "order"; CREATE TABLE "order".version_order (id int)`); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	if err := pg.Provision(t.Context(), quiet, old, "acme"); !errors.Is(err, pg.ErrOtherShop) {
		t.Errorf("taking it over under another name: %v", err)
	}
	if err := pg.Provision(t.Context(), quiet, old, testenv.ShopName); err != nil {
		t.Error(err)
	}
}

// The master of a hosted database may make roles and databases, but is not a superuser: it becomes
// the roles that it made.
func TestAMasterWithoutAllRights(t *testing.T) {
	t.Parallel()
	name := "m" + strings.ToLower(rand.Text()[:12])
	master, database := name+"_master", testenv.EmptyDatabase(t)
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	conn := connect(t, database)
	if _, err := conn.Exec(t.Context(), fmt.Sprintf(`CREATE ROLE %[1]s LOGIN CREATEROLE CREATEDB PASSWORD 'secret';
		ALTER DATABASE %[2]s OWNER TO %[1]s`, master, pgx.Identifier{strings.TrimPrefix(u.Path, "/")}.Sanitize())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, role := range append(slices.Clone(services), "master") {
			role = name + "_" + role
			if _, err := conn.Exec(context.Background(), "REASSIGN OWNED BY "+role+" TO CURRENT_USER; DROP OWNED BY "+role+
				"; DROP ROLE "+role); err != nil {
				t.Error(err)
			}
		}
	})

	u.User = url.UserPassword(master, "secret")
	if err := pg.Provision(t.Context(), slog.New(slog.DiscardHandler), u.String(), name); err != nil {
		t.Fatal(err)
	}
	pool, err := pg.Open(t.Context(), u.String(), name, "order")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var who string
	if err := pool.QueryRow(t.Context(), `SELECT current_user::text`).Scan(&who); err != nil || who != name+"_order" {
		t.Errorf("acts as %q, %v", who, err)
	}
}

type shop struct{ name, database string }

func newShop(t *testing.T) shop {
	t.Helper()
	s := shop{"s" + strings.ToLower(rand.Text()[:12]), testenv.EmptyDatabase(t)}
	if err := pg.Provision(t.Context(), slog.New(slog.DiscardHandler), s.database, s.name); err != nil {
		t.Fatal(err)
	}
	passwords := map[string]string{}
	for _, service := range services {
		passwords[pg.Role(s.name, service)] = "secret"
	}
	if err := pg.SetPasswords(t.Context(), s.database, passwords); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // roles belong to the whole server
		conn := connect(t, s.database)
		for role := range passwords {
			if _, err := conn.Exec(context.Background(), "DROP OWNED BY "+role+"; DROP ROLE "+role); err != nil {
				t.Error(err)
			}
		}
	})
	return s
}

// login connects to a database as a service of the shop does.
func (s shop) login(t *testing.T, service, database string) error {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(pg.Role(s.name, service), "secret")
	pool, err := pg.Open(t.Context(), u.String(), s.name, service)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	return pool.Ping(t.Context())
}

// connect opens a connection for the length of the test and what cleans up after it.
func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}
