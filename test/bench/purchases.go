package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pglocal"
)

const (
	// purchaseTime is how long a round keeps shoppers busy.
	purchaseTime = 5 * time.Second
	// purchaseRounds is the most rounds: each takes a minute.
	purchaseRounds = 3
	// purchasesCounted are made one at a time, and step by step, to count their statements.
	purchasesCounted = 40
	// purchasesWarm are made before anything is measured, to warm up plans, connections and caches.
	purchasesWarm = 40
	// quietTimeout is how long mails and messages may take after the last purchase.
	quietTimeout = time.Minute
)

// atOnce are the numbers of concurrent shoppers that a round tries in turn.
var atOnce = []int{1, 8, 32}

// comparedAtOnce is the number of concurrent shoppers that ratios are about.
const comparedAtOnce = 8

// contender is one shop under comparison, with a database, a broker, a mail inbox and a stand-in
// for Stripe of its own.
type contender struct {
	*backing
	name     string
	program  string   // another build of the one process; "" for this one
	more     []string // settings beyond those of all sides
	next     atomic.Int64
	runs     map[int][]measured // by the number of concurrent shoppers
	counted  counted            // purchases one at a time
	steps    []counted          // each step with its work in the background
	stepTime []float64          // median, ms, one at a time
}

// measured is one run under load.
type measured struct {
	rate, p50, p99 float64 // purchases a second, ms, ms
	spent          string
	statements     float64 // of one purchase, including those of the idle shop; 0: not counted
}

// purchases measures the whole way from an empty cart to the order's page and its mail, over HTTP,
// against pgbench running the least that has to be written for it. With -binary it also measures
// another build of the shop.
func (w *backing) purchases(ctx context.Context) error {
	p, err := w.ownDatabase(ctx)
	if err != nil {
		return err
	}
	defer p.closeDatabase()

	sides := []*contender{{name: "this shop"}}
	for _, path := range strings.FieldsFunc(w.binary, func(r rune) bool { return r == ',' }) {
		sides = append(sides, &contender{name: filepath.Base(path), program: path})
	}
	for _, s := range sides {
		own := *p
		s.backing, s.runs = &own, map[int][]measured{}
		s.next.Store(1)
		if err := s.makeDatabase(ctx); err != nil {
			return err
		}
		if err := s.count(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}

	if err := w.comparePurchases(ctx, p, sides); err != nil {
		return err
	}

	for _, s := range sides {
		w.notes = append(w.notes, s.report())
	}
	return nil
}

// ownDatabase starts a cluster that counts statements, if that library is installed.
func (w *backing) ownDatabase(ctx context.Context) (*backing, error) {
	p := &backing{bench: w.bench, bin: w.bin, folder: filepath.Join(w.dir, "data", "purchase")}
	set := map[string]string{}
	if err := w.owner.QueryRow(ctx,
		`SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements')`).
		Scan(&p.counts); err != nil {
		return nil, fmt.Errorf("look for pg_stat_statements: %w", err)
	}
	if p.counts {
		set["shared_preload_libraries"] = "pg_stat_statements"
		set["pg_stat_statements.track_planning"] = "on"
	}
	var err error
	p.cluster, err = pglocal.Start(ctx, pglocal.Options{Dir: p.folder, Durable: true, Install: true, Settings: set})
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return p, nil
}

// comparePurchases lets the sides take turns, and pgbench before each round.
func (w *backing) comparePurchases(ctx context.Context, p *backing, sides []*contender) error {
	essential, err := sides[0].essential(ctx)
	if err != nil {
		return err
	}

	p.cluster, p.owner = sides[0].cluster, sides[0].owner
	clients, err := best(ctx, []int{4, 8, 16, 32}, func(ctx context.Context, n int) (float64, error) {
		return sides[0].essentials(ctx, essential, n)
	})
	if err != nil {
		return err
	}

	limit := result{what: "purchases, cart to order and mail", against: "pgbench, the essential writes of a purchase",
		want: 0.3,
		how:  fmt.Sprintf("%d shoppers at once; %d clients", comparedAtOnce, clients)}
	var before []result
	for _, s := range sides[1:] {
		before = append(before, result{what: limit.what, against: s.name, how: limit.how})
	}

	w.say("%s", limit.what)
	for range min(w.rounds, purchaseRounds) {
		l, err := sides[0].essentials(ctx, essential, clients)
		if err != nil {
			return err
		}
		for _, s := range sides {
			if err := s.round(ctx); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}

		ours := sides[0].last().rate
		limit.ours, limit.limit = append(limit.ours, ours), append(limit.limit, l)
		w.say("  %8.0f/s of %8.0f/s: %.2f", ours, l, ours/l)
		for i, s := range sides[1:] {
			before[i].ours, before[i].limit = append(before[i].ours, ours), append(before[i].limit, s.last().rate)
			w.say("  %8.0f/s of %8.0f/s of %s: %.2f", ours, s.last().rate, s.name, ours/s.last().rate)
		}
	}

	w.results = append(w.results, append([]result{limit}, before...)...)
	return nil
}

// last is the newest run with the number of shoppers that is compared.
func (s *contender) last() measured {
	all := s.runs[comparedAtOnce]
	return all[len(all)-1]
}

// makeDatabase creates the side's database in the common cluster. The shop itself fills it.
func (s *contender) makeDatabase(ctx context.Context) error {
	name := "purchase_" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, s.name)

	owner, err := pgx.Connect(ctx, s.cluster.URL())
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer owner.Close(ctx) //nolint:errcheck // it has done its work
	if _, err := owner.Exec(ctx, `CREATE DATABASE `+pgx.Identifier{name}.Sanitize()); err != nil {
		return fmt.Errorf("make a database: %w", err)
	}

	u, err := url.Parse(s.cluster.URL())
	if err != nil {
		return fmt.Errorf("read the database's address: %w", err)
	}
	u.Path = "/" + name
	s.url = u.String()
	if s.owner, err = pgxpool.New(ctx, s.url); err != nil {
		return fmt.Errorf("open the database: %w", err)
	}

	if s.counts {
		if _, err := s.owner.Exec(ctx, `CREATE EXTENSION pg_stat_statements`); err != nil {
			return fmt.Errorf("count statements: %w", err)
		}
	}
	return nil
}

