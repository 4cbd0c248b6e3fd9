package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// role makes the test binary run as withpostgres itself, or as the command that it runs.
const role = "WITHPOSTGRES_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "withpostgres":
		if err := os.Setenv(role, "command"); err != nil {
			panic(err)
		}
		main()
	case "command":
		os.Exit(command(os.Args[1]))
	default:
		// A script's background job ignores SIGINT, and so would all that it starts. What a program
		// catches has its default again in the programs that it starts.
		if signal.Ignored(syscall.SIGINT) {
			signal.Notify(make(chan os.Signal, 1), syscall.SIGINT)
		}
		os.Exit(m.Run())
	}
}

// command prints its database's answer and exits with 7; told to wait, it does that until a signal
// ends it, or its input does; told to leave, it leaves a temporary folder behind and says where.
func command(mode string) int {
	if mode == "tell" {
		fmt.Println(os.Getenv(variable))
		return 7
	}
	if mode == "leave" {
		folder, err := os.MkdirTemp("", "left-")
		fmt.Println(folder, err)
		return 7
	}
	conn, err := pgx.Connect(context.Background(), os.Getenv(variable))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	var name, connections string
	err = conn.QueryRow(context.Background(), "SELECT current_user, current_setting('max_connections')").Scan(&name, &connections)
	fmt.Println(name, connections, err)
	if mode == "wait" {
		if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
			return 1
		}
	}
	return 7
}

// withpostgres prepares a run whose temporary folder is dir.
func withpostgres(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, variable+"=") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	cmd.Env = append(cmd.Env, role+"=withpostgres", "TMPDIR="+dir)
	return cmd
}

func code(t *testing.T, err error) int {
	t.Helper()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatalf("ended with %v", err)
	}
	return exit.ExitCode()
}

func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRunsCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out, err := withpostgres(dir, "--", os.Args[0], "ask").Output()
	if got := code(t, err); got != 7 {
		t.Errorf("exit code %d, want the command's", got)
	}
	if got := string(out); got != "postgres 400 <nil>\n" {
		t.Errorf("command says %q", got)
	}
	checkEmpty(t, dir)
}

// If there is room in memory, the command's temporary files are there too, and are removed with the
// cluster.
func TestTemporaryFilesInMemory(t *testing.T) {
	t.Parallel()
	cmd := withpostgres("", os.Args[0], "leave")
	out, err := cmd.Output()
	if got := code(t, err); got != 7 {
		t.Errorf("exit code %d, want the command's", got)
	}
	folder, problem, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if problem != "<nil>" {
		t.Fatalf("command says %s", out)
	}

	_, statErr := os.Stat(folder)
	if strings.HasPrefix(folder, memory) {
		if !os.IsNotExist(statErr) {
			t.Errorf("%s is left behind: %v", folder, statErr)
		}
		return
	}

	// the tests run where memory is scarce, or not on Linux
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err == nil && fs.Bavail >= memoryLeft/uint64(fs.Bsize) { //nolint:gosec // positive
		t.Errorf("temporary files are in %s", folder)
	}
	if err := os.Remove(folder); err != nil {
		t.Error(err)
	}
}

func TestGivenDatabaseIsUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := withpostgres(dir, os.Args[0], "tell")
	cmd.Env = append(cmd.Env, variable+"=postgres://somewhere")
	out, err := cmd.Output()
	if got := code(t, err); got != 7 || string(out) != "postgres://somewhere\n" {
		t.Errorf("exit code %d, output %q", got, out)
	}
	checkEmpty(t, dir)
}

func TestExitCodesOfMistakes(t *testing.T) {
	t.Parallel()
	for want, args := range map[int][]string{2: {"--"}, 127: {"no-such-command"}} {
		if got := code(t, withpostgres(t.TempDir(), args...).Run()); got != want {
			t.Errorf("%v: exit code %d, want %d", args, got, want)
		}
	}
}

// waiting starts a command that waits and returns when it has its database.
func waiting(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := withpostgres(dir, os.Args[0], "wait")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() }) //nolint:errcheck // ends what is left of a killed run
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "postgres 400 <nil>\n" {
		t.Fatalf("command says %q, %v", line, err)
	}
	return cmd
}

func TestSignalsArePassedOn(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cmd := waiting(t, dir)
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if got, want := code(t, cmd.Wait()), 128+int(sig); got != want {
				t.Errorf("exit code %d, want %d", got, want)
			}
			checkEmpty(t, dir)
		})
	}
}

func TestSignalWhileStarting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := withpostgres(dir, os.Args[0], "ask")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if found, err := filepath.Glob(filepath.Join(dir, "*", "build-*")); err == nil && len(found) > 0 {
			break
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it does not begin")
		}
	}

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := code(t, cmd.Wait()); got != 1 {
		t.Errorf("exit code %d, want 1", got)
	}
	checkEmpty(t, dir)
}

// A run removes what an earlier, killed one left, but neither a folder in use nor a young one.
func TestSweepRemovesLeftFolders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	killed := waiting(t, dir)
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}

	killed.Wait() //nolint:errcheck // killed
	left := age(t, dir)
	running := waiting(t, dir)
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("the killed run's folder is still there: %v", err)
	}

	inUse := age(t, dir)
	young := filepath.Join(dir, folderPrefix+"young")
	if err := os.Mkdir(young, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := withpostgres(dir, os.Args[0], "ask").Run(); code(t, err) != 7 {
		t.Errorf("next run: %v", err)
	}

	for _, folder := range []string{inUse, young} {
		if _, err := os.Stat(folder); err != nil {
			t.Errorf("was removed: %v", err)
		}
	}

	if err := running.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := code(t, running.Wait()); got != 128+int(syscall.SIGTERM) {
		t.Errorf("exit code %d", got)
	}
}

// age makes the only folder in dir look old.
func age(t *testing.T, dir string) string {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(dir, folderPrefix+"*"))
	if err != nil || len(folders) != 1 {
		t.Fatalf("folders: %v, %v", folders, err)
	}
	hour := time.Now().Add(-time.Hour)
	if err := os.Chtimes(folders[0], hour, hour); err != nil {
		t.Fatal(err)
	}
	return folders[0]
}
