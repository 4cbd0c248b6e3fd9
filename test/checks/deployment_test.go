package checks

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// deployment runs the compose file's containers as processes of this machine: the same programs and
// variables, only other addresses; PostgreSQL with a password for each role, and the broker of
// nats.conf.
type deployment struct {
	t         *testing.T
	project   *types.Project
	addresses *strings.Replacer // from the compose file's networks to this machine
	more      []string          // variables that every container gets in addition
}

func newDeployment(t *testing.T) *deployment {
	t.Helper()
	return deploy(t, startBroker(t)("staff"), testenv.Database(t))
}

// deploy is newDeployment with a broker and a database of its own; pairs are further replacements
// in the compose file's variables.
func deploy(t *testing.T, brokerURL, ownerURL string, replace ...string) *deployment {
	t.Helper()
	var env []string
	for _, line := range makeEnv(t) {
		name, _, _ := strings.Cut(line, "=")
		if strings.HasSuffix(name, "_NATS_PASSWORD") {
			line = name + "=" + os.Getenv(name) // the password that the broker of this run was started with
		}
		env = append(env, line)
	}

	project, err := loadCompose(t, env)
	if err != nil {
		t.Fatal(err)
	}
	broker, err := url.Parse(brokerURL)
	if err != nil {
		t.Fatal(err)
	}
	owner, err := url.Parse(ownerURL)
	if err != nil {
		t.Fatal(err)
	}

	admin := value(project.Services["migrate"], "DATABASE_URL")
	pairs := append(replace, admin, owner.String(), "@postgres:5432/shop?", "@"+owner.Host+owner.Path+"?", "@nats:4222", "@"+broker.Host)
	for _, inside := range []string{"edge:8080", "webhook:8081", "user:8082", "order:8083", "events:8084", "mailer:8085", "admin:8086"} {
		addr := testenv.Port(t)
		_, port, _ := strings.Cut(inside, ":")
		pairs = append(pairs, inside, addr, "0.0.0.0:"+port, addr)
	}

	pairs = append(pairs, "stripe-standin:12111", testenv.Port(t)) // nothing listens there: Stripe is unreachable
	return &deployment{t: t, project: project, addresses: strings.NewReplacer(pairs...)}
}

// command is a container's program with the container's variables.
func (d *deployment) command(name, metrics string, args ...string) *exec.Cmd {
	s := d.project.Services[name]
	cmd := exec.Command(image(d.t, ourImage(s)),
		append(append([]string{}, s.Command...), args...)...) //nolint:gosec // built by us
	cmd.Dir = d.t.TempDir()
	for variable, v := range s.Environment {
		switch {
		case variable == "METRICS_ADDR":
			cmd.Env = append(cmd.Env, "METRICS_ADDR="+metrics)
		case v != nil:
			cmd.Env = append(cmd.Env, variable+"="+d.addresses.Replace(*v))
		}
	}
	cmd.Env = append(cmd.Env, d.more...)
	return cmd
}

// start runs a container until the test ends; SIGTERM must end it cleanly.
func (d *deployment) start(name string) {
	d.t.Helper()
	metrics := testenv.Port(d.t)
	cmd := d.command(name, metrics)
	log := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}

	d.t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			d.t.Errorf("%s ended before: %v", name, err)
		}
		kill := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() }) //nolint:errcheck // reported by Wait
		defer kill.Stop()
		if err := cmd.Wait(); err != nil {
			d.t.Errorf("%s does not end cleanly: %v", name, err)
		}
		if d.t.Failed() {
			d.t.Logf("%s:\n%s", name, log)
		}
	})

	testenv.Eventually(d.t, 30*time.Second, name+" is well, as its health check says", func() bool {
		check := d.project.Services[name].HealthCheck.Test
		return d.healthy(name, metrics, check[len(check)-1])
	})
}

func (d *deployment) healthy(name, metrics, argument string) bool {
	cmd := exec.Command(image(d.t, ourImage(d.project.Services[name])), argument) //nolint:gosec // built by us
	cmd.Env = []string{"METRICS_ADDR=" + metrics}
	return cmd.Run() == nil
}

// lockedBuffer is a log that can be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// The containers of docker-compose.yml make a working shop. Each logs in to the database and the
// broker with a password of its own, and has rights on nothing else.
func TestDeployment(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	for range 2 { // migrate is safe to repeat
		if out, err := d.command("migrate", "").CombinedOutput(); err != nil {
			t.Fatalf("migrate: %v\n%s", err, out)
		}
	}
	for _, name := range append([]string{"provision"}, services...) {
		d.start(name)
	}
	d.shops()
	events := testenv.OpenOwner(t, d.addresses.Replace(value(d.project.Services["migrate"], "DATABASE_URL")), "events")
	testenv.Eventually(t, 30*time.Second, "events stored the page view", func() bool {
		var n int
		return events.QueryRow(t.Context(), `SELECT count(*) FROM page_view`).Scan(&n) == nil && n == 1
	})
}

// shops requests pages of the shop as a visitor does.
func (d *deployment) shops() {
	t := d.t
	t.Helper()
	shop := "http://" + d.addresses.Replace("edge:8080")
	testenv.Eventually(t, 30*time.Second, "the shop answers", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(shop, "http://"))
		return err == nil && c.Close() == nil
	})
	for path, want := range map[string]string{
		"/": "<html", "/order/products": `"title"`, "/user/logged-in": `"logged_in":false`,
		"/clientevent/pageview?url=http%3A%2F%2Fshop%2F&pageWidth=1&client_event_id=null": "",
	} {
		answer, err := http.Get(shop + path) //nolint:gosec // our own
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if cerr := answer.Body.Close(); err != nil || cerr != nil {
			t.Fatal(err, cerr)
		}
		if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("GET %s: %d %.300s", path, answer.StatusCode, body)
		}
	}
}
