package pglocal

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperDir); dir != "" {
		os.Exit(helperMain(dir))
	}
	code := m.Run()
	if dir, err := template(); err == nil {
		if err := os.RemoveAll(filepath.Dir(dir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// template is a stopped cluster, made once; copying it is much faster than initializing.
var template = sync.OnceValues(func() (string, error) {
	parent, err := os.MkdirTemp("", "pglocal-template-")
	if err != nil {
		return "", err
	}
	dir := filepath.Join(parent, "cluster")
	c, err := Start(context.Background(), Options{Dir: dir, Install: true})
	if err != nil {
		return "", err
	}
	if err := c.Stop(context.Background()); err != nil {
		return "", err
	}
	return dir, os.Remove(c.folder.portFile())
})

// copied returns a folder with a stopped cluster of the test's own.
func copied(t *testing.T) string {
	t.Helper()
	from, err := template()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "cluster")
	if out, err := exec.Command("cp", "-a", from, dir).CombinedOutput(); err != nil {
		t.Fatalf("copy cluster: %v: %s", err, out)
	}
	return dir
}

// started runs a cluster until the test ends.
func started(t *testing.T, o Options) *Cluster {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	c, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func stop(t *testing.T, c *Cluster) {
	t.Helper()
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// query runs a statement on a connection of its own and returns its single value as text.
func query(t *testing.T, url, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // the test is over
	rows, err := conn.Query(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatal(err)
	}
	value := ""
	for rows.Next() {
		value = string(rows.RawValues()[0])
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return value
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !condition() {
		if !wait.Sleep(ctx, 5*time.Millisecond) {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// refused checks that Start fails with one line that contains all the texts.
func refused(t *testing.T, o Options, texts ...string) {
	t.Helper()
	c, err := Start(t.Context(), o)
	if err == nil {
		stop(t, c)
		t.Fatalf("Start succeeded, want an error about %q", texts)
	}
	checkLine(t, err.Error(), texts...)
}

func checkLine(t *testing.T, line string, texts ...string) {
	t.Helper()
	t.Log(line)
	if strings.Contains(line, "\n") {
		t.Errorf("error has more than one line: %s", line)
	}
	for _, text := range texts {
		if !strings.Contains(line, text) {
			t.Errorf("error %q does not contain %q", line, text)
		}
	}
}

// A new cluster has the settings and the access rules that pglocal gives it, and requires its
// password.
func TestNewCluster(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "yet", "there")
	c := started(t, Options{Dir: dir, Durable: true, Settings: map[string]string{"max_connections": "37"}})
	for setting, want := range map[string]string{
		"max_connections":         "37",
		"shared_buffers":          "128MB",
		"synchronous_commit":      "on",
		"fsync":                   "on",
		"full_page_writes":        "on",
		"checkpoint_timeout":      "15min",
		"timezone":                "UTC",
		"server_encoding":         "UTF8",
		"listen_addresses":        "127.0.0.1",
		"unix_socket_directories": "",
		"password_encryption":     "scram-sha-256",
	} {
		if got := query(t, c.URL(), "SHOW "+setting); got != want {
			t.Errorf("%s = %q, want %q", setting, got, want)
		}
	}

	if got := query(t, c.URL(), "SELECT current_database() || ' ' || current_user"); got != "shop postgres" {
		t.Errorf("database and user: %q", got)
	}
	if got := query(t, c.URL(), "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'"); got != "0" {
		t.Errorf("%s ways in without a password", got)
	}
	info, err := os.Stat(c.folder.passwordFile())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("password file: %v, %v", info.Mode(), err)
	}

	wrong, err := url.Parse(c.URL())
	if err != nil {
		t.Fatal(err)
	}
	wrong.User = url.UserPassword("postgres", "guess")
	if conn, err := pgx.Connect(t.Context(), wrong.String()); err == nil {
		conn.Close(t.Context()) //nolint:errcheck // already failed
		t.Error("a wrong password is accepted")
	}
}

func TestRestartKeepsDataAndPort(t *testing.T) {
	t.Parallel()
	dir := copied(t)
	c := started(t, Options{Dir: dir, Database: `Laden "Süd"`})
	query(t, c.URL(), "CREATE TABLE kept AS SELECT 7 AS n")
	address := c.URL()
	if c.Err() != nil {
		t.Errorf("error of a running server: %v", c.Err())
	}
	stop(t, c)
	<-c.Done()
	if c.Err() != nil {
		t.Errorf("error after Stop: %v", c.Err())
	}
	stop(t, c) // twice does no harm
	began := time.Now()
	c = started(t, Options{Dir: dir, Database: `Laden "Süd"`})
	t.Logf("warm start: %s", time.Since(began))
	if c.URL() != address {
		t.Errorf("address was %s, now %s", address, c.URL())
	}
	if got := query(t, c.URL(), "SELECT n FROM kept"); got != "7" {
		t.Errorf("kept row: %q", got)
	}
}

func TestFolderInUse(t *testing.T) {
	t.Parallel()
	dir := copied(t)
	c := started(t, Options{Dir: dir})
	refused(t, Options{Dir: dir}, "in use by another process", strconv.Itoa(os.Getpid()))
	if err := Remove(t.Context(), dir); err == nil {
		t.Error("a folder in use was removed")
	}
	if got := query(t, c.URL(), "SELECT 1"); got != "1" {
		t.Errorf("the first cluster answers %q", got)
	}
}

func TestSimultaneousStarts(t *testing.T) {
	t.Parallel()
	dir := copied(t)
	var winners, losers int
	var mu sync.Mutex
	var wg sync.WaitGroup

	release := make(chan struct{})
	for range 5 {
		wg.Go(func() {
			c, err := Start(t.Context(), Options{Dir: dir})
			mu.Lock()
			if err != nil {
				losers++
			} else {
				winners++
			}
			if winners+losers == 5 {
				close(release)
			}
			mu.Unlock()
			if err == nil {
				<-release
				if err := c.Stop(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}

	wg.Wait()
	if winners != 1 {
		t.Errorf("%d of 5 starts succeeded", winners)
	}
}

func TestPortTaken(t *testing.T) {
	t.Parallel()
	dir := copied(t)
	c := started(t, Options{Dir: dir})
	taken := c.port
	stop(t, c)
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(taken)))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // the test is over
	refused(t, Options{Dir: dir, Port: taken}, strconv.Itoa(taken), "in use")
	c = started(t, Options{Dir: dir})
	if c.port == taken {
		t.Errorf("port %d is taken", c.port)
	}
}

func TestFailedStartTellsWhy(t *testing.T) {
	t.Parallel()
	dir := copied(t)
	refused(t, Options{Dir: dir, Settings: map[string]string{"shared_buffers": "plenty"}}, "shared_buffers", "plenty")
	started(t, Options{Dir: dir})
}

func TestStartGivesUpWithContext(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cluster")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, Options{Dir: dir}); err == nil {
		t.Fatal("Start ignores its context")
	}
	if left, err := filepath.Glob(filepath.Join(dir, "build-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	started(t, Options{Dir: dir})
}

func TestOtherVersion(t *testing.T) {
	t.Parallel()
	dir := copied(t)
	file := filepath.Join(dir, "data", "PG_VERSION")
	version, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, "9\n")
	refused(t, Options{Dir: dir}, "made by PostgreSQL 9", "install PostgreSQL 9")
	write(t, file, "soon\n")
	refused(t, Options{Dir: dir}, "PG_VERSION")
	write(t, file, string(version))
	started(t, Options{Dir: dir})
}

// Files that are not a cluster's are neither used nor removed.
func TestForeignFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	precious := filepath.Join(dir, "data", "precious")
	write(t, precious, "do not touch")
	refused(t, Options{Dir: dir}, "no PostgreSQL data", "move it away")
	if readLine(precious) != "do not touch" {
		t.Error("someone's file was touched")
	}
	if err := Remove(t.Context(), t.TempDir()); err == nil {
		t.Error("a folder without a cluster was removed")
	}
}

func TestLostPassword(t *testing.T) {
	t.Parallel()
	dir := copied(t)
	file := filepath.Join(dir, "password")
	write(t, file, "another\n")
	refused(t, Options{Dir: dir}, "the password in", "remove the file")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	c := started(t, Options{Dir: dir})
	if got := query(t, c.URL(), "SELECT 1"); got != "1" {
		t.Errorf("answer with the new password: %q", got)
	}
}

// Where a cluster can be made, Available finds nothing missing.
func TestAvailable(t *testing.T) {
	t.Parallel()
	if _, err := template(); err != nil { // installs what is missing
		t.Fatal(err)
	}
	if err := Available(); err != nil {
		t.Error(err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
