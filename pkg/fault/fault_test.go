package fault_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/fault"
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

	plain, armed := build("plain"), build("armed", fault.Armed)
	for _, c := range []struct {
		binary, setting string
		steps           int
		dies            bool
	}{
		{binary: plain, setting: "a.b:1", steps: 3},
		{binary: armed, steps: 3},
		{binary: armed, setting: "a.b:4", steps: 3},
		{binary: armed, setting: "x.y:1", steps: 3},
		{binary: armed, setting: "a.b:1", steps: 1, dies: true},
		{binary: armed, setting: "a.b:2", steps: 2, dies: true},
		{binary: armed, setting: "a.c:3", steps: 3, dies: true},
		{binary: armed, setting: "a.b:4,a.c:2", steps: 2, dies: true},
	} {
		cmd := exec.Command(c.binary) //nolint:gosec // built above
		cmd.Env = []string{"FAULT=" + c.setting}
		out, err := cmd.CombinedOutput()
		if n := strings.Count(string(out), "step"); n != c.steps || (err != nil) != c.dies {
			t.Errorf("FAULT=%s: %d steps, %v, want %d, dies %t\n%s", c.setting, n, err, c.steps, c.dies, out)
		}
	}
}