// opened is a side with its processes.
type opened struct {
	*contender
	shop, standin, inbox *part
	edge, stripe         string // host:port
}

// open starts the processes of a side.
func (s *contender) open(ctx context.Context) (_ *opened, err error) {
	o := &opened{contender: s}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.close())
		}
	}()

	webhook, err := freeAddress()
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(s.dir, "purchase", s.name)
	if s.broker, err = s.start("broker", "", "SHOPBENCH_BROKER_DIR="+filepath.Join(folder, "nats")); err != nil {
		return nil, err
	}
	if s.nats, err = s.broker.awaitLine("ready"); err != nil {
		return nil, err
	}

	if o.standin, err = s.start("standin", "", "SHOPBENCH_FOLDER="+folder, "SHOPBENCH_WEBHOOK=http://"+webhook+
		"/order/stripe-webhook"); err != nil {
		return nil, err
	}
	standin, err := o.standin.awaitLine("ready")
	if err != nil {
		return nil, err
	}
	o.stripe = strings.TrimPrefix(standin, "http://")

	if o.inbox, err = s.start("inbox", "", "SHOPBENCH_FOLDER="+folder); err != nil {
		return nil, err
	}
	inbox, err := o.inbox.awaitLine("ready")
	if err != nil {
		return nil, err
	}
	page, smtp, _ := strings.Cut(inbox, " ")
	host, port, err := net.SplitHostPort(smtp)
	if err != nil {
		return nil, fmt.Errorf("read the inbox's address: %w", err)
	}

	shop, err := s.openProgram(s.program, folder, append(append(s.settings(), s.more...), "WEBHOOK_ADDR="+webhook,
		"STRIPE_API_BASE="+standin,
		"STRIPE_SECRET_KEY="+standinKey, "STRIPE_WEBHOOK_SECRET="+standinSecret, "STRIPE_CALLS_PER_SECOND=0",
		"STRIPE_PUBLISHABLE_KEY=pk_test_bench", "SMTP_HOST="+host, "SMTP_PORT="+port, "SMTP_TLS=none",
		"MAIL_SEEN_URL="+page+"/api/seen")...)
	if err != nil {
		return nil, err
	}

	o.shop, o.edge = shop.part, shop.addr
	return o, nil
}

func (o *opened) close() error {
	return errors.Join(o.shop.stop(), o.standin.stop(), o.inbox.stop(), o.broker.stop())
}

// freeAddress is a loopback address with a port that was free a moment ago.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close() //nolint:errcheck // it is for its address alone
	return l.Addr().String(), nil
}

// round measures a side once with each number of shoppers.
func (s *contender) round(ctx context.Context) error {
	o, err := s.open(ctx)
	if err != nil {
		return err
	}
	if _, err := o.load(ctx, comparedAtOnce, purchasesWarm, 0); err != nil {
		return errors.Join(err, o.close())
	}
	for _, n := range atOnce {
		if err := s.checkpoint(ctx); err != nil {
			return errors.Join(err, o.close())
		}
		m, err := o.loadCounted(ctx, n)
		if err != nil {
			return errors.Join(err, o.close())
		}
		s.runs[n] = append(s.runs[n], m)
	}
	return o.close()
}

// loadCounted is load for a round that also counts the statements of a purchase if it can.
func (o *opened) loadCounted(ctx context.Context, n int) (measured, error) {
	if o.counts {
		if err := o.resetCounts(ctx); err != nil {
			return measured{}, err
		}
	}
	before := o.next.Load()
	m, err := o.load(ctx, n, 0, purchaseTime)
	if err != nil || !o.counts {
		return m, err
	}
	c, err := o.countedSince(ctx, float64(o.next.Load()-before))
	m.statements = c.calls
	return m, err
}

