package pglocal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// endOrphan ends the server that an earlier process left behind in the folder, if any: we could not
// watch it, and settings may have changed. Its result goes into the new server's environment:
// PostgreSQL refuses to start while the process in postmaster.pid is alive, though any process may
// have been given that id later, unless it is told that the process is a relative (as pg_ctl does).
func (c *Cluster) endOrphan(ctx context.Context) ([]string, error) {
	if _, err := os.Stat(c.folder.pidFile()); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	marker, err := c.folder.marker()
	if err != nil {
		return nil, err
	}
	pid, _ := c.folder.postmaster()
	if pid != 0 && !isServer(pid, marker) {
		return []string{"PG_GRANDPARENT_PID=" + strconv.Itoa(pid)}, nil
	}
	if pid == 0 {
		// Without a number in it: a server is just starting, or the machine crashed at that moment.
		if pid = findServer(marker); pid == 0 {
			if err := os.Remove(c.folder.pidFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("remove empty postmaster.pid: %w", err)
			}
			return nil, nil
		}
	}
	return nil, c.stopOrphan(ctx, pid, marker)
}

// stopOrphan shuts a server down that is not our child: fast, then immediately, then by force.
func (c *Cluster) stopOrphan(ctx context.Context, pid int, marker string) error {
	c.log.Info("stopping the PostgreSQL that an earlier run left behind", "pid", pid)
	began, signal := time.Now(), syscall.SIGINT
	for isServer(pid, marker) {
		if waited := time.Since(began); waited > fastShutdownTimeout+immediateShutdownTimeout {
			signal = syscall.SIGKILL
		} else if waited > fastShutdownTimeout {
			signal = syscall.SIGQUIT
		}
		err := syscall.Kill(pid, signal)
		if errors.Is(err, syscall.ESRCH) {
			return nil
		}
		if err == nil && !wait.Sleep(ctx, readyEvery) {
			err = context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("stop the PostgreSQL that an earlier run left behind (pid %d): %w", pid, err)
		}
	}
	return nil
}

// isServer reports whether a process is the main server process of the cluster with this marker.
func isServer(pid int, marker string) bool {
	return strings.Contains(commandLine(pid)+" ", " cluster_name="+marker+" ")
}

// findServer looks for the main server process among all; it returns 0 if there is none.
func findServer(marker string) int {
	for _, pid := range processes() {
		if isServer(pid, marker) {
			return pid
		}
	}
	return 0
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
