package checks

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// requirements is the highest number of a requirement of level 1 or 2 in each section of OWASP ASVS
// 5.0.0. Those of level 3 follow in every section.
const requirements = `
1.1:2 1.2:9 1.3:11 1.4:3 1.5:2  2.1:3 2.2:3 2.3:4 2.4:1  3.2:2 3.3:4 3.4:6 3.5:5 3.7:2  4.1:3 4.2:1 4.3:2 4.4:4  5.1:1 5.2:3 5.3:2 5.4:3
6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4  7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2  8.1:2 8.2:3 8.3:1 8.4:1  9.1:3 9.2:4
10.1:2 10.2:2 10.3:4 10.4:11 10.5:5 10.6:2 10.7:3  11.1:2 11.2:3 11.3:3 11.4:4 11.5:1 11.6:1  12.1:3 12.2:2 12.3:4
13.1:1 13.2:5 13.3:2 13.4:5  14.1:2 14.2:4 14.3:3  15.1:3 15.2:3 15.3:7  16.1:1 16.2:5 16.3:4 16.4:3 16.5:3  17.1:1 17.2:4 17.3:2`

// perChapter are the standard's own counts of levels 1 and 2 together.
var perChapter = map[string]int{
	"V1": 27, "V2": 11, "V3": 19, "V4": 10, "V5": 9, "V6": 35, "V7": 18, "V8": 7, "V9": 7, "V10": 29, "V11": 14, "V12": 9, "V13": 13,
	"V14": 9, "V15": 13, "V16": 16, "V17": 7,
}

// The table of docs/security.md has each requirement of levels 1 and 2 once.
func TestSecurityTableIsComplete(t *testing.T) {
	t.Parallel()
	var want []string
	counts := map[string]int{}
	for part := range strings.FieldsSeq(requirements) {
		section, text, _ := strings.Cut(part, ":")
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			want = append(want, fmt.Sprintf("V%s.%d", section, i+1))
		}
		chapter, _, _ := strings.Cut(section, ".")
		counts["V"+chapter] += n
	}

	for chapter, n := range perChapter {
		if counts[chapter] != n {
			t.Errorf("this test wants %d requirements of %s, the standard has %d", counts[chapter], chapter, n)
		}
	}

	var got []string
	for _, row := range securityRows(t) {
		got = append(got, row[0])
	}
	if len(want) != 253 || !slices.Equal(got, want) {
		for _, id := range want {
			if !slices.Contains(got, id) {
				t.Errorf("docs/security.md has no row for %s", id)
			}
		}
		t.Errorf("docs/security.md has %d rows, want %d in the order of the standard", len(got), len(want))
	}
}

var (
	quoted   = regexp.MustCompile("`([^`]+)`")
	testName = regexp.MustCompile(`^(Test|Fuzz)[A-Za-z0-9]+$`)
	since    = regexp.MustCompile(`[Ss]ince 20\d\d-\d\d-\d\d`)
)

// Files, tests and decisions that the table of requirements names exist.
func TestSecurityTableNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	tests := testsOfTheRepository(t)
	states := map[string]int{}
	for _, row := range securityRows(t) {
		id, state, why := row[0], row[3], row[4]
		states[state]++
		evidence := 0

		for _, m := range quoted.FindAllStringSubmatch(why, -1) {
			switch {
			case testName.MatchString(m[1]):
				if !tests[m[1]] {
					t.Errorf("%s names %s, which is not a test", id, m[1])
				}
				evidence++
			case strings.Contains(m[1], "/") && !strings.ContainsAny(m[1], " *…'"), m[1] == "Makefile", m[1] == "go.work.sum",
				strings.HasPrefix(m[1], "."):
				if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
					t.Errorf("%s names %s, which is not there", id, m[1])
				}
				evidence++
			}
		}

		switch {
		case state == "met" && evidence == 0:
			t.Errorf("%s is met by nothing that is named", id)
		case state == "accepted gap" && !since.MatchString(why):
			t.Errorf("%s does not say since when", id)
		case len(why) < 8 || strings.Contains(strings.ToLower(why), "partly"):
			t.Errorf("%s gives no reason: %q", id, why)
		case !slices.Contains([]string{"met", "not applicable", "accepted gap"}, state):
			t.Errorf("%s is %q", id, state)
		}
	}

	if sum := fmt.Sprintf("253 requirements: %d met, %d not applicable, %d accepted gaps.", states["met"], states["not applicable"],
		states["accepted gap"]); !strings.Contains(readFile(t, "docs/security.md"), sum) {
		t.Errorf("docs/security.md does not say: %s", sum)
	}
}

// securityRows are the rows of the tables of requirements: number, level, what, state, why.
func securityRows(t *testing.T) (rows [][]string) {
	t.Helper()
	for line := range strings.Lines(readFile(t, "docs/security.md")) {
		if !strings.HasPrefix(line, "| V") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 5 {
			t.Fatalf("a row of %d cells: %s", len(cells), line)
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}

func testsOfTheRepository(t *testing.T) map[string]bool {
	t.Helper()
	found, declared := map[string]bool{}, regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9]+)\(`)
	goFiles(t, func(name, text string) {
		if strings.HasSuffix(name, "_test.go") {
			for _, m := range declared.FindAllStringSubmatch(text, -1) {
				found[m[1]] = true
			}
		}
	})
	return found
}

// goFiles calls each with every Go file of the repository.
func goFiles(t *testing.T, each func(name, text string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			name := strings.TrimPrefix(filepath.ToSlash(path), root+"/")
			each(name, readFile(t, name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Certificates are always verified, and versions and ciphers are Go's defaults, which its releases
// keep up to date.
func TestTLSIsLeftAtItsDefaults(t *testing.T) {
	t.Parallel()
	weak := regexp.MustCompile(`InsecureSkipVerify\s*[:=]|CipherSuites\s*:|VersionTLS1[01]\b|VersionSSL30`)
	goFiles(t, func(name, text string) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		if found := weak.FindString(text); found != "" {
			t.Errorf("%s has %s", name, found)
		}
	})
}
