package shoptest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/standin/mailinbox"
	"github.com/startupwebapp/startupwebapp/standin/stripestandin"
)

// Services are those of a shop, in the order in which an upgrade restarts them.
var Services = []string{"mailer", "events", "webhook", "user", "order", "admin", "edge"}

// Fleet is a shop as it runs on several machines: one or two processes for each service, and one
// broker or three. The test's own process is the balancer in front, Stripe and the mail server.
type Fleet struct {
	*Shop
	Processes []*Process // brokers, then the provisioning process, then services

	env     []string
	folder  string // programs; "" for this one in its roles
	brokers []*Process
}

// FleetOptions describe the processes of a fleet.
type FleetOptions struct {
	Twice   []string // services that run twice
	Brokers int      // 1 or 3
	// Programs is a folder with the programs of another version, which also creates the database's
	// tables.
	Programs string
}

// Process is one process of a fleet. It can be stopped, killed and started again, at its addresses.
type Process struct {
	Service string
	tb      testing.TB
	program string
	args    []string
	env     []string
	ready   string // answers 200 once the process is ready
	addr    string
	cmd     *exec.Cmd
	ended   chan error
	logs    logs
}

// StartFleet starts a fleet that runs until the test ends.
func StartFleet(tb testing.TB, o FleetOptions) *Fleet {
	tb.Helper()
	f := &Fleet{Shop: &Shop{tb: tb, DataDir: tb.TempDir(), pools: map[string]*pgxpool.Pool{}, logs: &logs{}}, folder: o.Programs}
	if o.Programs == "" {
		f.DatabaseURL = FreshDatabase(tb)
	} else {
		f.DatabaseURL = testenv.Database(tb) // the other version creates the tables
	}

	// Cleanups run in reverse order, so the services stop before the parts that they need.
	front := f.listen()
	f.standIns(front)
	f.startBrokers(o.Brokers)
	f.settings(o.Brokers)
	f.Migrate(o.Programs)
	f.start(f.process("shop", "provision"))

	at := map[string][]string{}
	var services []*Process
	for _, service := range Services {
		for range 1 + count(o.Twice, service) {
			p := f.process(service)
			p.addr = testenv.Port(tb)
			at[service] = append(at[service], "http://"+p.addr)
			p.env = append(p.env, strings.ToUpper(service)+"_ADDR="+p.addr)
			services = append(services, p)
		}
	}

	f.Admin = strings.Replace(at["admin"][0], "127.0.0.1", "localhost", 1) // passkeys need a host name
	for _, p := range services {
		for _, service := range Services {
			p.env = append(p.env, strings.ToUpper(service)+"_URL="+strings.Join(at[service], ","))
		}
		p.env = append(p.env, "ADMIN_URL="+f.Admin)
		f.start(p)
	}

	f.balance(front, at["edge"])
	return f
}

func count(list []string, one string) (n int) {
	for _, s := range list {
		if s == one {
			n++
		}
	}
	return n
}

func (f *Fleet) listen() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.tb.Fatal(err)
	}
	f.URL = "http://" + l.Addr().String()
	return l
}

// standIns runs Stripe and the mail server in this process.
func (f *Fleet) standIns(front net.Listener) {
	f.tb.Helper()

	quiet := slog.New(slog.DiscardHandler)
	stripe, err := stripestandin.New(stripestandin.Config{SecretKey: "sk_test_fleet", WebhookSecret: "whsec_fleet",
		WebhookURL: web.URL(front) + "/order/stripe-webhook", Log: quiet})
	if err != nil {
		f.tb.Fatal(err)
	}
	inbox, err := mailinbox.New(mailinbox.Config{Keep: 100_000, Log: quiet})
	if err != nil {
		f.tb.Fatal(err)
	}
	testenv.Run(f.tb, stripe.Run)
	testenv.Run(f.tb, inbox.Run)
	f.StandIn, f.Inbox = stripe.URL(), inbox.URL()
	host, port, err := net.SplitHostPort(inbox.SMTPAddr())
	if err != nil {
		f.tb.Fatal(err)
	}
	f.env = append(f.env, "STRIPE_API_BASE="+f.StandIn, "STRIPE_SECRET_KEY=sk_test_fleet", "STRIPE_WEBHOOK_SECRET=whsec_fleet",
		"STRIPE_PUBLISHABLE_KEY=pk_test_fleet", "STRIPE_CALLS_PER_SECOND=0", "SMTP_HOST="+host, "SMTP_PORT="+port, "SMTP_TLS=none",
		"MAIL_SEEN_URL="+f.Inbox+"/api/seen")
}

// brokerPassword is what a user of nats.conf logs in with.
func brokerPassword(user string) string { return "secret" + user }

