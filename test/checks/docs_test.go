package checks

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/startupwebapp/startupwebapp/allinone"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/services/admin"
	"github.com/startupwebapp/startupwebapp/services/edge"
	"github.com/startupwebapp/startupwebapp/services/events"
	"github.com/startupwebapp/startupwebapp/services/mailer"
	"github.com/startupwebapp/startupwebapp/services/order"
	"github.com/startupwebapp/startupwebapp/services/user"
	"github.com/startupwebapp/startupwebapp/services/webhook"
)

// The README is right about settings; docs/settings.md has all of them (TestGeneratedSettings).
func TestReadmeNamesSettings(t *testing.T) {
	t.Parallel()
	_, table, _ := strings.Cut(readFile(t, "README.md"), "\n## Settings\n")
	table, _, _ = strings.Cut(table, "\n## ")
	known := map[string]bool{}
	for _, s := range allinone.Settings() {
		known[s.Name] = true
	}
	rows := regexp.MustCompile(`(?m)^\| ([A-Z][A-Z_, ]+?)(=\w+)? \|`).FindAllStringSubmatch(table, -1)
	if len(rows) < 8 {
		t.Errorf("found only %d rows", len(rows))
	}
	for _, row := range rows {
		for name := range strings.SplitSeq(row[1], ", ") {
			if !known[name] {
				t.Errorf("README.md names %s, which is not a setting", name)
			}
		}
	}
}

// Every variable in the compose file is a setting of the service that gets it. A typing error would
// silently leave a default in force.
func TestComposeSetsWhatServicesRead(t *testing.T) {
	t.Parallel()
	project, err := loadCompose(t, makeEnv(t))
	if err != nil {
		t.Fatal(err)
	}
	for service, settings := range map[string][]boot.Setting{
		"edge": boot.Settings[edge.Config](), "user": boot.Settings[user.Config](), "order": boot.Settings[order.Config](),
		"events": boot.Settings[events.Config](), "mailer": boot.Settings[mailer.Config](), "webhook": boot.Settings[webhook.Config](),
		"admin":   boot.Settings[admin.Config](),
		"migrate": boot.Settings[allinone.PrepareConfig](), "provision": boot.Settings[allinone.ProvisionConfig](),
	} {
		t.Run(service, func(t *testing.T) {
			given := project.Services[service].Environment
			for name := range given {
				if !slices.ContainsFunc(settings, func(s boot.Setting) bool { return s.Name == name }) {
					t.Errorf("docker-compose.yml gives %s %s, which it does not read", service, name)
				}
			}

			for _, s := range settings {
				if service == "provision" {
					break // provision has no database
				}
				// The others have a default that fits everywhere, or are about one machine only.
				if _, ok := given[s.Name]; !ok && !slices.Contains([]string{"CURRENCY_SIGN", "SHOP_SECRET", "METRICS_ADDR",
					"INSIDE_HOSTS", "SETTINGS", "SWEEP_EVERY", "SWEEP_AFTER", "NATS_CA", "NATS_CERT", "NATS_KEY",
					"NATS_SECRET",
					"TLS_CERT", "TLS_KEY", "TLS_CA"}, s.Name) {
					t.Errorf("docker-compose.yml does not give %s %s", service, s.Name)
				}
			}
		})
	}
}

// docs/architecture.md names every stream and consumer.
func TestDocumentsFitTheCode(t *testing.T) {
	t.Parallel()
	text := readFile(t, "docs/architecture.md")
	for _, s := range msg.Streams {
		if !strings.Contains(text, "\n| "+s.Name+" | ") {
			t.Errorf("docs/architecture.md does not describe stream %s", s.Name)
		}
	}
	for _, c := range msg.Consumers {
		if !strings.Contains(text, c.Name) {
			t.Errorf("docs/architecture.md does not name consumer %s", c.Name)
		}
	}
}

