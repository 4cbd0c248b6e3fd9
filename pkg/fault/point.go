package fault

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

// point is a step at which something dies.
type point struct {
	hit  int64 // the time it is reached at which it acts, from 1
	hits atomic.Int64
}

// armed is set by the linker in programs that tests kill. A build tag would have every package
// compiled twice.
var armed string

var (
	points     = parse(os.Getenv("FAULT"))
	victimFile = os.Getenv("FAULT_FILE")
)

func parse(setting string) map[string]*point {
	list := map[string]*point{}
	if armed == "" {
		return list
	}
	for each := range strings.SplitSeq(setting, ",") {
		if each == "" {
			continue
		}
		name, number, ok := strings.Cut(each, ":")
		hit, err := strconv.ParseInt(number, 10, 64)
		if !ok || err != nil || hit < 1 {
			panic(fmt.Sprintf("FAULT is %q: want name:hit", setting))
		}
		list[name] = &point{hit: hit}
	}
	return list
}

// Point marks a step of someone's work, and ends the process, or that of FAULT_FILE, when the
// environment chose it.
func Point(who, step string) {
	if len(points) == 0 {
		return
	}
	name := who + "." + step
	p := points[name]
	if p == nil || p.hits.Add(1) != p.hit {
		return
	}

	pid := os.Getpid()
	if victimFile != "" {
		var found bool
		if pid, found = victim(); !found {
			p.hits.Add(-1) // it is dead already: the next time counts
			return
		}
	}

	dies, err := os.FindProcess(pid)
	if err == nil {
		err = dies.Kill()
	}
	if victimFile != "" && errors.Is(err, os.ErrProcessDone) { // the file is of one that has just died
		p.hits.Add(-1)
		return
	}

	if err != nil {
		panic(err) // a point that cannot kill proves nothing
	}
	if victimFile == "" {
		select {} // nothing of this goroutine may happen any more
	}
	fmt.Fprintf(os.Stderr, "fault: killed at %s\n", name)
}

// victim is the process that the first line of FAULT_FILE names, once the file says that it is
// ready, as PostgreSQL's postmaster.pid does.
func victim() (pid int, found bool) {
	text, err := os.ReadFile(victimFile)
	if err != nil || !strings.Contains(string(text), "ready") {
		return 0, false
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err = strconv.Atoi(line)
	return pid, err == nil
}
