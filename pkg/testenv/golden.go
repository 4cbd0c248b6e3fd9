package testenv

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write schema.sql and golden files instead of comparing them")

// Golden compares a text, line by line, with what a file holds. There "*" stands for any text that
// is not empty, and {name} for a value: values are name, value, name, value…. With -update it
// writes the file.
func Golden(tb testing.TB, file, got string, values ...string) {
	tb.Helper()
	text, err := os.ReadFile(file) //nolint:gosec // a test's own file
	if err != nil && !*update {
		tb.Fatal(err)
	}
	want := string(text)
	got = written(want, got, values)
	if *update {
		write(tb, file, got)
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s (-want +got; go test -update writes it):\n%s", file, diff)
	}
}

// written is got as a golden file would hold it: with the lines of want that fit, and with names
// for values in the others.
func written(want, got string, values []string) string {
	var fill, name []string
	for i := 0; i < len(values); i += 2 {
		fill = append(fill, "{"+values[i]+"}", values[i+1])
		name = append(name, values[i+1], "{"+values[i]+"}")
	}
	filled, names := strings.NewReplacer(fill...), strings.NewReplacer(name...)
	wanted, lines := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i, line := range lines {
		lines[i] = names.Replace(line)
		if i < len(wanted) && fits(filled.Replace(wanted[i]), line) {
			lines[i] = wanted[i]
		}
	}
	return strings.Join(lines, "\n")
}

// fits reports whether a line is the wanted one, in which "*" stands for any text that is not
// empty.
func fits(want, line string) bool {
	if want == line || !strings.Contains(want, `"*"`) {
		return want == line
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), `"\*"`, `"(?:[^"\\]|\\.)+"`)
	ok, err := regexp.MatchString("^"+pattern+"$", line)
	return err == nil && ok
}

func write(tb testing.TB, file, text string) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}
