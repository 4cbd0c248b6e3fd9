// Command withpostgres runs a command with a throw-away PostgreSQL, whose superuser address the
// command finds in TEST_DATABASE_URL:
//
//	go run ./pkg/pglocal/cmd/withpostgres -- go test ./...
//
// With TEST_DATABASE_URL already set it just runs the command.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pglocal"
)

const (
	variable     = "TEST_DATABASE_URL" // carries the cluster's address to the command
	folderPrefix = "withpostgres-"     // of the clusters' folders among the temporary ones
)

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: withpostgres [--] command [argument…]")
		os.Exit(2)
	}
	// Signals are caught from the beginning, so that nothing is left behind however early one
	// comes.
	signals := make(chan os.Signal, 8)
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) { // nohup, or a shell's background job
			signal.Notify(signals, s)
		}
	}
	code, err := run(args, signals)
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
	}
	os.Exit(code)
}

// run returns the code to exit with: the command's own, 128 + n when signal n ended it, 127 when
// there is no such command, 1 when something else went wrong.
func run(args []string, signals <-chan os.Signal) (code int, err error) {
	if os.Getenv(variable) != "" {
		return runCommand(args, os.Environ(), signals)
	}
	if _, err := exec.LookPath(args[0]); err != nil {
		return 127, fmt.Errorf("find command: %w", err)
	}

	temporary := temporaryFolder()
	sweep(temporary)
	dir, err := os.MkdirTemp(temporary, folderPrefix)
	if err != nil {
		return 1, fmt.Errorf("make folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cluster, err := start(dir, signals)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, cluster.Stop(context.Background())) }()

	env := append(os.Environ(), variable+"="+cluster.URL())
	if temporary == memory {
		files, err := temporaryFiles(dir)
		if err != nil {
			return 1, err
		}
		env = append(env, files...)
	}

	return runCommand(args, env, signals)
}

// memory is where Linux has a file system in memory. Tests make and delete some hundred thousand
// small files: 300 for each database, 30 for each broker. On ext4 the kernel took half of the
// database server's processor time, and a sixth of a shop's start, to find inodes for them.
const (
	memory     = "/dev/shm"
	memoryLeft = 2 << 30 // bytes; make test takes less than 1 GiB of them
)

// temporaryFolder is where the cluster's folder is made: where TMPDIR says, otherwise in memory if
// there is enough of it.
func temporaryFolder() string {
	var fs syscall.Statfs_t
	if os.Getenv("TMPDIR") != "" || syscall.Statfs(memory, &fs) != nil ||
		fs.Bavail < memoryLeft/uint64(fs.Bsize) { //nolint:gosec // a size of blocks is positive
		return os.TempDir()
	}
	return memory
}

// temporaryFiles is the environment in which a command's temporary files are in the cluster's
// folder in memory, and removed with it. Files that go builds are too large for that.
func temporaryFiles(dir string) ([]string, error) {
	files := filepath.Join(dir, "tmp")
	if err := os.Mkdir(files, 0o711); err != nil { //nolint:gosec // tests run programs as other users
		return nil, fmt.Errorf("make folder for temporary files: %w", err)
	}
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // for tests that run programs as other users
		return nil, fmt.Errorf("let other users through: %w", err)
	}
	env := []string{"TMPDIR=" + files}
	if os.Getenv("GOTMPDIR") == "" {
		env = append(env, "GOTMPDIR="+os.TempDir())
	}
	return env, nil
}

// youngest is the age from which a folder cannot be one that another run is just making.
const youngest = time.Minute

// sweep removes what killed runs left behind in the temporary folder. A folder in use is refused by
// Remove; one that is too young to be sure is left to the next run.
func sweep(temporary string) {
	folders, err := filepath.Glob(filepath.Join(temporary, folderPrefix+"*"))
	if err != nil {
		return
	}
	for _, folder := range folders {
		info, err := os.Lstat(folder)
		if err != nil || !info.IsDir() || time.Since(info.ModTime()) < youngest {
			continue
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Geteuid() {
			continue
		}
		if os.Remove(folder) == nil {
			continue // empty: killed before it began
		}
		if err := pglocal.Remove(context.Background(), folder); err == nil {
			fmt.Fprintln(os.Stderr, "withpostgres: removed what a killed run left behind:", folder)
		}
	}
}

// start brings the cluster up, or gives up at the first signal.
func start(dir string, signals <-chan os.Signal) (*pglocal.Cluster, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	watched := make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case s := <-signals:
			cancel(fmt.Errorf("stopped by signal: %s", s))
		case <-stop:
		}
	}()
	cluster, err := pglocal.Start(ctx, pglocal.Options{
		Dir:      dir,
		Install:  true,
		Settings: map[string]string{"max_connections": "400", "max_wal_size": "128MB"},
		Log:      slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	close(stop)
	<-watched
	if cause := context.Cause(ctx); cause != nil && err == nil {
		return nil, errors.Join(cause, cluster.Stop(context.Background()))
	}
	cancel(nil)
	return cluster, err
}

// runCommand runs the command to its end and passes signals on to it.
func runCommand(args, env []string, signals <-chan os.Signal) (int, error) {
	cmd := exec.CommandContext(context.Background(), args[0], args[1:]...) // it is ended by signals only
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("start command: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if err := cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
				return 1, fmt.Errorf("pass signal on: %w", err)
			}
		case err := <-done:
			return exitCode(err)
		}
	}
}

func exitCode(err error) (int, error) {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		if err != nil {
			return 1, fmt.Errorf("run command: %w", err)
		}
		return 0, nil
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}
