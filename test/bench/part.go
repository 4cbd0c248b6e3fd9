package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// roleVariable tells this binary which process of a run to be.
const roleVariable = "SHOPBENCH_ROLE"

// profileVariable names the file for a role's CPU profile.
const profileVariable = "SHOPBENCH_PROFILE"

// part is a process of the run: this binary in one of its roles.
type part struct {
	role  string
	cmd   *exec.Cmd
	in    io.WriteCloser // the process ends when this is closed
	lines *bufio.Scanner
	log   string
	began time.Time
}

// start starts a role with settings, and writes input to it.
func (b *bench) start(role, input string, env ...string) (*part, error) {
	return b.startProgram("", role, input, env...)
}

// startProgram is start for another program in that role; "" is this one.
func (b *bench) startProgram(program, role, input string, env ...string) (_ *part, err error) {
	var args []string
	if program != "" && role == "shop" { // this binary gets its role from the environment
		args = []string{"run"}
	}
	if program == "" {
		if program, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find this program: %w", err)
		}
	}

	p := &part{role: role, cmd: exec.CommandContext(context.Background(), program, args...),
		log: filepath.Join(b.dir, role+".log")} //nolint:gosec // our own program, or the one that -binary names
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "USER"} {
		p.cmd.Env = append(p.cmd.Env, name+"="+os.Getenv(name))
	}
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Env = append(p.cmd.Env, roleVariable+"="+role)
	if b.profile != "" {
		p.cmd.Env = append(p.cmd.Env, profileVariable+"="+filepath.Join(b.profile,
			fmt.Sprintf("%s-%d.pprof", role, time.Now().UnixMilli())))
	}

	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", role, err)
	}
	defer log.Close() //nolint:errcheck // the process has its own handle
	p.cmd.Stderr = log

	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	p.lines = bufio.NewScanner(out)

	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	if _, err := io.WriteString(p.in, input+"\n"); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", role, err), p.stop())
	}
	return p, nil
}

// awaitLine waits for a line of the process that begins with a word, and returns the rest of it.
func (p *part) awaitLine(word string) (string, error) {
	for p.lines.Scan() {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(p.lines.Text()), word); ok {
			return strings.TrimSpace(rest), nil
		}
	}
	return "", fmt.Errorf("%s ended early; its log is %s", p.role, p.log)
}

// stop ends the process as Ctrl-C would.
func (p *part) stop() error {
	if p == nil || p.cmd.ProcessState != nil {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s: %w", p.role, err)
	}
	for p.lines.Scan() { // to the end, or the process would wait for a reader
		continue
	}
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%s ended with %w; its log is %s", p.role, err, p.log)
	}
	return nil
}

// memory is the resident memory of the process in MiB, or 0 if the system does not tell.
func (p *part) memory() float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(v)[0], 64)
			if err != nil {
				return 0
			}
			return kib / 1024
		}
	}
	return 0
}

// ticksPerSecond is the unit of processor times under /proc, the same on all Linux machines.
const ticksPerSecond = 100

// cpu is the processor time that the process has used, or 0 if the system does not tell.
func (p *part) cpu() time.Duration {
	own, _, _ := processorTime(p.cmd.Process.Pid)
	return own
}

// processorTime returns the time that a process and its ended children have used, and the id of its
// parent.
func processorTime(pid int) (own, children time.Duration, parent int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, 0
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name before it may contain spaces
	fields := strings.Fields(rest)
	if len(fields) < 15 {
		return 0, 0, 0
	}
	number := func(i int) int64 {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0
		}
		return n
	}
	ticks := func(n int64) time.Duration { return time.Duration(n) * time.Second / ticksPerSecond }
	return ticks(number(11) + number(12)), ticks(number(13) + number(14)), int(number(1))
}

// databaseCPU is the processor time that PostgreSQL has used, all its processes together.
func (w *backing) databaseCPU() time.Duration {
	text, err := os.ReadFile(filepath.Join(w.folder, "data", "postmaster.pid"))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	postmaster, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return 0
	}

	own, ended, _ := processorTime(postmaster)
	total := own + ended
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0
	}

	for _, path := range processes {
		pid, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			continue
		}
		if used, _, parent := processorTime(pid); parent == postmaster {
			total += used
		}
	}
	return total
}

// wait polls until a condition holds.
func wait(ctx context.Context, limit, every time.Duration, what string, condition func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		ok, err := condition()
		if ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("after %s still not: %s", limit, what)
		}
	}
}
