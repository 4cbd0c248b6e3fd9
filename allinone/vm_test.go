package allinone

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// The embedded files are equal to those of deploy/vm.
func TestGeneratedVM(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../deploy/vm/*")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if filepath.Base(file) == "rehearse.sh" {
			continue // only this repository needs it
		}
		text, err := os.ReadFile(file) //nolint:gosec // of this repository
		if err != nil {
			t.Fatal(err)
		}
		testenv.Generated(t, "vm/"+filepath.Base(file), string(text))
	}
}

// maxUserData is the limit of AWS, the lowest of the providers we know, less some room for the
// settings of backups.
const maxUserData = 16<<10 - 500

// The user data is YAML that a new machine can read, has every file, and no setting can inject YAML
// or shell.
func TestVM(t *testing.T) { // sets variables, so not in parallel
	t.Setenv("BACKUP_KEY", "AKIAEXAMPLE")
	good := []string{"vm", "acme", "-domain", "acme.example", "-admin-domain", "admin.acme.example",
		"-binary", "https://downloads.example/shop", "-sum", strings.Repeat("0f", 32)}
	ask := func(args ...string) (int, string, string) {
		var out, stderr bytes.Buffer
		code := Program(args, &out, &stderr)
		return code, out.String(), stderr.String()
	}

	code, text, stderr := ask(good...)
	if code != 0 || !strings.Contains(stderr, "BACKUP_BUCKET is not set") {
		t.Fatalf("%d %s", code, stderr)
	}
	if len(text) > maxUserData {
		t.Errorf("%d bytes of user data, want %d at most", len(text), maxUserData)
	}
	var data struct {
		WriteFiles []struct{ Path, Content string } `yaml:"write_files"`
		Runcmd     [][]string                       `yaml:"runcmd"`
	}
	if err := yaml.Unmarshal([]byte(text), &data); err != nil || !strings.HasPrefix(text, "#cloud-config\n") {
		t.Fatalf("%v in\n%s", err, text)
	}

	if len(data.WriteFiles) != 6 || len(data.Runcmd) != 3 {
		t.Errorf("%d files and %d commands", len(data.WriteFiles), len(data.Runcmd))
	}
	want := "SHOP=acme\nDOMAIN=acme.example\nADMIN_DOMAIN=admin.acme.example\nBACKUP_KEY=AKIAEXAMPLE\n"
	if env := data.WriteFiles[len(data.WriteFiles)-1]; env.Path != "/opt/shop/env" || env.Content != want {
		t.Errorf("the settings of install.sh: %q", env.Content)
	}

	for i, bad := range map[int][]string{1: {"Acme", "a b", "-x", ""}, 3: {"acme", "acme.example;reboot", "", "admin.acme.example"},
		5: {"$(reboot).example"}, 7: {"http://downloads.example/shop", "https://downloads.example/$(x)", "https:///x", ""},
		9: {"00", "x"}} {
		for _, value := range bad {
			args := append([]string{}, good...)
			args[i] = value
			if code, out, _ := ask(args...); code != 2 || out != "" {
				t.Errorf("%q: %d", args, code)
			}
		}
	}

	t.Setenv("BACKUP_KEY", "x\nroot: y")
	if code, _, _ := ask(good...); code != 2 {
		t.Errorf("a key of two lines: %d", code)
	}
}

// Shops of one machine are isolated from each other: each is a user of its own, and no port changes
// Caddy. make vm tries it.
func TestVMWalls(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{"shop@.service": "\nUser=_%i\n", "install.sh": `'{\n\tadmin off\n}\n`} {
		text, err := vmFiles.ReadFile("vm/" + file)
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %q: %v", file, want, err)
		}
	}
}
