package pglocal

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Environment of the test binary running as a helper: another process that owns a cluster.
const (
	helperDir    = "PGLOCAL_HELPER_DIR"
	helperOrphan = "PGLOCAL_HELPER_ORPHAN" // set: the server is to survive the helper
)

// helperMain starts a cluster, tells its address, and stops it when its input ends.
func helperMain(dir string) int {
	if os.Getenv(helperOrphan) != "" {
		parentDeathSignal = 0
	}
	c, err := Start(context.Background(), Options{Dir: dir, Durable: true})
	if err != nil {
		fmt.Println("ERROR", err)
		return 1
	}
	fmt.Println(c.URL(), c.server.cmd.Process.Pid)
	bufio.NewReader(os.Stdin).ReadString('\n') //nolint:errcheck // only its end matters
	if err := c.Stop(context.Background()); err != nil {
		fmt.Println("ERROR", err)
		return 1
	}
	return 0
}

// helper is such a process.
type helper struct {
	cmd *exec.Cmd
	out *bufio.Reader
}

func startHelper(t *testing.T, dir string, env ...string) *helper {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), helperDir+"="+dir), env...)
	cmd.Stderr = t.Output()
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h := &helper{cmd, bufio.NewReader(out)}
	t.Cleanup(h.kill)
	return h
}

// ready waits for the cluster's address and the server's process id.
func (h *helper) ready(t *testing.T) (url string, pid int) {
	t.Helper()
	line, err := h.out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url, number, _ := strings.Cut(strings.TrimSpace(line), " ")
	pid, err = strconv.Atoi(number)
	if err != nil {
		t.Fatalf("helper says %q", line)
	}
	return url, pid
}

// kill ends the helper without any chance to clean up.
func (h *helper) kill() {
	h.cmd.Process.Kill() //nolint:errcheck // dead already is fine
	h.cmd.Wait()         //nolint:errcheck // killed
}

func alive(pid int) bool { return strings.Contains(commandLine(pid), "cluster_name=") }

func TestOrphanIsReplaced(t *testing.T) {
	t.Parallel()
	dir := copied(t)
	h := startHelper(t, dir, helperOrphan+"=1")
	url, pid := h.ready(t)
	query(t, url, "CREATE TABLE kept AS SELECT 7 AS n")
	h.kill()
	if !alive(pid) {
		t.Fatal("the server did not survive, so this test shows nothing")
	}
	c := started(t, Options{Dir: dir})
	if alive(pid) {
		t.Error("the orphan still runs")
	}
	if c.URL() != url {
		t.Errorf("address was %s, now %s", url, c.URL())
	}
	if got := query(t, c.URL(), "SELECT n FROM kept"); got != "7" {
		t.Errorf("kept row: %q", got)
	}
}

func TestRemoveStopsOrphan(t *testing.T) {
	t.Parallel()
	dir := copied(t)
	h := startHelper(t, dir, helperOrphan+"=1")
	_, pid := h.ready(t)
	h.kill()
	if err := Remove(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) || alive(pid) {
		t.Errorf("after Remove: folder %v, server alive %v", err, alive(pid))
	}
}

func TestServerEndsWithItsOwner(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		return // other systems do not tell a child of its parent's death
	}
	dir := copied(t)
	h := startHelper(t, dir)
	_, pid := h.ready(t)
	h.kill()
	eventually(t, "the server's end", func() bool { return !alive(pid) })
	started(t, Options{Dir: dir})
}

func TestOwnerKilledWhileStarting(t *testing.T) {
	t.Parallel()
	dir := copied(t)
	h := startHelper(t, dir, helperOrphan+"=1")
	eventually(t, "the server's first sign", func() bool {
		_, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid"))
		return err == nil
	})
	h.kill()
	started(t, Options{Dir: dir})
}

