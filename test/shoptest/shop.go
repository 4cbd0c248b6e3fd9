// Package shoptest starts the whole shop as a process of its own, as `make run` does. Tests look at
// it from outside: over HTTP, in its inbox, in Stripe's ledger, in the database, and after kill -9.
package shoptest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/allinone"
	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Shop is a running shop.
type Shop struct {
	// Addresses of the shop's parts: "http://127.0.0.1:1234".
	URL, Inbox, StandIn, Monitor, Metrics, Webhook string
	// Admin is the back office, AdminLink the link that signs in its first person, once.
	Admin, AdminLink string
	// NATS is the broker's client address, with the login of staff.
	NATS        string
	DatabaseURL string
	DataDir     string

	tb    testing.TB
	build func() (string, error)
	env   []string
	cmd   *exec.Cmd
	done  chan error
	logs  *logs
	mu    sync.Mutex
	pools map[string]*pgxpool.Pool
}

// Options configure a shop for Start.
type Options struct {
	// Env holds settings, "NAME=value". They win over Start's own.
	Env []string
	// DatabaseURL is a database to use instead of a fresh one.
	DatabaseURL string
	// OwnDatabase makes the shop start a PostgreSQL of its own in its data folder.
	OwnDatabase bool
	// Faults builds the shop with its crash points (pkg/fault); the setting FAULT chooses one.
	Faults bool
}

// build makes the shop's binary once for all tests of a process, unless SHOP_BINARY names one.
var build = sync.OnceValues(func() (string, error) {
	if binary := os.Getenv("SHOP_BINARY"); binary != "" {
		return binary, nil
	}
	return compile()
})

// buildFaults makes the binary with crash points.
var buildFaults = sync.OnceValues(func() (string, error) { return compile(fault.Armed) })

func compile(flags ...string) (string, error) {
	dir, err := os.MkdirTemp("", "shoptest")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "shop")
	return binary, compileTo(binary, "allinone/cmd/shop", flags...)
}

// compileTo builds one of the repository's commands.
func compileTo(binary, command string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-o", binary}, flags...)
	cmd := exec.Command("go", append(args,
		"github.com/startupwebapp/startupwebapp/"+command)...) //nolint:gosec // our own command
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // the same as make, so that compiled packages are shared
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("build %s: %w\n%s", command, err, out)
	}
	return nil
}

// Start starts a shop with ports, a database and a data folder of its own, and waits until it is
// open. The shop is stopped at the end of the test.
func Start(tb testing.TB, o Options) *Shop {
	tb.Helper()
	s := &Shop{tb: tb, build: build, DataDir: tb.TempDir(), DatabaseURL: o.DatabaseURL,
		pools: map[string]*pgxpool.Pool{}}
	if o.Faults {
		s.build = buildFaults
	}
	if s.DatabaseURL == "" && !o.OwnDatabase {
		s.DatabaseURL = FreshDatabase(tb)
	}

	for _, name := range []string{"EDGE_ADDR", "WEBHOOK_ADDR", "USER_ADDR", "ORDER_ADDR", "EVENTS_ADDR", "MAILER_ADDR",
		"ADMIN_ADDR", "NATS_ADDR",
		"NATS_MONITOR_ADDR", "STANDIN_ADDR", "MAIL_INBOX_HTTP_ADDR", "MAIL_INBOX_SMTP_ADDR"} {
		// Ports stay the same after a restart, as in a shop whose settings name them.
		s.env = append(s.env, name+"="+testenv.Port(tb))
	}
	s.env = append(s.env, "DATA_DIR="+s.DataDir, "DATABASE_URL="+s.DatabaseURL, "PATH="+os.Getenv("PATH"),
		"HOME="+os.Getenv("HOME"))
	s.env = append(s.env, o.Env...)

	s.start(true)
	tb.Cleanup(func() {
		if s.cmd != nil {
			s.Stop()
		}
		if tb.Failed() {
			tb.Logf("the shop's log ends with:\n%s", s.logs.tail(60))
		}
	})
	return s
}