// load keeps n shoppers busy for a time, or until there are enough purchases. It then waits until
// all mails are sent and nothing is in flight, since only then a purchase is finished. Latency is
// that of the ten requests.
func (o *opened) load(ctx context.Context, n int, enough int64, d time.Duration) (measured, error) {
	var all sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	var errs []error
	var begun atomic.Int64

	end := o.meterAll()
	began := time.Now()
	for range n {
		all.Go(func() {
			err := o.shoppers(ctx, func() bool {
				return ctx.Err() == nil && (d > 0 && time.Since(began) < d || begun.Add(1) <= enough)
			}, func(one time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				took = append(took, one)
			})
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}

	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return measured{}, err
	}
	if err := o.quiet(ctx); err != nil {
		return measured{}, err
	}

	whole := time.Since(began)
	slices.Sort(took)
	ms := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Microseconds()) / 1000 }
	return measured{rate: float64(len(took)) / whole.Seconds(), p50: ms(0.5), p99: ms(0.99), spent: end(len(took))}, nil
}

// shoppers buy one after another as long as more says so.
func (o *opened) shoppers(ctx context.Context, more func() bool, took func(time.Duration)) error {
	shop, err := dial(ctx, o.edge)
	if err != nil {
		return err
	}
	defer shop.close()
	stripe, err := dial(ctx, o.stripe)
	if err != nil {
		return err
	}
	defer stripe.close()
	for more() {
		began := time.Now()
		one := newShopper(shop, stripe, o.next.Add(1))
		for n := range steps {
			if err := one.step(n); err != nil {
				return err
			}
		}
		took(time.Since(began))
	}
	return nil
}

// quiet waits until no outbox holds a row and no mail is queued.
func (o *opened) quiet(ctx context.Context) error {
	var sql []string
	for _, schema := range []string{"edge", "user", "order", "events", "mailer", "webhook"} {
		sql = append(sql, `(SELECT count(*) FROM `+pgx.Identifier{schema}.Sanitize()+`.outbox)`)
	}
	sql = append(sql, `(SELECT count(*) FROM mailer.delivery WHERE state = 'queued')`)
	return wait(ctx, quietTimeout, 10*time.Millisecond, "all messages confirmed and all mails out", func() (bool, error) {
		var left int
		err := o.owner.QueryRow(ctx, `SELECT `+strings.Join(sql, " + ")).Scan(&left)
		return left == 0, err
	})
}

// meterAll begins to measure the processor time of every process. The returned function gives the
// time for each of n purchases, in ms.
func (o *opened) meterAll() func(n int) string {
	read := func() []time.Duration {
		own, _, _ := processorTime(os.Getpid())
		return []time.Duration{o.shop.cpu(), o.databaseCPU(), o.broker.cpu(), o.standin.cpu(), o.inbox.cpu(), own}
	}
	before := read()
	return func(n int) string {
		var parts []string
		var sum float64
		now := read()
		for i, name := range []string{"shop", "PostgreSQL", "broker", "Stripe stand-in", "inbox", "client"} {
			ms := float64((now[i] - before[i]).Microseconds()) / 1000 / float64(max(n, 1))
			sum += ms
			parts = append(parts, fmt.Sprintf("%s %.1f", name, ms))
		}
		return fmt.Sprintf("%.1f ms: %s", sum, strings.Join(parts, ", "))
	}
}

// report describes a side beyond its ratios.
func (s *contender) report() string {
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	fmt.Fprintf(tw, "\nPurchases, %s:\n  at once\ta second\tp50 ms\tp99 ms\tstatements\tprocessor time of one\n", s.name)

	for _, n := range atOnce {
		var rate, p50, p99, statements []float64
		for _, m := range s.runs[n] {
			rate, p50, p99 = append(rate, m.rate), append(p50, m.p50), append(p99, m.p99)
			statements = append(statements, m.statements)
		}
		fmt.Fprintf(tw, "  %d\t%.1f\t%.1f\t%.1f\t%.1f\t%s\n", n, median(rate), median(p50), median(p99), median(statements),
			s.runs[n][len(s.runs[n])-1].spent)
	}

	if s.counts {
		fmt.Fprintf(tw, "\n  step\tms alone\tstatements\tof these BEGIN, COMMIT, SAVEPOINT\tbuffers\n")
		for n, c := range s.steps {
			fmt.Fprintf(tw, "  %s\t%.1f\t%.1f\t%.1f\t%.0f\n", steps[n], s.stepTime[n], c.calls, c.control, c.buffers)
		}
		fmt.Fprintf(tw, "  whole, one at a time\t\t%.1f\t%.1f\t%.0f\n", s.counted.calls, s.counted.control,
			s.counted.buffers)
	}

	_ = tw.Flush() // into memory
	text := strings.TrimRight(b.String(), "\n")
	if s.only == "" { // the list is for those who work on this part
		return text
	}
	return text + s.counted.list()
}
