package allinone

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// docs/settings.md is generated from the code's settings.
func TestGeneratedSettings(t *testing.T) {
	t.Parallel()
	testenv.Generated(t, "../docs/settings.md", settingsPage(t))
}

// settingsPage writes all settings in tables: those that three or more services read, the others of
// each service, and those of make run, migrate and provision.
func settingsPage(t *testing.T) string {
	var page strings.Builder
	page.WriteString("# Settings\n\nEnvironment variables. Generated from each service's `config.go` by `make generate`; " +
		"`make run -- -help` prints the same,\nand each service its own part with `-help`. An empty variable counts as not set.\n")
	services := []string{"edge", "webhook", "order", "mailer", "user", "events", "admin"}

	readers := map[string]int{}
	for _, service := range services {
		for _, s := range settingsOfProgram(service) {
			readers[s.Name]++
		}
	}

	seen := map[string]bool{}
	table := func(title string, settings []boot.Setting) {
		settings = slices.DeleteFunc(slices.Clone(settings), func(s boot.Setting) bool { return seen[s.Name] })
		if len(settings) == 0 {
			return
		}
		fmt.Fprintf(&page, "\n## %s\n\n| name | default | meaning |\n| --- | --- | --- |\n", title)
		for _, s := range settings {
			if s.Meaning == "" {
				t.Errorf("%s has no meaning", s.Name)
			}
			seen[s.Name] = true
			fmt.Fprintf(&page, "| %s | %s | %s |\n", s.Name, cmp.Or(s.Default, "–"), strings.ReplaceAll(s.Meaning, "|", `\|`))
		}
	}

	table("Several services", slices.DeleteFunc(Settings(), func(s boot.Setting) bool { return readers[s.Name] < 3 }))
	for _, service := range services {
		table(service, settingsOfProgram(service))
	}
	table("`make run`, `migrate` and `provision`", Settings())
	return page.String()
}
