package checks

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	root = "../.."
	base = "github.com/startupwebapp/startupwebapp/"
)

// go.work names every module except the pinned tools. None is at the root, where `go test ./...`
// would test nothing and succeed.
func TestModulesOfTheWorkspace(t *testing.T) {
	t.Parallel()
	var found []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.Name() == "go.mod" {
			folder, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			found = append(found, filepath.ToSlash(folder))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}

	found = slices.DeleteFunc(found, func(f string) bool { return below(f, "tools") })
	if diff := cmp.Diff(slices.Sorted(slices.Values(modules(t))), slices.Sorted(slices.Values(found))); diff != "" {
		t.Errorf("go.work (-) and the folders with a go.mod (+):\n%s", diff)
	}
}

// A service's module requires pkg and third parties, and no other module of ours. Modules of ours
// are found beside it, in one place.
func TestModulesRequireOnlyPkg(t *testing.T) {
	t.Parallel()
	type version struct{ Path, Version string }
	for _, folder := range modules(t) {
		var mod struct {
			Module  version
			Require []version
			Replace []struct{ Old, New version }
		}

		if err := json.Unmarshal(goCommand(t, folder, "mod", "edit", "-json"), &mod); err != nil {
			t.Fatal(err)
		}
		if mod.Module.Path != base+folder {
			t.Errorf("the module in %s is called %s", folder, mod.Module.Path)
		}

		var own, replaced []string
		for _, r := range mod.Require {
			if strings.HasPrefix(r.Path, base) {
				own = append(own, r.Path)
				if r.Version != "v0.0.0" {
					t.Errorf("%s requires %s %s", folder, r.Path, r.Version)
				}
			}
		}
		for _, r := range mod.Replace {
			replaced = append(replaced, r.Old.Path)
			if want, err := filepath.Rel(folder, strings.TrimPrefix(r.Old.Path, base)); err != nil || r.New.Path != filepath.ToSlash(want) {
				t.Errorf("%s replaces %s with %s", folder, r.Old.Path, r.New.Path)
			}
		}

		slices.Sort(own)
		slices.Sort(replaced)
		if !slices.Equal(own, replaced) {
			t.Errorf("%s requires %v and replaces %v", folder, own, replaced)
		}
		if strings.HasPrefix(folder, "services/") && !slices.Equal(own, []string{base + "pkg"}) {
			t.Errorf("%s requires %v of ours: want pkg alone", folder, own)
		}
	}
}

// rules say who may import what. A path stands for all below it; "test:" for tests alone.
var rules = []struct {
	what    string
	allowed []string
}{
	{"github.com/nats-io/nats.go", []string{"pkg/bus", "test:pkg/erasure", "test:test", "test:standin", "test:allinone"}},
	{"github.com/nats-io/nats-server/v2", []string{"pkg/testenv", "allinone", "test"}},
	{"github.com/stripe/stripe-go/v76", []string{"services/order/stripe", "services/webhook", "test:test", "test:standin"}},
	{"github.com/wneessen/go-mail", []string{"services/mailer", "test:test", "test:standin"}},
	{"github.com/kelseyhightower/envconfig", []string{"pkg/boot"}},
	{"github.com/pressly/goose/v3", []string{"pkg/pg"}},
	{base + "pkg/testenv", []string{"pkg/testenv", "test/shoptest", "test:"}},
	{base + "services/edge", []string{"services/edge", "allinone", "test"}},
	{base + "services/user", []string{"services/user", "allinone", "test"}},
	{base + "services/order", []string{"services/order", "allinone", "test"}},
	{base + "services/events", []string{"services/events", "allinone", "test"}},
	{base + "services/mailer", []string{"services/mailer", "allinone", "test"}},
	{base + "services/webhook", []string{"services/webhook", "allinone", "test"}},
	{base + "services/admin", []string{"services/admin", "allinone", "test"}},
	{base + "pkg/browsertest", []string{"test:"}},
	{base + "standin", []string{"standin", "allinone", "test"}},
	{base + "allinone", []string{"allinone", "test"}},
	{base + "deploy", []string{"deploy", "allinone", "test"}},
	{base + "test", []string{"test"}},
}

