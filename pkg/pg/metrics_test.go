package pg_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// A database that takes no connections shows in the metrics once anyone wanted one, and so does its
// return, although no one asks again: figures that are read from tables stand still meanwhile.
func TestDatabaseThatIsAwayIsMeasured(t *testing.T) {
	t.Parallel()
	at := testenv.Database(t)
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}

	database := strings.TrimPrefix(u.Path, "/")
	pool := testenv.Open(t, at, "away")
	defer pg.Ready("away", pool)()
	want := func(value string) {
		t.Helper()
		w := httptest.NewRecorder()
		obs.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if line := `shop_db_up{service="away"} ` + value + "\n"; !strings.Contains(w.Body.String(), line) {
			t.Errorf("the metrics lack %s", line)
		}
	}

	ask := func() bool {
		_, err := pg.Get[int](t.Context(), pool, "ask", `SELECT 1`)
		return err == nil
	}
	want("1")
	if !ask() {
		t.Fatal("the database does not answer")
	}

	want("1")
	admin := connect(t, os.Getenv("TEST_DATABASE_URL"))
	outlives, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Exec(t.Context(), "ALTER DATABASE "+database+" ALLOW_CONNECTIONS false"); err != nil {
		t.Fatal(err)
	}
	if ask() {
		t.Fatal("the database takes connections")
	}

	want("0")
	outlives.Release()
	want("1")
	if _, err := admin.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1",
		database); err != nil {
		t.Fatal(err)
	}

	testenv.Eventually(t, 10*time.Second, "the connection is cut", func() bool { return !ask() })
	if ask() {
		t.Error("the database takes connections")
	}
	want("0")
	want("0")
	if _, err := admin.Exec(t.Context(), "ALTER DATABASE "+database+" ALLOW_CONNECTIONS true"); err != nil {
		t.Fatal(err)
	}
	want("1")
}