// FreshDatabase creates a database with the shop's tables, which is dropped at the end of the test.
func FreshDatabase(tb testing.TB) string {
	tb.Helper()
	var schemas []testenv.Schema
	for _, m := range allinone.Schemas() {
		schemas = append(schemas, testenv.Schema{Service: m.Service, Sets: m.Sets})
	}
	return testenv.Database(tb, schemas...)
}

// start runs the binary.
func (s *Shop) start(wait bool) {
	s.tb.Helper()
	binary, err := s.build()
	if err != nil {
		s.tb.Fatal(err)
	}
	s.cmd = exec.Command(binary, "run") //nolint:gosec // our own binary
	s.cmd.Env = s.env

	if s.logs == nil {
		s.logs = &logs{}
	}
	s.cmd.Stderr = s.logs
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.tb.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}

	open := make(chan map[string]string, 1)
	s.done = make(chan error, 1)
	go func() {
		open <- addresses(bufio.NewScanner(out))
		s.done <- s.cmd.Wait()
	}()

	if wait {
		s.opened(open)
	}
}

func (s *Shop) opened(open <-chan map[string]string) {
	s.tb.Helper()
	select {
	case a := <-open:
		if a["Shop"] == "" {
			err := <-s.done
			s.cmd = nil // it has ended: nothing is left to stop
			s.tb.Fatalf("the shop does not open: %v\n%s", err, s.logs.tail(30))
		}
		for field, address := range map[*string]string{
			&s.URL: a["Shop"], &s.Inbox: a["Mail inbox"], &s.StandIn: a["Stripe stand-in"],
			&s.Monitor: a["NATS monitoring"],
			&s.NATS:    s.Setting("NATS_URL"), &s.Admin: a["Back office"], &s.AdminLink: a["Sign in there, once"],
			&s.Metrics: strings.TrimSuffix(a["Metrics"], "/metrics"),
			&s.Webhook: strings.TrimSuffix(a["Webhook"], "/order/stripe-webhook"),
		} {
			if *field != address { // unchanged fields are not written: browsers may be reading them
				*field = address
			}
		}
	case <-time.After(90 * time.Second):
		s.Kill()
		s.tb.Fatalf("the shop does not open within 90 s\n%s", s.logs.tail(30))
	}
}

// Setting is a setting that the shop wrote down for staff's commands.
func (s *Shop) Setting(name string) string {
	s.tb.Helper()
	text, err := os.ReadFile(filepath.Join(s.DataDir, "settings"))
	if err != nil {
		s.tb.Fatal(err)
	}
	_, value, ok := strings.Cut("\n"+string(text), "\n"+name+"='")
	if !ok {
		s.tb.Fatalf("the settings for commands name no %s", name)
	}
	value, _, _ = strings.Cut(value, "'\n")
	return value
}

// Listener is the address of a part that the shop does not announce, by its setting.
func (s *Shop) Listener(name string) string {
	s.tb.Helper()
	for _, line := range s.env {
		if addr, ok := strings.CutPrefix(line, name+"="); ok {
			return "http://" + addr
		}
	}
	s.tb.Fatalf("no %s", name)
	return ""
}

// addresses reads the list that the shop prints, until the line that ends it.
func addresses(lines *bufio.Scanner) map[string]string {
	found := map[string]string{}
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			break
		}
		if name, value, ok := strings.Cut(strings.TrimSpace(lines.Text()), "  "); ok {
			found[name] = strings.TrimSpace(value)
		}
	}
	return found
}

// Kill kills the process and its children, as a power cut would.
func (s *Shop) Kill() {
	s.tb.Helper()
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.tb.Fatal(err)
	}
	<-s.done
	s.cmd = nil
}

// Stop ends the process as Ctrl-C does, and fails the test unless it ends cleanly.
func (s *Shop) Stop() {
	s.tb.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.tb.Fatal(err)
	}
	select {
	case err := <-s.done:
		if err != nil {
			s.tb.Errorf("the shop ended with %v\n%s", err, s.logs.tail(20))
		}
	case <-time.After(40 * time.Second):
		s.tb.Errorf("the shop does not stop")
		s.Kill()
	}
	s.cmd = nil
}