func TestOwnerKilledWhileInitializing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cluster")
	for _, file := range []string{"PG_VERSION", "global"} {
		h := startHelper(t, dir, helperOrphan+"=1")
		eventually(t, "a half made data folder", func() bool {
			half, err := filepath.Glob(filepath.Join(dir, "build-*", "data", file))
			return err == nil && len(half) > 0
		})
		h.kill()
	}
	c := started(t, Options{Dir: dir})
	if got := query(t, c.URL(), "SELECT 1"); got != "1" {
		t.Errorf("answer: %q", got)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "build-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestServerKilled(t *testing.T) {
	t.Parallel()
	dir := copied(t)
	c := started(t, Options{Dir: dir, Durable: true})
	query(t, c.URL(), "CREATE TABLE kept AS SELECT 7 AS n")
	conn, err := pgx.Connect(t.Context(), c.URL())
	if err != nil {
		t.Fatal(err)
	}

	// A backend that computes does not notice the end of its server, and keeps the memory in use.
	busy := make(chan error, 1)
	go func() {
		_, err := conn.Exec(context.Background(), "DO $$ BEGIN LOOP END LOOP; END $$")
		busy <- err
	}()
	eventually(t, "the busy backend", func() bool {
		return query(t, c.URL(), "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO%'") == "1"
	})
	if err := syscall.Kill(c.server.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}

	<-c.Done()
	if c.Err() == nil {
		t.Error("no error after the server was killed")
	} else {
		checkLine(t, c.Err().Error(), "ended by itself", "killed", "server.log")
	}

	stop(t, c)
	c = started(t, Options{Dir: dir})
	if err := <-busy; err == nil {
		t.Error("the busy backend finished, so this test shows nothing")
	}
	if got := query(t, c.URL(), "SELECT n FROM kept"); got != "7" {
		t.Errorf("kept row: %q", got)
	}
}

// A server that is killed again and again goes on with the same data and address.
func TestRestartAfterKill(t *testing.T) {
	t.Parallel()
	c := started(t, Options{Dir: copied(t), Durable: true})
	url := c.URL()
	query(t, url, "CREATE TABLE kept (n int)")
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGINT, syscall.SIGQUIT} {
		query(t, url, "INSERT INTO kept VALUES (1)")
		if err := syscall.Kill(c.server.cmd.Process.Pid, signal); err != nil {
			t.Fatal(err)
		}
		<-c.Done()
		if err := c.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if c.URL() != url || c.Err() != nil {
			t.Errorf("after %s at %s, was at %s: %v", signal, c.URL(), url, c.Err())
		}
	}
	if got := query(t, url, "SELECT count(*) FROM kept"); got != "3" {
		t.Errorf("%s rows are kept, want 3", got)
	}
}

func TestBackendKilled(t *testing.T) {
	t.Parallel()
	c := started(t, Options{Dir: copied(t)})
	pid, err := strconv.Atoi(query(t, c.URL(), "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "answers after recovery", func() bool {
		conn, err := pgx.Connect(t.Context(), c.URL())
		if err != nil {
			return false
		}
		defer conn.Close(t.Context()) //nolint:errcheck // only an attempt
		return conn.Ping(t.Context()) == nil
	})
	if c.Err() != nil {
		t.Errorf("the server survives this: %v", c.Err())
	}
}

// A cluster starts on a folder whose last server was killed and whose process id now belongs to
// someone else: a harmless process of the same account, then the server of a copy.
func TestStaleProcessNumber(t *testing.T) {
	t.Parallel()
	dir := copied(t)
	account, err := serverAccount(filepath.Join(dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	other := account.command(t.Context(), entrance{}, "sleep", "600")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer other.Wait()         //nolint:errcheck // killed when the test ends
	defer other.Process.Kill() //nolint:errcheck // it may have ended
	pidFile := filepath.Join(dir, "data", "postmaster.pid")
	write(t, pidFile, fmt.Sprintf("%d\n/proc/self/fd/3\n1700000000\n5432\n\n127.0.0.1\n 123456 7\nready   \n", other.Process.Pid))
	own(t, account, pidFile)
	stop(t, started(t, Options{Dir: dir}))
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the other process was ended: %v", err)
	}

	running := started(t, Options{Dir: copied(t)})
	foreign, err := os.ReadFile(running.folder.pidFile())
	if err != nil {
		t.Fatal(err)
	}
	write(t, pidFile, string(foreign))
	own(t, account, pidFile)
	started(t, Options{Dir: dir})
	if got := query(t, running.URL(), "SELECT 1"); got != "1" {
		t.Errorf("the other server answers %q", got)
	}
}

func TestEmptyProcessFile(t *testing.T) {
	t.Parallel()
	dir := copied(t)
	write(t, filepath.Join(dir, "data", "postmaster.pid"), "")
	started(t, Options{Dir: dir})
}

func own(t *testing.T, a account, path string) {
	t.Helper()
	if err := a.own(path); err != nil {
		t.Fatal(err)
	}
}