func (f *Fleet) startBrokers(n int) {
	f.tb.Helper()
	conf, err := filepath.Abs("../../deploy/nats/nats.conf")
	if err != nil {
		f.tb.Fatal(err)
	}

	var routes []string
	for i := range n {
		p := f.process("broker")
		p.addr = testenv.Port(f.tb)
		monitor, cluster := testenv.Port(f.tb), testenv.Port(f.tb)
		routes = append(routes, "nats://"+cluster)
		p.ready = "http://" + monitor + "/healthz"
		p.env = append(p.env, "BROKER_CONF="+conf, "BROKER_ADDR="+p.addr, "BROKER_MONITOR="+monitor, "BROKER_CLUSTER="+cluster,
			"BROKER_DIR="+f.tb.TempDir(), "NATS_SERVER_NAME=nats-"+strconv.Itoa(i+1))
		for _, user := range append([]string{"provision", "staff", "sys"}, Services...) {
			p.env = append(p.env, strings.ToUpper(user)+"_NATS_PASSWORD="+brokerPassword(user))
		}
		f.brokers = append(f.brokers, p)
	}

	for _, p := range f.brokers {
		p.env = append(p.env, "BROKER_ROUTES="+strings.Join(routes, ","))
		p.launch()
	}
	for _, p := range f.brokers {
		p.waitReady()
		f.Processes = append(f.Processes, p)
	}
}

// natsURL logs a user in at all brokers.
func (f *Fleet) natsURL(user string) string {
	var all []string
	for _, p := range f.brokers {
		all = append(all, "nats://"+user+":"+brokerPassword(user)+"@"+p.addr)
	}
	return strings.Join(all, ",")
}

// settings are common to all services.
func (f *Fleet) settings(brokers int) {
	secret := make([]byte, 32)
	rand.Read(secret) //nolint:errcheck // crypto/rand.Read never fails
	shop := hex.EncodeToString(secret)
	f.env = append(f.env, "DATABASE_URL="+f.DatabaseURL, "SHOP_SECRET="+shop, "PUBLIC_URL="+f.URL,
		"STAFF_KEY="+boot.StaffPublic(shop).String(), // webhook has no SHOP_SECRET to derive it from
		"NATS_REPLICAS="+strconv.Itoa(brokers), "SWEEP_EVERY=1s", "SWEEP_AFTER=2s", "SHIPPING_MAIL_AFTER=100ms")
}

// process is a process of a service, or of the program shop, not started yet.
func (f *Fleet) process(service string, args ...string) *Process {
	f.tb.Helper()
	p := &Process{Service: service, tb: f.tb, args: args}
	metrics := testenv.Port(f.tb)
	p.ready = "http://" + metrics + "/readyz"
	p.env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "METRICS_ADDR=" + metrics,
		"DATA_DIR=" + f.DataDir}, f.env...)
	if service != "broker" {
		user := service
		if service == "shop" {
			user = "provision"
		}
		p.env = append(p.env, "NATS_URL="+f.natsURL(user))
	}
	p.Use(f.folder)
	return p
}

// Use makes a process run the program of its name in a folder, or this program in its role.
func (p *Process) Use(folder string) {
	if folder != "" && p.Service != "broker" {
		p.program = filepath.Join(folder, p.Service)
		return
	}
	self, err := os.Executable()
	if err != nil {
		p.tb.Fatal(err)
	}
	p.program = self
	if role := roleVariable + "=" + p.Service; !slices.Contains(p.env, role) {
		p.env = append(p.env, role)
	}
}

// Migrate runs the migration job with the programs in a folder, or with this program.
func (f *Fleet) Migrate(folder string) {
	f.tb.Helper()
	p := f.process("shop", "migrate")
	p.Use(folder)
	if out, err := p.run(); err != nil {
		f.tb.Fatalf("migrate: %v\n%s", err, out)
	}
}

// Order runs one of order's commands for staff with the programs in a folder, or with this program.
func (f *Fleet) Order(folder string, args ...string) (string, error) {
	p := f.process("order", args...)
	p.Use(folder)
	return p.run()
}

// MakeOwner makes an owner of the back office, and stores the sign-in link in AdminLink.
func (f *Fleet) MakeOwner(name string) {
	f.tb.Helper()
	p := f.process("admin", "person", "add")
	p.env = append(p.env, "STAFF_USERNAME="+name, "ADMIN_URL="+f.Admin)
	out, err := p.run()
	if f.AdminLink = strings.TrimSpace(out); err != nil || !strings.HasPrefix(f.AdminLink, f.Admin) {
		f.tb.Fatalf("make an owner: %v\n%s", err, out)
	}
}

// run runs a command to its end.
func (p *Process) run() (out string, err error) {
	cmd := exec.Command(p.program, p.args...) //nolint:gosec // built from this repository
	cmd.Env = p.env
	all, err := cmd.CombinedOutput()
	return string(all), err
}

