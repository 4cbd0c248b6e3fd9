package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/allinone"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/pglocal"
)

// backing is what the shop's processes stand on: a PostgreSQL that syncs every commit, and a broker
// that syncs every message.
type backing struct {
	*bench
	cluster *pglocal.Cluster
	folder  string // the cluster's data
	url     string // the database's address
	owner   *pgxpool.Pool
	counts  bool   // PostgreSQL counts statements
	bin     string // the folder of PostgreSQL's programs
	broker  *part
	nats    string
	brokers int
}

func (b *bench) build(ctx context.Context) (_ *backing, err error) {
	w := &backing{bench: b, folder: filepath.Join(b.dir, "data", "postgres")}
	defer func() {
		if err != nil {
			w.close()
		}
	}()

	// The statements of an order are read from this log. Before that nothing is logged.
	w.cluster, err = pglocal.Start(ctx, pglocal.Options{Dir: w.folder, Durable: true, Install: true,
		Settings: map[string]string{"log_line_prefix": logPrefix}})
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}

	w.url = w.cluster.URL()
	if err := allinone.Migrate(ctx, b.log, w.url, "shop", nil); err != nil {
		return nil, err
	}
	if w.owner, err = pgxpool.New(ctx, w.url); err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}

	// Recording reads the parameters of statements, which the log of a shop leaves out.
	if _, err := w.owner.Exec(ctx, `ALTER DATABASE `+pgx.Identifier{w.owner.Config().ConnConfig.Database}.Sanitize()+
		` SET log_error_verbosity = 'default'`); err != nil {
		return nil, fmt.Errorf("have PostgreSQL log parameters: %w", err)
	}

	if err := w.owner.QueryRow(ctx, `SELECT setting FROM pg_config WHERE name = 'BINDIR'`).Scan(&w.bin); err != nil {
		return nil, fmt.Errorf("find PostgreSQL's programs: %w", err)
	}

	if err := w.freshBroker(ctx); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *backing) close() {
	if err := w.broker.stop(); err != nil {
		w.say("%v", err)
	}
	w.closeDatabase()
}

func (w *backing) closeDatabase() {
	if w.owner != nil {
		w.owner.Close()
	}
	if w.cluster != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := w.cluster.Stop(ctx); err != nil {
			w.say("%v", err)
		}
	}
}

// freshBroker replaces the broker by one without messages, so that no work of an earlier round is
// left.
func (w *backing) freshBroker(ctx context.Context) (err error) {
	if err := w.broker.stop(); err != nil {
		return err
	}
	w.brokers++
	if w.broker, err = w.start("broker", "", "SHOPBENCH_BROKER_DIR="+filepath.Join(w.dir, "nats",
		strconv.Itoa(w.brokers))); err != nil {
		return err
	}
	if w.nats, err = w.broker.awaitLine("ready"); err != nil {
		return err
	}
	b, err := bus.Connect(w.log, w.nats, "provision")
	if err != nil {
		return err
	}
	defer b.Close()
	if err := wait(ctx, 10*time.Second, 5*time.Millisecond, "connected to the broker",
		func() (bool, error) { return b.Connected(), nil }); err != nil {
		return err
	}
	return b.Provision(ctx, 1)
}

// settings are what every service needs to know.
func (w *backing) settings() []string {
	return []string{"DATABASE_URL=" + w.url, "NATS_URL=" + w.nats, "SHOP_SECRET=" + benchSecret}
}

// shop is the whole shop in one process.
type shop struct {
	*part
	addr string // host:port of edge
}

// openShop starts the whole shop and waits until a shopper could buy.
func (b *bench) openShop(env ...string) (*shop, error) {
	return b.openProgram("", filepath.Join(b.dir, "data"), env...)
}

// openProgram is openShop for a build of the one process; "" is this program. Settings that env
// gives win.
func (b *bench) openProgram(program, folder string, env ...string) (*shop, error) {
	var listeners []string
	for _, name := range []string{"EDGE_ADDR", "WEBHOOK_ADDR", "USER_ADDR", "ORDER_ADDR", "EVENTS_ADDR", "MAILER_ADDR",
		"NATS_ADDR",
		"NATS_MONITOR_ADDR", "STANDIN_ADDR", "MAIL_INBOX_HTTP_ADDR", "MAIL_INBOX_SMTP_ADDR"} {
		listeners = append(listeners, name+"=127.0.0.1:0")
	}
	p, err := b.startProgram(program, "shop", "", append(append(listeners, "DATA_DIR="+folder), env...)...)
	if err != nil {
		return nil, err
	}
	address, err := p.awaitLine("Shop")
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	if _, err := p.awaitLine("Ctrl-C"); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return &shop{p, strings.TrimPrefix(address, "http://")}, nil
}

// script is a transaction for pgbench, in a schema.
type script struct {
	schema, file string
}

func (w *backing) script(schema, name, text string) (script, error) {
	s := script{schema, filepath.Join(w.dir, name+".pgbench")}
	if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
		return script{}, fmt.Errorf("write %s: %w", s.file, err)
	}
	return s, nil
}

var pgbenchRate = regexp.MustCompile(`(?m)^tps = ([0-9.]+) \(without initial`)

// pgbench runs a script with prepared statements and returns transactions per second. The script
// has the variables clients, and n, which each client counts up from -1. args say when it ends: -T
// seconds or -t transactions of each client.
func (w *backing) pgbench(ctx context.Context, s script, clients int, args ...string) (float64, error) {
	u, err := url.Parse(w.url)
	if err != nil {
		return 0, fmt.Errorf("read the database's address: %w", err)
	}
	args = append([]string{
		"-n", "-M", "prepared", "-c", strconv.Itoa(clients), "-j", strconv.Itoa(min(clients, runtime.NumCPU())), "-f",
		s.file,
		"-D", "clients=" + strconv.Itoa(clients), "-D", "n=-1", "-h", u.Hostname(), "-p", u.Port(), "-U",
		u.User.Username(),
	}, args...)
	cmd := exec.CommandContext(ctx, filepath.Join(w.bin, "pgbench"),
		append(args, strings.TrimPrefix(u.Path, "/"))...) //nolint:gosec // PostgreSQL's own program
	password, _ := u.User.Password()
	cmd.Env = []string{"PGPASSWORD=" + password, "PGOPTIONS=-c search_path=" + s.schema, "PGSSLMODE=disable",
		"LC_ALL=C"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench %s: %w\n%s", filepath.Base(s.file), err, out)
	}
	m := pgbenchRate.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("pgbench %s does not tell a rate:\n%s", filepath.Base(s.file), out)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}

// checkpoint brings the database to rest between two measurements.
func (w *backing) checkpoint(ctx context.Context, statements ...string) error {
	for _, sql := range append(statements, `CHECKPOINT`) {
		if _, err := w.owner.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// benchSecret is the SHOP_SECRET of the shops that are measured.
const benchSecret = "benchbenchbenchbenchbenchbenchbenchbenchbenchbench"
