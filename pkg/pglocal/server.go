package pglocal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// server is one run of the postgres program.
type server struct {
	cmd      *exec.Cmd
	log      string // path of its log
	logStart int64  // where this run's part of the log begins, in bytes
	done     chan struct{}
	waitErr  error // set before done is closed
	stopping atomic.Bool
}

// parentDeathSignal asks PostgreSQL for a fast shutdown when we die without stopping it, where the
// system can do that. Tests switch it off, for nothing may depend on it.
var parentDeathSignal = syscall.SIGINT

// startServer starts the program and watches it. The goroutine keeps its thread until the server
// has ended, because the kernel sends the parent death signal when the starting thread ends.
func startServer(cmd *exec.Cmd) (*server, error) {
	dieWithParent(cmd.SysProcAttr)
	s := &server{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		s.waitErr = cmd.Wait()
		close(s.done)
	}()
	return s, <-started
}

// runTied runs a program to its end, on a thread of its own like startServer, and returns what it
// wrote.
func runTied(cmd *exec.Cmd) (string, error) {
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	s, err := startServer(cmd)
	if err != nil {
		return "", err
	}
	<-s.done
	return out.String(), s.waitErr
}

// exit says how the program ended.
func (s *server) exit() string {
	if s.waitErr == nil {
		return "exit status 0"
	}
	return s.waitErr.Error()
}

// lastWords are the last lines of the log. They are not searched for errors, as a failed start's
// are: a log of days holds errors of statements too.
func (s *server) lastWords() string {
	out, err := s.readLog()
	if err != nil {
		return err.Error()
	}
	return lastLines(out, 3)
}

// readLog returns this run's part of the log, its last 64 KiB at most.
func (s *server) readLog() (string, error) {
	file, err := os.Open(s.log)
	if err != nil {
		return "", fmt.Errorf("read server log: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return "", fmt.Errorf("read server log: %w", err)
	}
	from := max(s.logStart, info.Size()-64<<10)
	raw, err := io.ReadAll(io.NewSectionReader(file, from, info.Size()-from))
	if err != nil {
		return "", fmt.Errorf("read server log: %w", err)
	}
	return string(raw), nil
}

// spawn starts postgres on the data folder.
func (c *Cluster) spawn(marker string, env []string) (s *server, err error) {
	in, err := c.account.enter(c.folder.data())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.close()) }() // the child has its own by then
	log, size, err := c.folder.openServerLog()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	args := append([]string{"-D", in.path}, c.settings(marker)...)
	cmd := c.account.command(context.Background(), in, c.binaries.program("postgres"), args...)
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdout, cmd.Stderr = log, log
	if s, err = startServer(cmd); err != nil {
		return nil, fmt.Errorf("start PostgreSQL as user %s: %w", c.account.name, err)
	}
	s.log, s.logStart = c.folder.serverLog(), size
	return s, nil
}

// How often we look whether the server is ready, and how often we say that it is not yet.
const (
	readyEvery  = 10 * time.Millisecond
	readyNotice = 5 * time.Second
)

var errEnded = errors.New("PostgreSQL did not start")

// waitReady waits until the server says in its postmaster.pid that it takes connections. It returns
// errEnded when the server ended instead. Recovery after a crash may take its time, so only ctx
// limits the waiting.
func (c *Cluster) waitReady(ctx context.Context, s *server) error {
	poll, notice := time.NewTicker(readyEvery), time.NewTicker(readyNotice)
	defer poll.Stop()
	defer notice.Stop()
	for {
		select {
		case <-s.done:
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("start PostgreSQL: %w", context.Cause(ctx))
		case <-notice.C:
			c.log.Info("PostgreSQL is still starting, recovering after a crash most likely", "log", s.log)
		case <-poll.C:
			if pid, status := c.folder.postmaster(); pid == s.cmd.Process.Pid && status == "ready" {
				return nil
			}
		}
	}
}

// postmaster reads process id and status from the file that a running server keeps in its folder; 0
// if there is none.
func (f *folder) postmaster() (pid int, status string) {
	raw, err := os.ReadFile(f.pidFile())
	if err != nil {
		return 0, ""
	}
	lines := strings.Split(string(raw), "\n")
	pid, err = strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil {
		return 0, ""
	}
	if len(lines) > 7 {
		status = strings.TrimSpace(lines[7])
	}
	return pid, status
}

// shutDown ends our server: fast, then immediately, then by force.
func (c *Cluster) shutDown(ctx context.Context) error {
	s := c.server
	s.stopping.Store(true)
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{
		{syscall.SIGINT, fastShutdownTimeout},
		{syscall.SIGQUIT, immediateShutdownTimeout},
		{syscall.SIGKILL, immediateShutdownTimeout},
	} {
		if step.signal != syscall.SIGINT {
			c.log.Warn("PostgreSQL takes long to stop", "signal", step.signal.String())
			ctx = context.WithoutCancel(ctx) // ctx has shortened the first wait already
		}
		if err := s.cmd.Process.Signal(step.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stop PostgreSQL: %w", err)
		}
		timer := time.NewTimer(step.wait)
		select {
		case <-s.done:
			timer.Stop()
			return nil
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}

	return fmt.Errorf("stop PostgreSQL: process %d does not end", s.cmd.Process.Pid)
}