// Faults builds the programs of services with their crash points (pkg/fault) and returns the
// folder, for Use.
func Faults(tb testing.TB, services ...string) (folder string) {
	tb.Helper()
	folder = tb.TempDir()
	for _, service := range services {
		if err := compileTo(filepath.Join(folder, service), "services/"+service+"/cmd/"+service, fault.Armed); err != nil {
			tb.Fatal(err)
		}
	}
	return folder
}

// StartWith starts a process that dies at a crash point, such as admin.answered:1, or at none if
// point is "".
func (p *Process) StartWith(point string) {
	p.tb.Helper()
	p.env = append(slices.DeleteFunc(p.env, func(s string) bool { return strings.HasPrefix(s, "FAULT=") }), "FAULT="+point)
	p.Start()
}

// Dies waits until the process has ended by itself.
func (p *Process) Dies(limit time.Duration) {
	p.tb.Helper()
	select {
	case <-p.ended:
		p.cmd = nil
	case <-time.After(limit):
		p.tb.Fatalf("%s has not ended after %s", p.Service, limit)
	}
}

// HasDied reports whether the process has ended by itself.
func (p *Process) HasDied() bool {
	select {
	case <-p.ended:
		p.cmd = nil
		return true
	default:
		return false
	}
}

func (f *Fleet) start(p *Process) {
	f.tb.Helper()
	f.Processes = append(f.Processes, p)
	p.Start()
}

// Of returns the processes of a service, or of the brokers.
func (f *Fleet) Of(service string) (list []*Process) {
	for _, p := range f.Processes {
		if p.Service == service {
			list = append(list, p)
		}
	}
	return list
}

// Start starts a process and waits until it is ready.
func (p *Process) Start() {
	p.tb.Helper()
	p.launch()
	p.waitReady()
}

func (p *Process) launch() {
	p.tb.Helper()
	first := p.ended == nil
	p.cmd = exec.Command(p.program, p.args...) //nolint:gosec // built from this repository
	p.cmd.Env, p.cmd.Stderr, p.cmd.Stdout = p.env, &p.logs, &p.logs
	p.ended = make(chan error, 1)
	if err := p.cmd.Start(); err != nil {
		p.tb.Fatal(err)
	}
	go func(cmd *exec.Cmd, ended chan<- error) { ended <- cmd.Wait() }(p.cmd, p.ended)
	if first {
		p.tb.Cleanup(func() {
			if p.cmd != nil {
				p.Kill()
			}
			if p.tb.Failed() {
				p.tb.Logf("what %s complained of last:\n%s", p.Service, p.logs.complaints(8))
			}
		})
	}
}

func (p *Process) waitReady() {
	p.tb.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	testenv.Eventually(p.tb, 60*time.Second, p.Service+" is ready", func() bool {
		select {
		case err := <-p.ended:
			p.tb.Fatalf("%s ended: %v\n%s", p.Service, err, p.logs.tail(20))
		default:
		}
		w, err := client.Get(p.ready) //nolint:noctx // bounded by the client
		return err == nil && w.Body.Close() == nil && w.StatusCode == http.StatusOK
	})
}

// Kill ends the process as kill -9 does.
func (p *Process) Kill() {
	p.tb.Helper()
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.tb.Fatal(err)
	}
	<-p.ended
	p.cmd = nil
}

// Stop ends the process as a deployment does.
func (p *Process) Stop() {
	p.tb.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.tb.Fatal(err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			p.tb.Errorf("%s ended with %v\n%s", p.Service, err, p.logs.tail(10))
		}
	case <-time.After(40 * time.Second):
		p.tb.Fatalf("%s does not stop", p.Service)
	}
	p.cmd = nil
}

// Upgrade stops the process and starts this version of it.
func (p *Process) Upgrade() {
	p.tb.Helper()
	p.Stop()
	p.Use("")
	p.Start()
}

// balance stands before edge and sends each request to one of its processes.
func (f *Fleet) balance(l net.Listener, edges []string) {
	f.tb.Helper()
	at, err := web.ParseAddresses("EDGE_URL", strings.Join(edges, ","))
	if err != nil {
		f.tb.Fatal(err)
	}

	quiet := slog.New(slog.DiscardHandler)
	p := &httputil.ReverseProxy{
		Transport: web.NewOwner(quiet, "edge", at, nil, time.Minute),
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.Out.Host, pr.Out.Header["X-Forwarded-For"] = pr.In.Host, pr.In.Header["X-Forwarded-For"]
		},
	}

	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- web.Serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			if web.SetBody(r, body); len(body) == 0 {
				r.Body, r.GetBody = http.NoBody, nil
			}
			p.ServeHTTP(w, r)
		}))
	}()
	f.tb.Cleanup(func() { stop(); <-ended })
}