func below(path, folder string) bool { return path == folder || strings.HasPrefix(path, folder+"/") }

func mayImport(importer, what string, test bool) bool {
	for _, r := range rules {
		if !below(what, r.what) {
			continue
		}
		return slices.ContainsFunc(r.allowed, func(a string) bool {
			folder, forTests := strings.CutPrefix(a, "test:")
			return (test || !forTests) && (folder == "" || below(importer, folder))
		})
	}
	return true
}

// No package imports what the rules forbid.
func TestImports(t *testing.T) {
	t.Parallel()
	for _, folder := range modules(t) {
		decoder := json.NewDecoder(bytes.NewReader(goCommand(t, folder, "list", "-json=ImportPath,Imports,TestImports,XTestImports",
			"./...")))
		for {
			var p struct {
				ImportPath                         string
				Imports, TestImports, XTestImports []string
			}
			if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}

			importer := strings.TrimPrefix(p.ImportPath, base)
			for _, what := range p.Imports {
				if !mayImport(importer, what, false) {
					t.Errorf("%s imports %s", importer, what)
				}
				if importer == "pkg/msg" && strings.Contains(what, ".") {
					t.Errorf("pkg/msg imports %s: the standard library must do", what)
				}
			}

			for _, what := range append(p.TestImports, p.XTestImports...) {
				if !mayImport(importer, what, true) {
					t.Errorf("the tests of %s import %s", importer, what)
				}
			}
		}
	}
}

// Only pkg/bus and pkg/erasure read and write the tables that every service has.
func TestSharedTablesHaveOneAPI(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`\b(FROM|INTO|UPDATE|JOIN) (outbox|inbox|forgotten)\b`)
	err := filepath.WalkDir(filepath.Join(root, "services"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if found := named.Find(text); found != nil {
			t.Errorf("%s: %s", path, found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A service's binary contains, at any depth, no broker, no test tools and no other service.
func TestServicesLinkOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	for _, service := range services {
		for what := range strings.FieldsSeq(string(goCommand(t, "services/"+service, "list", "-deps", "./cmd/"+service))) {
			foreign := below(what, base+"services") && !below(what, base+"services/"+service)
			if foreign || what == "testing" || below(what, "github.com/nats-io/nats-server/v2") || below(what, base+"pkg/testenv") ||
				below(what, base+"pkg/pglocal") {
				t.Errorf("the binary of %s holds %s", service, what)
			}
		}
	}
}

// The file that administrators run by hand is the same that migrate runs.
func TestInitSQLIsWhatMigrateRuns(t *testing.T) {
	t.Parallel()
	want := readFile(t, "pkg/pg/guard.sql") + readFile(t, "pkg/pg/init.sql")
	if diff := cmp.Diff(want, readFile(t, "deploy/postgres/init.sql")); diff != "" {
		t.Errorf("deploy/postgres/init.sql is not pkg/pg/guard.sql and init.sql:\n%s", diff)
	}
}

// Make targets that filter a test's output use pipefail. Without it they would succeed whatever the
// test says.
func TestTargetsFailWhenTheirTestsDo(t *testing.T) {
	t.Parallel()
	makefile := readFile(t, "Makefile")
	if !strings.Contains(makefile, "$(TESTS)") || !strings.Contains(makefile, "| grep -v") {
		t.Fatal("no target filters what its tests print: is this test of use?")
	}
	for _, line := range []string{"SHELL := /bin/bash\n", ".SHELLFLAGS := -o pipefail -c\n"} {
		if !strings.Contains(makefile, "\n"+line) {
			t.Errorf("the Makefile lacks %q", line)
		}
	}
}