// Again starts the stopped or killed shop once more, with its data and at its addresses. Settings
// may be added.
func (s *Shop) Again(env ...string) {
	s.tb.Helper()
	s.env = append(s.env, env...)
	s.start(true)
}

// AgainUnseen is Again without waiting until the shop opens, since it may die before.
func (s *Shop) AgainUnseen(env ...string) {
	s.tb.Helper()
	s.env = append(s.env, env...)
	s.start(false)
}

// Ended waits for the process to end by itself, at a crash point, and reports whether it did in
// time.
func (s *Shop) Ended(limit time.Duration) bool {
	select {
	case <-s.done:
		s.cmd = nil
		return true
	case <-time.After(limit):
		return false
	}
}

// Refuse starts a shop that must not start, and returns its exit code and what it printed.
func Refuse(tb testing.TB, env ...string) (code int, stderr string) {
	tb.Helper()
	binary, err := build()
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tb.Context(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "run") //nolint:gosec // our own binary
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, env...)
	var l logs
	cmd.Stderr = &l
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), l.tail(1000)
	}
	tb.Fatalf("the shop ended with %v\n%s", err, l.tail(20))
	return 0, ""
}

// Database opens the shop's database as its owner, with one service's schema in the search path.
func (s *Shop) Database(service string) *pgxpool.Pool {
	s.tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pools[service] == nil {
		owner := s.DatabaseURL
		if owner == "" {
			owner = s.Setting("DATABASE_URL") // its own
		}
		s.pools[service] = testenv.OpenOwner(s.tb, owner, service)
	}
	return s.pools[service]
}

// For is the running shop for one of several tests that share it. Failures are that test's; only
// the test that started the shop stops it.
func (s *Shop) For(tb testing.TB) *Shop {
	return &Shop{URL: s.URL, Inbox: s.Inbox, StandIn: s.StandIn, Monitor: s.Monitor, Metrics: s.Metrics,
		Webhook: s.Webhook,
		NATS:    s.NATS, DatabaseURL: s.DatabaseURL, DataDir: s.DataDir, tb: tb, logs: s.logs,
		pools: map[string]*pgxpool.Pool{}}
}

// Log is the shop's log so far.
func (s *Shop) Log() string { return s.logs.tail(1 << 20) }

// RSS is how much memory the process takes.
func (s *Shop) RSS() (bytes int64) { return s.memory("Rss") }

// PSS is the memory of the process, where each page that it shares with other processes, mostly of
// the same program, counts in part.
func (s *Shop) PSS() (bytes int64) { return s.memory("Pss") }

// OwnMemory is the memory that comes from no file and is shared with no other process: heaps and
// stacks.
func (s *Shop) OwnMemory() (bytes int64) { return s.memory("Anonymous") }

// memory reads one of the kernel's totals about a process's memory.
func (s *Shop) memory(name string) (bytes int64) {
	s.tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", s.cmd.Process.Pid))
	if err != nil {
		s.tb.Fatal(err)
	}
	_, value, found := strings.Cut(string(text), "\n"+name+":")
	if !found {
		s.tb.Fatalf("no %s in %s", name, text)
	}
	var kib int64
	if _, err := fmt.Sscan(value, &kib); err != nil {
		s.tb.Fatal(err)
	}
	return kib << 10
}

// logs holds the output of a process.
type logs struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	return len(b), nil
}

// complaints are the last lines with a warning or an error, or that are not in our log's format.
func (l *logs) complaints(lines int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var some []string
	for line := range strings.Lines(string(l.text)) {
		if !strings.Contains(line, `"level":"INFO"`) && !strings.Contains(line, `"level":"DEBUG"`) {
			some = append(some, line)
		}
	}
	return strings.Join(some[max(0, len(some)-lines):], "")
}

func (l *logs) tail(lines int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := strings.Split(strings.TrimRight(string(l.text), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
