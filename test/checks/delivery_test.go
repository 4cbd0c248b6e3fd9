package checks

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// starts reports whether a change of a file starts the workflow deploy. GitHub takes the last
// pattern that matches.
func starts(patterns []string, file string) (yes bool) {
	for _, p := range patterns {
		p, not := strings.CutPrefix(p, "!")
		re := strings.NewReplacer(`\*\*`, ".*", `\*`, "[^/]*").Replace(regexp.QuoteMeta(p))
		if regexp.MustCompile("^" + re + "$").MatchString(file) {
			yes = !not
		}
	}
	return yes
}

// builtFrom are the files of this repository that the images' programs are compiled from, including
// embedded ones.
func builtFrom(t *testing.T) (files []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Dir,GoFiles,EmbedFiles", "./allinone/cmd/shop",
		"./standin/cmd/...", "./services/edge/cmd/edge", "./services/user/cmd/user", "./services/order/cmd/order",
		"./services/events/cmd/events", "./services/mailer/cmd/mailer", "./services/webhook/cmd/webhook", "./services/admin/cmd/admin")
	cmd.Dir = root
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}

	whole, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}

	for list := json.NewDecoder(&out); ; {
		var p struct {
			Dir                 string
			GoFiles, EmbedFiles []string
		}
		if err := list.Decode(&p); errors.Is(err, io.EOF) {
			return files
		} else if err != nil {
			t.Fatal(err)
		}
		dir, err := filepath.Rel(whole, p.Dir)
		if err != nil || strings.HasPrefix(dir, "..") {
			continue
		}
		for _, name := range append(p.GoFiles, p.EmbedFiles...) {
			files = append(files, filepath.ToSlash(filepath.Join(dir, name)))
		}
	}
}

// A merge that changes what runs is deployed: the workflow's paths match every file that gets into
// an image, or that builds or deploys one. A merge that changes only documents or tests is not
// deployed.
func TestMergesThatChangeWhatRunsAreDeployed(t *testing.T) {
	t.Parallel()
	list := regexp.MustCompile(`(?m)^    paths: \[(.*)\]$`).FindStringSubmatch(readFile(t, ".github/workflows/deploy.yml"))
	if list == nil {
		t.Fatal("deploy.yml has no paths")
	}
	patterns := strings.Split(strings.Trim(list[1], `"`), `", "`)
	files := builtFrom(t)
	if len(files) < 500 {
		t.Fatalf("images are built from %d files", len(files))
	}
	for _, f := range append(files, "go.work", "go.work.sum", ".ko.yaml", "deploy/images.sh", "deploy/ci/deploy.sh", "deploy/ci/lib.sh",
		"pkg/go.mod", "services/order/go.sum", "tools/base/main.go", "tools/base/go.sum", "deploy/aws/templates/service.yaml",
		"pkg/bus/migrations/00001_x.sql") {
		if !starts(patterns, f) {
			t.Errorf("%s is not deployed when it changes", f)
		}
	}
	for _, f := range []string{"README.md", "docs/limits.md", "deploy/README.md", "deploy/monitoring/alerts.yml",
		"pkg/bus/bus_test.go", "test/e2e/shops_test.go",
		".github/workflows/pr.yml"} {
		if starts(patterns, f) {
			t.Errorf("a change of %s alone is deployed", f)
		}
	}
}

// New migrations are checked wherever they are, and a migration that main has is never changed.
func TestNewMigrationsAreLookedAt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	commit := func() {
		t.Helper()
		for _, args := range [][]string{{"add", "."}, {"-c", "user.name=a", "-c", "user.email=a@example.invalid", "commit", "-qm", "a"}} {
			if out, err := run("git", args...); err != nil {
				t.Fatalf("git %v: %v: %s", args, err, out)
			}
		}
	}

	// A repository with one migration.
	if out, err := run("git", "init", "--quiet", "--initial-branch=main"); err != nil {
		t.Fatal(err, out)
	}
	write(".gitignore", "bin\n", 0o600)
	write("bin/venv/bin/squawk", "#!/bin/sh\necho \"looks at $*\"\n", 0o700)
	write("deploy/ci/migrations.sh", readFile(t, "deploy/ci/migrations.sh"), 0o700)
	write("pkg/bus/migrations/1.sql", "SELECT 1;\n", 0o600)
	write("services/order/migrations/1.sql", "SELECT 1;\n", 0o600)
	commit()

	// Nothing new.
	if out, err := run("git", "checkout", "--quiet", "-b", "branch"); err != nil {
		t.Fatal(err, out)
	}
	if out, err := run("deploy/ci/migrations.sh"); err != nil || !strings.Contains(out, "no new migrations") {
		t.Errorf("nothing new: %v: %s", err, out)
	}

	// Two new migrations.
	write("pkg/bus/migrations/2.sql", "SELECT 2;\n", 0o600)
	write("services/order/migrations/2.sql", "SELECT 2;\n", 0o600)
	commit()
	out, err := run("deploy/ci/migrations.sh")
	if err != nil || !strings.Contains(out, "pkg/bus/migrations/2.sql services/order/migrations/2.sql") {
		t.Errorf("two new ones: %v: %s", err, out)
	}

	// A migration of main changed.
	write("pkg/bus/migrations/1.sql", "SELECT 3;\n", 0o600)
	commit()
	out, err = run("deploy/ci/migrations.sh")
	if err == nil || !strings.Contains(out, "instead of changing them: pkg/bus/migrations/1.sql") {
		t.Errorf("a changed one: %v: %s", err, out)
	}
}
