package edge

import (
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// requestLog passes on the status of each logged request.
type requestLog chan int

func (l requestLog) Write(line []byte) (int, error) {
	var entry struct {
		Msg    string
		Status int
	}
	if err := json.Unmarshal(line, &entry); err != nil {
		return 0, err
	}
	if entry.Msg == "request" {
		l <- entry.Status
	}
	return len(line), nil
}

// A shopper who leaves causes no 5xx, wherever the request is at that moment: at the database, at
// an owner, or between the two.
func TestShopperWhoLeavesCausesNo5xx(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.browser()
	b.login()
	log := make(requestLog, 1000)
	s, err := newServer(service.NewCore(slog.New(slog.NewJSONHandler(log, nil)), e.pool, e.broker.Bus("edge")), e.server.cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.routes())
	t.Cleanup(srv.Close)
	hung := make(chan struct{}, 100)
	hang := func(_ http.ResponseWriter, r seen) {
		hung <- struct{}{}
		<-r.Context().Done()
	}
	e.user.on("GET /user/terms-of-use-agree-check", hang)
	e.user.on("GET /internal/account", hang)
	e.order.on("GET /order/cart-items", hang)
	e.user.on("GET /user/email-unsubscribe-lookup", func(rw http.ResponseWriter, r seen) { // half an answer
		rw.Header().Set("Content-Length", "100")
		io.WriteString(rw, "{")                //nolint:errcheck // a test's answer
		http.NewResponseController(rw).Flush() //nolint:errcheck // a test's answer
		hang(rw, r)
	})

	leave := func(path, cookies string, began func()) {
		t.Helper()
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: shop\r\nCookie: "+cookies+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		began()
		conn.Close() //nolint:errcheck,gosec // closing is the point
		select {
		case status := <-log:
			if status != web.StatusClientLeft {
				t.Errorf("%s: logged as %d", path, status)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s: not logged", path)
		}
	}

	member := sessionCookie + "=" + b.cookie(sessionCookie)
	for _, path := range []string{"/user/terms-of-use-agree-check", "/user/account-content", "/order/cart-items",
		"/user/email-unsubscribe-lookup?token=x"} {
		leave(path, member, func() { <-hung })
	}

	// While the table of sessions is locked, every member's request waits for it.
	tx, err := e.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `DELETE FROM session`); err != nil {
		t.Fatal(err)
	}

	var pid int
	if err := tx.QueryRow(t.Context(), `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `LOCK TABLE session IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}

	for _, path := range []string{"/user/logged-in", "/user/sessions", "/order/confirm-items"} {
		s.sessions.evictAll()
		leave(path, member, func() {
			testenv.Eventually(t, 30*time.Second, "the request waits for the table", func() bool {
				var waiting int
				err := e.pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks WHERE NOT granted AND $1 = ANY(pg_blocking_pids(pid))`,
					pid).Scan(&waiting)
				return err == nil && waiting > 0
			})
		})
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}
