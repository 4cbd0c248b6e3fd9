package order

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pglocal"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// A server reports that archiving fails until an archive command succeeds. A server without
// archiving reports nothing.
func TestFailingArchiveIsMeasured(t *testing.T) {
	t.Parallel()
	start := func(mode string) *pgx.Conn {
		c, err := pglocal.Start(t.Context(), pglocal.Options{Dir: t.TempDir(), Install: true, Settings: map[string]string{
			"archive_mode": mode, "archive_command": "test -d storage"}})
		if err != nil {
			t.Fatal(err)
		}
		conn, err := pgx.Connect(t.Context(), c.URL())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(t.Context()); _ = c.Stop(t.Context()) }) //nolint:usetesting // both end here
		return conn
	}

	fails := func(conn *pgx.Conn) time.Duration {
		age, err := archiveFails(t.Context(), conn)
		if err != nil {
			t.Fatal(err)
		}
		return age
	}

	if age := fails(start("off")); age != 0 {
		t.Errorf("without archiving: %s", age)
	}
	conn := start("on")
	if _, err := conn.Exec(t.Context(), "SELECT pg_switch_wal()"); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 60*time.Second, "the log that cannot be archived shows", func() bool { return fails(conn) > 0 })

	// PostgreSQL runs this command in the same folder as the archive command.
	if _, err := conn.Exec(t.Context(), "COPY (SELECT) TO PROGRAM 'cat && mkdir storage'"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "CREATE TABLE something (n int); SELECT pg_switch_wal()"); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 90*time.Second, "that it is archived again shows", func() bool { return fails(conn) == 0 })
}
