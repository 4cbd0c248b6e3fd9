package pglocal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	launchTries   = 200                   // together with launchPause about ten seconds
	launchPause   = 50 * time.Millisecond // between tries
	strayPatience = 40                    // tries before remains of a killed server are killed too
)

// launch starts the server and tries again where the reason of a failure passes by itself or can be
// removed: remains of an earlier server, a port taken in between, a missing compression.
func (c *Cluster) launch(ctx context.Context) error {
	marker, err := c.folder.marker()
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		env, err := c.settle(ctx)
		if err != nil {
			return err
		}
		if err := c.choosePort(); err != nil {
			return err
		}
		s, err := c.spawn(marker, env)
		if err != nil {
			return err
		}
		c.server = s
		err = c.waitReady(ctx, s)
		if err == nil {
			return writeFile(c.folder.portFile(), strconv.Itoa(c.port))
		}
		if !errors.Is(err, errEnded) {
			return errors.Join(err, c.shutDown(context.WithoutCancel(ctx)))
		}
		out, logErr := s.readLog()
		if logErr != nil || try >= launchTries || !c.retryable(out, marker, try) {
			return errors.Join(fmt.Errorf("%w (%s): %s", errEnded, s.exit(), reason(out)), logErr)
		}
		if err := pause(ctx, launchPause); err != nil {
			return fmt.Errorf("start PostgreSQL: %w: %s", err, reason(out))
		}
	}
}

// retryable decides from a failed server's output whether to try again, and removes the cause where
// it can.
func (c *Cluster) retryable(out, marker string, try int) bool {
	has := func(text string) bool { return strings.Contains(out, text) }
	switch {
	case has("pre-existing shared memory block"):
		// Processes of a killed server are still at work; they mostly end within milliseconds. One
		// with a long statement would not for long, and its work is lost anyway.
		if try >= strayPatience {
			c.killRemains(marker)
		}
		return true
	case has("could not bind"), has("Address already in use"), has("could not create any TCP/IP sockets"):
		c.port = 0
		return c.opts.Port == 0
	case has(`lock file "postmaster.pid"`):
		return true
	case has(`invalid value for parameter "wal_compression"`) && !c.noLZ4:
		c.noLZ4 = true
		return true
	}
	return false
}

// settle deals with the server that postmaster.pid names, if any. One of ours that outlived its
// process is stopped: we could not watch it, and settings may have changed. What it returns goes into
// the new server's environment: PostgreSQL refuses to start when the named process is alive, though
// it may be any process that got the number later, unless told that it is a relative (pg_ctl's way).
func (c *Cluster) settle(ctx context.Context) ([]string, error) {
	pid, _ := c.folder.postmaster()
	if pid == 0 {
		return nil, nil
	}
	marker, err := c.folder.marker()
	if err != nil {
		return nil, err
	}
	if !isServer(pid, marker) {
		return []string{"PG_GRANDPARENT_PID=" + strconv.Itoa(pid)}, nil
	}
	c.log.Info("stopping the PostgreSQL that an earlier run left behind", "pid", pid)
	began, signal := time.Now(), syscall.SIGINT
	for isServer(pid, marker) {
		if waited := time.Since(began); waited > fastShutdownWait+immediateShutdownWait {
			signal = syscall.SIGKILL
		} else if waited > fastShutdownWait {
			signal = syscall.SIGQUIT
		}
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return nil, fmt.Errorf("stop the PostgreSQL that an earlier run left behind (pid %d): %w", pid, err)
		}
		if err := pause(ctx, readyPoll); err != nil {
			return nil, fmt.Errorf("stop the PostgreSQL that an earlier run left behind (pid %d): %w", pid, err)
		}
	}
	return nil, nil
}

// isServer tells whether a process is the main server process of the cluster with this marker.
func isServer(pid int, marker string) bool {
	return strings.Contains(commandLine(pid)+" ", " cluster_name="+marker+" ")
}

// killRemains ends the processes of a cluster whose main process is gone.
func (c *Cluster) killRemains(marker string) {
	for _, pid := range processes() {
		if pid == os.Getpid() || !strings.HasPrefix(commandLine(pid), "postgres: "+marker+":") {
			continue
		}
		err := syscall.Kill(pid, syscall.SIGKILL)
		c.log.Warn("killed a process that a dead PostgreSQL left behind", "pid", pid, "err", err)
	}
}

// Ports are chosen below the ranges that systems use for outgoing connections, so that the one
// remembered is mostly still free at the next start.
const portFrom, portTo = 15000, 32000

// choosePort takes the port asked for, else the one used last, else any that is free.
func (c *Cluster) choosePort() error {
	if c.opts.Port != 0 {
		c.port = c.opts.Port
		if err := portFree(c.port); err != nil {
			return fmt.Errorf("port %d for PostgreSQL is taken: %w", c.port, err)
		}
		return nil
	}
	if c.port == 0 {
		// Unreadable or nonsense counts as none.
		c.port, _ = strconv.Atoi(readLine(c.folder.portFile()))
	}
	for range 1000 {
		if c.port > 0 && c.port < 1<<16 && portFree(c.port) == nil {
			return nil
		}
		c.port = portFrom + rand.IntN(portTo-portFrom)
	}
	return fmt.Errorf("no free port for PostgreSQL between %d and %d", portFrom, portTo)
}

func portFree(port int) error {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return listener.Close()
}

// ensureDatabase makes the database when it is missing.
func (c *Cluster) ensureDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, c.url("postgres"))
	if err != nil {
		if strings.Contains(err.Error(), "28P01") {
			return fmt.Errorf("the password in %s is not the cluster's: remove the file to have a new one set", c.folder.passwordFile())
		}
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the work is done
	var exists bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", c.opts.Database).Scan(&exists)
	if err == nil && !exists {
		_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{c.opts.Database}.Sanitize())
	}
	if err != nil {
		return fmt.Errorf("make database %s: %w", c.opts.Database, err)
	}
	return nil
}
