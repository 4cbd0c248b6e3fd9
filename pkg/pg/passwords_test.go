package pg_test

import (
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// A role logs in with the password that it was given last, and the server never saw a password.
func TestSetPasswords(t *testing.T) {
	t.Parallel()
	owner := os.Getenv("TEST_DATABASE_URL")
	if owner == "" {
		t.Fatal("TEST_DATABASE_URL is not set: run `make test`")
	}
	conn, err := pgx.Connect(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over

	role := "Odd \"role\" " + rand.Text()
	quoted := pgx.Identifier{role}.Sanitize()
	if _, err := conn.Exec(t.Context(), "CREATE ROLE "+quoted+" LOGIN"); err != nil {
		t.Fatal(err)
	}
	defer conn.Exec(t.Context(), "DROP ROLE "+quoted) //nolint:errcheck // the cluster goes with the test run

	logIn := func(password string) error {
		u, err := url.Parse(owner)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(role, password)
		c, err := pgx.Connect(t.Context(), u.String())
		if err != nil {
			return err
		}
		return c.Close(t.Context())
	}

	for _, password := range []string{"first'; DROP ROLE x", "second"} {
		if err := pg.SetPasswords(t.Context(), owner, map[string]string{role: password}); err != nil {
			t.Fatal(err)
		}
		if err := logIn(password); err != nil {
			t.Errorf("log in with the password just set: %v", err)
		}
	}

	if err := logIn("first'; DROP ROLE x"); err == nil {
		t.Error("the password of before still works")
	}
	for _, bad := range []string{"", "naïve", "a\nb"} {
		if err := pg.SetPasswords(t.Context(), owner, map[string]string{role: bad}); err == nil || strings.Contains(err.Error(), "naïve") {
			t.Errorf("password %q: %v", bad, err)
		}
	}

	if err := pg.SetPasswords(t.Context(), owner, map[string]string{"nobody of this name": "x"}); err == nil {
		t.Error("a role that does not exist got a password")
	}
}