// Links in documents lead to something, and files, tests and make targets that documents name
// exist.
func TestDocumentsNameWhatThereIs(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	file := regexp.MustCompile("`((?:pkg|services|allinone|standin|test|deploy|docs|tools)/[A-Za-z0-9_./-]+)`")
	beside := regexp.MustCompile("`([a-z][a-z0-9_]*(?:/[a-z0-9_]+)*\\.go)`")
	test := regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z][A-Za-z0-9]+\b`)
	target := regexp.MustCompile("`?make ([a-z]+)`?")

	files, tests := sourceFiles(t)
	makefile := readFile(t, "Makefile")
	for path, body := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(body, -1) {
			if strings.HasPrefix(m[1], "/") || strings.Contains(m[1], "{") {
				continue // an address of the shop in a page's text
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", path, m[1])
			}
		}

		if strings.HasSuffix(path, "CHANGELOG.md") || strings.Contains(path, "/adr/") {
			continue // these describe the past
		}
		for _, m := range file.FindAllStringSubmatch(body, -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s names %s, which is not there", path, m[1])
			}
		}
		for _, m := range beside.FindAllStringSubmatch(body, -1) {
			if !slices.ContainsFunc(files, func(f string) bool { return strings.HasSuffix(f, "/"+m[1]) }) {
				t.Errorf("%s names %s, which is nowhere", path, m[1])
			}
		}

		for _, name := range test.FindAllString(body, -1) {
			if !slices.ContainsFunc(tests, func(have string) bool { return strings.HasPrefix(have, name) }) {
				t.Errorf("%s names %s, which is not a test", path, name)
			}
		}
		for _, m := range target.FindAllStringSubmatch(body, -1) {
			if strings.Contains(m[0], "`") && !strings.Contains(makefile, "\n"+m[1]+":") {
				t.Errorf("%s names make %s, which is not a target", path, m[1])
			}
		}
	}
}

// Documents and decisions that comments name exist: "docs/run/README.md", "ADR 33".
func TestCommentsNameWhatThereIs(t *testing.T) {
	t.Parallel()
	document := regexp.MustCompile(`\bdocs/[a-z0-9/_-]+\.md\b`)
	decision := regexp.MustCompile(`\bADRs? (\d+)`)
	files, _ := sourceFiles(t)
	for _, path := range files {
		body := readFile(t, strings.TrimPrefix(path, root+"/"))
		for _, name := range document.FindAllString(body, -1) {
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Errorf("%s names %s, which is not there", path, name)
			}
		}
		for _, m := range decision.FindAllStringSubmatch(body, -1) {
			found, err := filepath.Glob(filepath.Join(root, "docs/adr", fmt.Sprintf("%04s-*.md", m[1])))
			if err != nil || len(found) == 0 {
				t.Errorf("%s names ADR %s, which is not there", path, m[1])
			}
		}
	}
}

// Pages of the back office that runbooks and the README name exist. Runbooks that the work list
// links to name page and command side by side, or say that there is no command.
func TestRunbooksNamePageAndCommand(t *testing.T) {
	t.Parallel()
	pages := map[string]bool{}
	leadsTo := []string{"refunds", "payments-for-staff"} // linked from entries for staff by a table
	to := regexp.MustCompile(`unbook(?::|\s*=)\s*"([a-z-]+)"`)
	part := regexp.MustCompile(`\{[^}]*\}|<[^>]*>|…`)
	walk(t, func(path string) {
		path = strings.TrimPrefix(path, root+"/")
		switch {
		case strings.HasSuffix(path, "/pages.txt"):
			for _, m := range regexp.MustCompile(`(?m)^GET (.*)$`).FindAllStringSubmatch(readFile(t, path), -1) {
				pages[part.ReplaceAllString(m[1], "*")] = true
			}
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			for _, m := range to.FindAllStringSubmatch(readFile(t, path), -1) {
				leadsTo = append(leadsTo, m[1])
			}
		}
	})

	if len(pages) < 80 || len(leadsTo) < 6 {
		t.Fatalf("only %d pages are known, and runbooks %q", len(pages), leadsTo)
	}
	isPage := func(name string) bool { // a name may fill in a part, such as a kind of mail
		for pattern := range pages {
			if fits, err := filepath.Match(pattern, name); err == nil && fits {
				return true
			}
		}
		return false
	}

	named := regexp.MustCompile("`(/[a-z][^` ?]*)[^`]*`")
	for path, body := range documents(t) {
		if !strings.Contains(path, "/docs/runbooks/") && !strings.Contains(path, "/docs/admin/") {
			continue
		}
		found := named.FindAllStringSubmatch(body, -1)
		for _, m := range found {
			page := strings.TrimSuffix(part.ReplaceAllString(m[1], "*"), ".csv")
			if !isPage(page) && !slices.Contains([]string{"/healthz", "/readyz", "/metrics", "/jsz"}, page) {
				t.Errorf("%s names the page %s, which does not exist", path, m[1])
			}
		}

		runbook := strings.TrimSuffix(filepath.Base(path), ".md")
		if !strings.Contains(path, "/runbooks/") || !slices.Contains(leadsTo, runbook) {
			continue
		}
		if len(found) == 0 || !regexp.MustCompile(`shop\s+[a-z]+\s+[a-z]+|There\s+is\s+no\s+command`).MatchString(body) {
			t.Errorf("the work list leads to %s, which does not name page and command", path)
		}
	}
}

