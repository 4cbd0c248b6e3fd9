package checks

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/allinone"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/services/edge"
	"github.com/startupwebapp/startupwebapp/services/events"
	"github.com/startupwebapp/startupwebapp/services/mailer"
	"github.com/startupwebapp/startupwebapp/services/order"
	"github.com/startupwebapp/startupwebapp/services/user"
	"github.com/startupwebapp/startupwebapp/services/webhook"
)

// The README names every setting, and its table no setting that is none.
func TestReadmeNamesEverySetting(t *testing.T) {
	t.Parallel()
	readme := readFile(t, "README.md")
	_, table, _ := strings.Cut(readme, "\n## Settings\n")
	table, _, _ = strings.Cut(table, "\n## ")
	known := map[string]boot.Setting{}
	for _, s := range allinone.Settings() {
		known[s.Name] = s
		if !regexp.MustCompile(`\b` + s.Name + `\b`).MatchString(table) {
			t.Errorf("README.md does not name %s (%s)", s.Name, s.Meaning)
		}
		if s.Meaning == "" {
			t.Errorf("%s has no meaning", s.Name)
		}
	}
	for _, row := range regexp.MustCompile(`(?m)^\| ([A-Z][A-Z_, ]+?) \| (.*?) \|`).FindAllStringSubmatch(table, -1) {
		for name := range strings.SplitSeq(row[1], ", ") {
			s, ok := known[name]
			if !ok {
				t.Errorf("README.md names %s, which is no setting", name)
			}
			if s.Default != "" && !strings.Contains(row[2], s.Default) && !strings.Contains(row[2], "above") {
				t.Errorf("README.md says that the default of %s is %s: it is %s", name, row[2], s.Default)
			}
		}
	}
}

// A variable in the compose file is a setting of the service that gets it: a slip of the pen would
// leave a default in force.
func TestComposeSetsWhatServicesRead(t *testing.T) {
	t.Parallel()
	project, err := loadCompose(t, makeEnv(t))
	if err != nil {
		t.Fatal(err)
	}
	for service, settings := range map[string][]boot.Setting{
		"edge": boot.Settings[edge.Config](), "user": boot.Settings[user.Config](), "order": boot.Settings[order.Config](),
		"events": boot.Settings[events.Config](), "mailer": boot.Settings[mailer.Config](), "webhook": boot.Settings[webhook.Config](),
		"migrate": boot.Settings[allinone.PrepareConfig](), "provision": boot.Settings[boot.Common](),
	} {
		given := project.Services[service].Environment
		for name := range given {
			if !slices.ContainsFunc(settings, func(s boot.Setting) bool { return s.Name == name }) {
				t.Errorf("docker-compose.yml gives %s %s, which it does not read", service, name)
			}
		}
		for _, s := range settings {
			if service == "provision" {
				break // it has no database
			}
			// The rest has a default that fits everywhere, or is its own machine's only.
			if _, ok := given[s.Name]; !ok && !slices.Contains([]string{"MAILER_ADDR", "CURRENCY_SIGN", "SHOP_SECRET", "ADMIN_ADDR", "INSIDE_HOSTS", "SWEEP_EVERY", "SWEEP_AFTER", "NATS_CA", "NATS_CERT", "NATS_KEY", "TLS_CERT", "TLS_KEY", "TLS_CA"}, s.Name) {
				t.Errorf("docker-compose.yml does not give %s %s", service, s.Name)
			}
		}
	}
}

// docs/architecture.md has every stream and consumer, and links lead somewhere.
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
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(d.Name(), ".md") {
			return nil
		}
		body, err := os.ReadFile(path) //nolint:gosec // our own
		if err != nil {
			return err
		}
		for _, m := range link.FindAllStringSubmatch(string(body), -1) {
			if strings.HasPrefix(m[1], "/") || strings.Contains(m[1], "{") {
				continue // an address of the shop in a text of its pages
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", path, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
