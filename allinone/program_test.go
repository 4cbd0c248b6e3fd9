package allinone

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The help lists every command of every area, and an unknown command changes nothing.
func TestProgram(t *testing.T) {
	t.Parallel()
	ask := func(args ...string) (code int, out, stderr string) {
		var o, e bytes.Buffer
		code = Program(args, &o, &e)
		return code, o.String(), e.String()
	}

	code, all, _ := ask("help")
	if code != 0 {
		t.Errorf("help: %d", code)
	}

	for _, a := range areas {
		one, text, _ := ask(a.name)
		if one != 0 || text == "" || !strings.Contains(all, text) {
			t.Errorf("%s: %d %q", a.name, one, text)
		}
		if code, out, stderr := ask(a.name, "nonsense"); code != 2 || out != "" || !strings.Contains(stderr, a.usage) {
			t.Errorf("%s nonsense: %d %q %q", a.name, code, out, stderr)
		}
	}

	for line := range strings.Lines(all) {
		if len(strings.TrimSuffix(line, "\n")) > 120 {
			t.Errorf("the help is wider than 120 columns: %q", line)
		}
	}

	for _, args := range [][]string{nil, {"nonsense"}, {"nonsense", "help"}} {
		if code, out, stderr := ask(args...); code != 2 || out != "" || !strings.Contains(stderr, "shop <area> <verb>") {
			t.Errorf("%v: %d %q %q", args, code, out, stderr)
		}
	}

	if code, out, _ := ask("run", "-help"); code != 0 || !strings.Contains(out, "\nSHOP_SECRET ") {
		t.Errorf("run -help: %d %q", code, out)
	}
}

// Every command that a document names exists.
func TestDocumentsNameCommands(t *testing.T) {
	t.Parallel()
	var help bytes.Buffer
	if code := Program([]string{"help"}, &help, &help); code != 0 {
		t.Fatal(help.String())
	}

	named := regexp.MustCompile(`(?:\bshop|--rm(?: -e \S+)*(?: migrate)?) (order|customer|user|mailer|events|admin|parked) ` +
		`([a-z]+(?: (?:publish|import|export|add|reset))?)`)
	seen := 0
	for _, folder := range []string{"../docs/runbooks", "../docs/run", "../docs", "../deploy", ".."} {
		files, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !strings.HasSuffix(f.Name(), ".md") || f.Name() == "CHANGELOG.md" {
				continue
			}
			text, err := os.ReadFile(folder + "/" + f.Name())
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range named.FindAllStringSubmatch(string(text), -1) {
				if seen++; !strings.Contains(help.String(), "  "+m[1]+" "+m[2]) {
					t.Errorf("%s/%s names %q, which is not a command", folder, f.Name(), m[0])
				}
			}
		}
	}

	if seen < 20 {
		t.Errorf("the documents name %d commands", seen)
	}
}

// With SHOPS_DIR, a misspelled name neither makes a new shop nor shows the figures of another.
func TestMisspelledShop(t *testing.T) { // sets variables, so not in parallel
	t.Setenv("SHOPS_DIR", t.TempDir())
	t.Setenv("SHOP_NAME", "amce")
	t.Setenv("DATABASE_URL", "")
	t.Setenv("DATA_DIR", "")
	for _, args := range [][]string{{"run"}, {"order", "payments"}, {"backup", "-to", t.TempDir()}} {
		var out, stderr bytes.Buffer
		if code := Program(args, &out, &stderr); code != 2 || !strings.Contains(stderr.String(), "no shop amce") {
			t.Errorf("%v: %d %s", args, code, &stderr)
		}
	}
	var out, stderr bytes.Buffer
	if code := Program([]string{"help"}, &out, &stderr); code != 0 {
		t.Errorf("help: %d %s", code, &stderr)
	}
	for _, name := range []string{"pg", "pg_shop"} {
		stderr.Reset()
		if code := Program([]string{"create", name}, &out, &stderr); code != 2 || !strings.Contains(stderr.String(), name) {
			t.Errorf("create %s: %d %s", name, code, &stderr)
		}
	}
}
