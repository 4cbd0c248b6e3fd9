package admin

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// If two second factors are removed at once, one stays where signing in requires one.
func TestOneSecondFactorStays(t *testing.T) {
	t.Parallel()
	e := newEnv(t, inProduction)
	ann := e.person("ann", adminui.Owner)
	first, second := e.in(ann), e.in(ann)
	e.withApp(ann)
	e.Exec(`INSERT INTO passkey (id, person_id, name, credential) VALUES ('\x01', $1, 'Phone', '{}')`, ann)
	e.Exec(`UPDATE session SET stage = 'full', fresh_until = now() + interval '5 minutes'`)
	first.Get("/account")
	second.Get("/account")

	tx, err := e.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT FROM person WHERE id = $1 FOR UPDATE`, ann); err != nil {
		t.Fatal(err)
	}
	var both sync.WaitGroup
	both.Go(func() { first.Post("/account/app/remove") })
	both.Go(func() { second.Post("/account/passkeys/01/remove") })
	testenv.Eventually(t, 5*time.Second, "both wait, or have been answered", func() bool {
		return e.Number(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)+
			e.Number(`SELECT 1 - count(*) FROM passkey`) == 2
	})
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	both.Wait()
	if n := e.Number(`SELECT (SELECT count(*) FROM passkey) + (SELECT count(totp_secret) FROM person)`); n != 1 {
		t.Errorf("%d second factors are left", n)
	}
}

// If the database fails, the answer is not 404.
func TestFailingDatabaseIsNot404(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.as(adminui.Owner)
	b.Get("/account")
	e.Exec(`ALTER TABLE person RENAME COLUMN handle TO gone`)
	for _, path := range []string{"/account", "/account/app"} {
		if a := b.Get(path); a.Status != http.StatusInternalServerError {
			t.Error(a)
		}
	}
	for _, path := range []string{"/account/password", "/account/app", "/account/passkeys"} {
		if a := b.Post(path); a.Status != http.StatusInternalServerError {
			t.Error(a)
		}
	}
}
