package pg_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// A database that takes no connections shows in the metrics once anyone wanted one, and so does its return, although no one
// asks again: figures that are read from tables stand still meanwhile.
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
	want("1")
	if _, err := pg.Get[int](t.Context(), pool, "ask", `SELECT 1`); err != nil {
		t.Fatal(err)
	}
	want("1")
	admin := connect(t, os.Getenv("TEST_DATABASE_URL"))
	for _, statement := range []string{
		"ALTER DATABASE " + database + " ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + database + "'",
	} {
		if _, err := admin.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the first finds its connection cut
		if _, err := pg.Get[int](t.Context(), pool, "ask", `SELECT 1`); err == nil {
			t.Fatal("the database still answers")
		}
	}
	want("0")
	want("0")
	if _, err := admin.Exec(t.Context(), "ALTER DATABASE "+database+" ALLOW_CONNECTIONS true"); err != nil {
		t.Fatal(err)
	}
	want("1")
}
