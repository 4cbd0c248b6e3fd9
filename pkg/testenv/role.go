package testenv

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// CheckRole checks that a service's database role can use the tables of its own schema, but can
// neither use those of another service nor create or drop any.
func CheckRole(tb testing.TB, service string, sets []pg.Set) {
	tb.Helper()
	other := "order"
	if service == other {
		other = "user"
	}
	pool := Open(tb, Database(tb, Schema{Service: service, Sets: sets},
		Schema{Service: other, Sets: []pg.Set{bus.Tables()}}), service)

	if _, err := pool.Exec(tb.Context(), `SELECT * FROM outbox`); err != nil {
		tb.Errorf("use its own table: %v", err)
	}
	for _, sql := range []string{
		`SELECT * FROM "` + other + `".outbox`,
		`INSERT INTO "` + other + `".inbox (consumer, key) VALUES ('a', 'b')`,
		`CREATE TABLE own (id int)`,
		`CREATE TABLE public.own (id int)`,
		`DROP TABLE outbox`,
	} {
		_, err := pool.Exec(tb.Context(), sql)
		if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != "42501" {
			tb.Errorf("%s: %v, want a missing privilege", sql, err)
		}
	}
}
