package checks

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// One function writes comma-separated lists, because it disarms formulas. No runbook goes around
// it.
func TestListsAreWrittenInOnePlace(t *testing.T) {
	t.Parallel()
	around := regexp.MustCompile(`(?i)\\?copy\b.*\bcsv\b`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "bin") {
			return filepath.SkipDir
		}

		name := strings.TrimPrefix(filepath.ToSlash(path), root+"/")
		switch {
		case d.IsDir() || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "pkg/printout/"):
		case strings.HasSuffix(name, ".go"):
			text := readFile(t, name)
			disarmed := strings.Contains(text, "printout.") || strings.Contains(text, "productfile.Write(")
			if strings.Contains(text, "csv.NewWriter") || strings.Contains(text, "text/csv") && !disarmed {
				t.Errorf("%s writes a list of its own: pkg/printout disarms formulas", name)
			}
		case strings.HasSuffix(name, ".md"):
			if found := around.FindString(readFile(t, name)); found != "" {
				t.Errorf("%s has %q: such a list runs formulas in a spreadsheet", name, found)
			}
		}
		return nil
	})

	if err != nil {
		t.Fatal(err)
	}
}
