package testenv

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write schema.sql and golden files instead of comparing them")

// Golden compares a text with what a file holds. In a file of JSON, "*" stands for any text that is
// not empty. With -update it writes the file.
func Golden(tb testing.TB, file, got string) {
	tb.Helper()
	want, err := os.ReadFile(file) //nolint:gosec // a test's own file
	if err != nil && !*update {
		tb.Fatal(err)
	}
	got = withStars(string(want), got)
	if *update {
		write(tb, file, got)
		return
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		tb.Errorf("%s (-want +got; go test -update writes it):\n%s", file, diff)
	}
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