// documents are the Markdown files of the repository.
func documents(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	walk(t, func(path string) {
		if strings.HasSuffix(path, ".md") {
			found[path] = readFile(t, strings.TrimPrefix(path, root+"/"))
		}
	})
	return found
}

// sourceFiles are the Go files, and the names of their tests.
func sourceFiles(t *testing.T) (files, tests []string) {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z]\w+)\(`)
	walk(t, func(path string) {
		if !strings.HasSuffix(path, ".go") {
			return
		}
		files = append(files, path)
		if strings.HasSuffix(path, "_test.go") {
			for _, m := range declared.FindAllStringSubmatch(readFile(t, strings.TrimPrefix(path, root+"/")), -1) {
				tests = append(tests, m[1])
			}
		}
	})
	return files, tests
}

func walk(t *testing.T, each func(path string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || path == root+"/bin") {
			return filepath.SkipDir
		}
		if !d.IsDir() {
			each(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Prose is set at 120 columns, as the code is: tables, code and generated pages may be wider.
func TestProseIsSetAtOneWidth(t *testing.T) {
	t.Parallel()
	generated := []string{"docs/limits.md", "docs/settings.md"}
	checked := 0
	for path, text := range documents(t) {
		name := strings.TrimPrefix(path, root+"/")
		inRoot := slices.Contains([]string{"CONTRIBUTING.md", "README.md", "SECURITY.md"}, name)
		if !inRoot && !strings.HasPrefix(name, "docs/") && !strings.HasPrefix(name, "deploy/") {
			continue
		}
		if slices.Contains(generated, name) {
			continue
		}
		checked++

		code := false
		for i, line := range strings.Split(text, "\n") {
			if strings.HasPrefix(line, "```") {
				code = !code
			}
			if code || strings.HasPrefix(line, "|") || strings.HasPrefix(line, "    ") {
				continue
			}
			if width := utf8.RuneCountInString(line); width > 120 {
				t.Errorf("%s:%d is %d columns wide, want 120 at most", name, i+1, width)
			}
		}
	}
	if checked < 60 {
		t.Errorf("checked only %d documents", checked)
	}
}

// Comments are set at 100 columns, a tab counting as 4, where they have a line to themselves. Code
// in them, which begins with a tab, may be wider.
func TestCommentsAreSetAtOneWidth(t *testing.T) {
	t.Parallel()
	files, _ := sourceFiles(t)
	for _, path := range files {
		name := strings.TrimPrefix(path, root+"/")
		if strings.HasPrefix(name, "tools/") {
			continue // these are modules of their own, outside the workspace
		}
		for i, line := range strings.Split(readFile(t, name), "\n") {
			if !strings.HasPrefix(strings.TrimLeft(line, "\t "), "// ") {
				continue
			}
			width := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    "))
			if width > 100 {
				t.Errorf("%s:%d is a comment of %d columns, want 100 at most", name, i+1, width)
			}
		}
	}
}
