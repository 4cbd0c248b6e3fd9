package fault_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const victim = `package main

import "github.com/startupwebapp/startupwebapp/pkg/fault"

func main() {
	for range 3 {
		println("step")
		fault.Point("a", "b")
		fault.Point("a", "c")
	}
}
`

func TestPointKillsAtTheChosenHit(t *testing.T) {
	t.Parallel()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(source, []byte(victim), 0o600); err != nil {
		t.Fatal(err)
	}
	build := func(name string, flags ...string) string {
		binary := filepath.Join(t.TempDir(), name)
		cmd := exec.Command("go", append(append([]string{"build", "-o", binary}, flags...), source)...) //nolint:gosec // our own command
		cmd.Dir = wd
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return binary
	}
	plain, armed := build("plain"), build("armed", "-tags", "faults")
	for _, c := range []struct {
		binary, setting string
		steps           int
		dies            bool
	}{
		{plain, "a.b:1", 3, false}, {armed, "", 3, false}, {armed, "a.b:4", 3, false}, {armed, "x.y:1", 3, false},
		{armed, "a.b:1", 1, true}, {armed, "a.b:2", 2, true}, {armed, "a.c:3", 3, true},
	} {
		cmd := exec.Command(c.binary) //nolint:gosec // built above
		cmd.Env = []string{"FAULT=" + c.setting}
		out, err := cmd.CombinedOutput()
		if n := strings.Count(string(out), "step"); n != c.steps || (err != nil) != c.dies {
			t.Errorf("FAULT=%s: %d steps, %v, want %d, dies %t\n%s", c.setting, n, err, c.steps, c.dies, out)
		}
	}
}
