package pg_test

import (
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// A statement that finds all connections taken ends long before its request does.
func TestAcquireIsBounded(t *testing.T) {
	t.Parallel()
	pool := testenv.Open(t, testenv.Database(t), "acquire")
	for range pool.Config().MaxConns {
		c, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Release()
	}
	began := time.Now()
	if _, err := pg.Get[int](t.Context(), pool, "ask", `SELECT 1`); err == nil || time.Since(began) > 15*time.Second {
		t.Errorf("a statement without a connection ends with %v after %s", err, time.Since(began))
	}
}
