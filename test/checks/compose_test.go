package checks

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func loadCompose(t *testing.T, env []string) (*types.Project, error) {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")}, cli.WithEnv(env),
		cli.WithProfiles([]string{"development"}))
	if err != nil {
		t.Fatal(err)
	}
	return options.LoadProject(t.Context())
}

// jobs end; every other container stays and has a health check.
var jobs = []string{"migrate"}

// Every container has a restart policy, a pinned version and, unless it is a job, a health check.
// Each service logs in with a password of its own, and waits for the migrations.
func TestCompose(t *testing.T) {
	t.Parallel()
	project, err := loadCompose(t, makeEnv(t))
	if err != nil {
		t.Fatal(err)
	}

	var names []string
	for name, s := range project.Services {
		names = append(names, name)
		if s.Restart == "" {
			t.Errorf("%s has no restart policy", name)
		}
		checked := s.HealthCheck != nil && len(s.HealthCheck.Test) > 1 && !s.HealthCheck.Disable
		if checked == slices.Contains(jobs, name) {
			t.Errorf("%s: health check %+v", name, s.HealthCheck)
		}
		if s.Image != "" && ourImage(s) == "" && !regexp.MustCompile(`:\d+\.\d+`).MatchString(s.Image) {
			t.Errorf("%s runs %s: pin the version", name, s.Image)
		}
		if name != "edge" && name != "admin" {
			for _, p := range s.Ports {
				if p.HostIP != "127.0.0.1" || !slices.Contains(s.Profiles, "development") {
					t.Errorf("%s is published on %s:%s", name, p.HostIP, p.Published)
				}
			}
		}
		for d := range s.DependsOn {
			if _, ok := project.Services[d]; !ok {
				t.Errorf("%s depends on %s", name, d)
			}
		}
	}

	slices.Sort(names)
	want := []string{"admin", "edge", "events", "mail-inbox", "mailer", "migrate", "nats", "order", "postgres", "provision",
		"stripe-standin",
		"user", "webhook"}
	if !slices.Equal(names, want) {
		t.Errorf("containers %v", names)
	}

	// Each service logs in with a password that no other has.
	passwords := map[string]string{}
	for _, name := range services {
		s := project.Services[name]
		if d := s.DependsOn["migrate"]; d.Condition != types.ServiceConditionCompletedSuccessfully {
			t.Errorf("%s starts when migrate is %q", name, d.Condition)
		}
		database, broker := value(s, "DATABASE_URL"), value(s, "NATS_URL")
		if !strings.HasPrefix(database, "postgres://shop_"+name+":p") || !strings.HasPrefix(broker, "nats://"+name+":p") {
			t.Errorf("%s logs in with %s and %s", name, database, broker)
		}
		for _, secret := range []string{database, broker} {
			_, secret, _ = strings.Cut(secret, "://")
			_, secret, _ = strings.Cut(secret, ":")
			secret, _, _ = strings.Cut(secret, "@")
			if passwords[secret] != "" || len(secret) < 32 {
				t.Errorf("%s shares a password with %s, or it is short", name, passwords[secret])
			}
			passwords[secret] = name
		}
		if got := value(project.Services["migrate"], strings.ToUpper(name)+"_DB_PASSWORD"); passwords[got] != name {
			t.Errorf("migrate gives shop_%s another password than the one it logs in with", name)
		}
		if got := value(project.Services["nats"], strings.ToUpper(name)+"_NATS_PASSWORD"); passwords[got] != name {
			t.Errorf("nats knows %s under another password than the one it logs in with", name)
		}
	}
}

func value(s types.ServiceConfig, name string) string {
	if v := s.Environment[name]; v != nil {
		return *v
	}
	return ""
}

// Each container is given the keys of its own service only. No two have a secret in common, except
// for the keys that edge signs requests with and that mailer signs its own with.
func TestComposeGivesEachItsOwn(t *testing.T) {
	t.Parallel()
	project, err := loadCompose(t, makeEnv(t))
	if err != nil {
		t.Fatal(err)
	}

	holders := map[string][]string{} // which containers have each secret
	for name, s := range project.Services {
		for variable, v := range s.Environment {
			if v == nil || name == "nats" || name == "migrate" || name == "postgres" {
				continue // these have every password of their kind
			}
			if variable == "SHOP_SECRET" {
				t.Errorf("%s is given SHOP_SECRET, from which every key can be derived", name)
			}
			for secret := range strings.FieldsFuncSeq(*v, func(r rune) bool { return strings.ContainsRune(":/@,=", r) }) {
				if len(secret) >= 32 && !strings.Contains(secret, ".") {
					holders[secret] = append(holders[secret], name)
				}
			}
		}
	}

	shared, asked := 0, 0
	for _, names := range holders {
		slices.Sort(names)
		switch {
		case len(names) == 1:
		case slices.Equal(names, []string{"edge", "events", "order", "user"}):
			shared++
		case slices.Equal(names, []string{"mailer", "order", "user"}):
			asked++
		case slices.Equal(names, []string{"edge", "events", "mailer", "order", "user", "webhook"}):
			// STAFF_KEY is a public key: nothing can be signed with it
		case slices.Contains(names, "stripe-standin"):
			// The stand-in is Stripe, which knows order's key and webhook's secret.
		default:
			t.Errorf("%v have a secret in common", names)
		}
	}
	if shared != 1 || asked != 1 || len(holders) < 20 {
		t.Errorf("%d secrets, %d of them shared by edge and the owners, %d by mailer and those it asks", len(holders), shared, asked)
	}
}

// Without .env compose refuses to start, and the file itself holds no secret.
func TestComposeHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	if _, err := loadCompose(t, nil); err == nil {
		t.Error("the compose file loads without any password")
	}

	text := readFile(t, "docker-compose.yml")
	for _, m := range regexp.MustCompile(`(?m)^\s+(\w*(?:PASSWORD|SECRET|_KEYS?)): *(.*)$`).FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(m[2], "${") {
			t.Errorf("%s is written out", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`://[\w-]+:(.)`).FindAllStringSubmatch(text, -1) {
		if m[1] != "$" && (m[1] < "0" || m[1] > "9") { // a port
			t.Errorf("a password is written out: %s", m[0])
		}
	}

	example := readFile(t, ".env.example")
	for _, m := range regexp.MustCompile(`\$\{(\w+)`).FindAllStringSubmatch(text, -1) {
		if !strings.Contains(example, "\n"+m[1]+"=") {
			t.Errorf(".env.example does not name %s", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^(\w+)=`).FindAllStringSubmatch(example, -1) {
		if m[1] != "COMPOSE_PROFILES" && !strings.Contains(text, "${"+m[1]) {
			t.Errorf("docker-compose.yml does not use %s", m[1])
		}
	}
}
