//go:build !linux

package pglocal

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent does nothing here: the next Start stops what was left running.
func dieWithParent(*syscall.SysProcAttr) {}

// commandLine is a process's command line; "" for a dead process.
func commandLine(pid int) string {
	out, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// processes lists the ids of all processes that we can see.
func processes() []int {
	out, err := exec.Command("ps", "-axo", "pid=").Output()
	if err != nil {
		return nil
	}
	var pids []int
	for _, field := range strings.Fields(string(out)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
