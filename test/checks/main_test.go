package checks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/certs"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

var services = []string{"edge", "user", "order", "events", "mailer", "webhook", "admin"}

// brokerUsers are the users of nats.conf, each with a password of this run.
var brokerUsers = append([]string{"provision", "staff", "sys"}, services...)

func password(user string) string { return "secret" + user }

// TestMain gives nats.conf its passwords, which the server reads from the environment, and makes a
// folder for the programs that tests build.
func TestMain(m *testing.M) { os.Exit(runAll(m)) }

func runAll(m *testing.M) int {
	folder, err := os.MkdirTemp("", "images-")
	if err != nil {
		panic(err) // no test works without
	}
	defer os.RemoveAll(folder) //nolint:errcheck // in the temporary folder
	images.folder = folder
	variables := map[string]string{"NATS_SERVER_NAME": "checks"}
	for _, user := range brokerUsers {
		variables[strings.ToUpper(user)+"_NATS_PASSWORD"] = password(user)
	}
	for name, value := range variables {
		if err := os.Setenv(name, value); err != nil {
			panic(err) // the names are ours
		}
	}
	return m.Run()
}

// startBroker runs the server of deploy/nats/nats.conf on a free port with a store of its own, and
// has the user provision make the streams. It returns the address for each user. With files it
// accepts only encrypted connections of clients with a certificate.
func startBroker(t *testing.T, files ...certs.Files) func(user string) string {
	t.Helper()
	opts, err := server.ProcessConfigFile("../../deploy/nats/nats.conf")
	if err != nil {
		t.Fatal(err)
	}

	if !opts.SyncAlways || !opts.JetStream || opts.StoreDir != "/data" || opts.Port != 4222 || opts.HTTPPort != 8222 {
		t.Errorf("JetStream %t in %s, synced always: %t, ports %d and %d", opts.JetStream, opts.StoreDir, opts.SyncAlways, opts.Port,
			opts.HTTPPort)
	}
	opts.Host, opts.Port, opts.HTTPPort, opts.StoreDir, opts.NoLog, opts.NoSigs = "127.0.0.1", server.RANDOM_PORT, 0, t.TempDir(), true,
		true
	for _, f := range files {
		if opts.TLSConfig, err = f.Server(); err != nil {
			t.Fatal(err)
		}
	}

	srv, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	if !srv.ReadyForConnections(20 * time.Second) {
		t.Fatal("the broker does not start")
	}

	port := srv.Addr().(*net.TCPAddr).Port
	url := func(user string) string {
		return fmt.Sprintf("nats://%s:%s@127.0.0.1:%d", user, password(user), port)
	}

	b := connect(t, url, "provision", files...)
	if err := b.Provision(t.Context(), 1); err != nil {
		t.Fatalf("the user provision cannot provision: %v", err)
	}
	if err := b.Provision(t.Context(), 1); err != nil {
		t.Fatalf("the user provision cannot update: %v", err)
	}
	return url
}

func connect(t *testing.T, url func(string) string, service string, files ...certs.Files) *bus.Bus {
	t.Helper()
	log := slog.New(violations{slog.NewTextHandler(&bytes.Buffer{}, nil), t})
	b, err := bus.Connect(log, url(service), service, files...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	testenv.Eventually(t, 30*time.Second, service+" connects", b.Connected)
	return b
}

// run runs a loop until the test ends.
func run(t *testing.T, loop func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- loop(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("a loop ended: %v", err)
		}
	})
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// makeEnv runs what `make env` runs, in a folder of its own, and returns the lines of .env.
func makeEnv(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{".env.example", "deploy/env.sh"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(readFile(t, name)), 0o700); err != nil { //nolint:gosec // a script
			t.Fatal(err)
		}
	}

	if out, err := exec.Command("sh", filepath.Join(dir, "deploy/env.sh")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if exec.Command("sh", filepath.Join(dir, "deploy/env.sh")).Run() == nil {
		t.Error("an .env that is there was written again")
	}
	info, err := os.Stat(filepath.Join(dir, ".env"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf(".env: %v, %v", info.Mode(), err)
	}

	text, err := os.ReadFile(filepath.Join(dir, ".env")) //nolint:gosec // made above
	if err != nil {
		t.Fatal(err)
	}

	var lines []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// goCommand runs the go command in a folder of the repository, outside the workspace.
func goCommand(t *testing.T, folder string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = filepath.Join(root, folder)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s in %s: %v\n%s", strings.Join(args, " "), folder, err, stderr.String())
	}
	return out
}

// modules are the folders that go.work names.
func modules(t *testing.T) []string {
	t.Helper()
	var work struct{ Use []struct{ DiskPath string } }
	if err := json.Unmarshal(goCommand(t, ".", "work", "edit", "-json", "go.work"), &work); err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, u := range work.Use {
		folders = append(folders, strings.TrimPrefix(u.DiskPath, "./"))
	}
	return folders
}
