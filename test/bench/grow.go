package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/services/user"
)

const (
	// The rows of a shop of size 1.
	grownOrders, grownPageViews, grownMembers = 1_000_000, 10_000_000, 100_000
	// grownTimes is how often a slow figure is measured, and grownPages how often a page is.
	grownTimes, grownPages = 15, 200
	// grownErased is how many people are erased to measure one erasure.
	grownErased = 5
	// grownSweep is order's SWEEP_EVERY, short enough to be measured within seconds.
	grownSweep = 500 * time.Millisecond
	// grownShare is the part of a figure's speed that must be left at a hundred times the size.
	grownShare = 0.75
)

// grownSizes are the sizes at which figures are taken, as shares of the whole one.
var grownSizes = []float64{0.01, 0.1, 1}

// figure is one thing that is measured at every size, in milliseconds.
type figure struct {
	name    string
	exempt  bool // may grow with the number of rows
	measure func(*grown, context.Context) (float64, error)
	ms      []float64 // one for each size
	buffers []float64 // read by PostgreSQL for the services, one for each size; 0: unknown
}

// grown is a shop that fills up.
type grown struct {
	*opened
	sizes   []float64
	orders  int64 // rows filled in so far
	views   int64
	members int64
	member  *visitor // a member who has ten orders
	account int64    // the member's id
	order   string   // the identifier of one of these orders
	events  string   // host:port of events
	began   time.Duration
	erased  int64
}

// grow fills a shop step by step with orders, page views and members, and measures at each size the
// figures that should be the same at all of them.
func (w *backing) grow(ctx context.Context) error {
	p, err := w.ownDatabase(ctx)
	if err != nil {
		return err
	}
	defer p.closeDatabase()

	events, err := freeAddress()
	if err != nil {
		return err
	}
	side := &contender{backing: p, name: "grown", runs: map[int][]measured{},
		more: []string{"EVENTS_ADDR=" + events, "SWEEP_EVERY=" + grownSweep.String()}}
	side.next.Store(1)
	if err := side.makeDatabase(ctx); err != nil {
		return err
	}

	g := &grown{events: events}
	for _, share := range grownSizes {
		g.sizes = append(g.sizes, share*w.size)
	}

	figures := []*figure{
		{name: "purchase, whole way", measure: (*grown).purchase},
		{name: "account page", measure: (*grown).accountPage},
		{name: "order page", measure: (*grown).orderPage}, {name: "funnel report", measure: (*grown).report},
		{name: "erasing one person", measure: (*grown).erase}, {name: "sweep", measure: (*grown).sweep},
		{name: "start", measure: (*grown).start}, {name: "backup", exempt: true, measure: (*grown).backup},
	}
	for i, size := range g.sizes {
		if err := g.at(ctx, side, i, size, figures); err != nil {
			return err
		}
	}

	side.owner.Close()
	w.printGrowth(g.sizes, figures)
	return plotGrowth(w.plots, g.sizes, figures)
}

// at fills the shop up to a size and measures all figures.
func (g *grown) at(ctx context.Context, side *contender, step int, size float64, figures []*figure) error {
	open := func() (err error) {
		g.opened, err = side.open(ctx)
		return err
	}
	if step == 0 {
		if err := open(); err != nil {
			return err
		}
		if err := errors.Join(g.template(ctx), g.close()); err != nil {
			return err
		}
	}

	side.say("filling to size %g", size)
	if err := g.fill(ctx, size); err != nil {
		return err
	}
	if err := open(); err != nil {
		return err
	}

	g.began = time.Since(g.shop.began)
	if _, err := g.load(ctx, comparedAtOnce, purchasesWarm, 0); err != nil {
		return errors.Join(err, g.close())
	}

	for _, f := range figures {
		if err := f.take(ctx, g); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", f.name, err), g.close())
		}
	}
	return g.close()
}

// take measures a figure at the present size, and how many buffers PostgreSQL read for it.
func (f *figure) take(ctx context.Context, g *grown) error {
	if g.counts {
		if err := g.resetCounts(ctx); err != nil {
			return err
		}
	}
	ms, err := f.measure(g, ctx)
	if err != nil {
		return err
	}
	read, err := g.buffersRead(ctx)
	if err != nil {
		return err
	}
	f.ms, f.buffers = append(f.ms, ms), append(f.buffers, read)
	g.say("  %-20s %10.1f ms %12.0f buffers", f.name, ms, read)
	return nil
}

func (g *grown) buffersRead(ctx context.Context) (float64, error) {
	if !g.counts {
		return 0, nil
	}
	c, err := g.countedSince(ctx, 1)
	return c.buffers, err
}

// printGrowth compares the largest size with the smallest, and lists all figures.
func (w *backing) printGrowth(sizes []float64, figures []*figure) {
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	fmt.Fprint(tw, "\nGrowth, ms and buffers of PostgreSQL for all times it was taken:\n  orders\t")
	for _, size := range sizes {
		fmt.Fprintf(tw, "%.0f\t\t", size*grownOrders)
	}
	for _, f := range figures {
		fmt.Fprintf(tw, "\n  %s\t", f.name)
		for i := range sizes {
			fmt.Fprintf(tw, "%.1f\t%.0f\t", f.ms[i], f.buffers[i])
		}
		last := len(sizes) - 1
		if f.exempt || f.ms[0] == 0 {
			continue
		}
		w.results = append(w.results, result{what: f.name, against: "the same at a hundredth of the size",
			want: grownShare,
			ours: []float64{1000 / f.ms[last]}, limit: []float64{1000 / f.ms[0]},
			how: fmt.Sprintf("%.0f orders", sizes[last]*grownOrders)})
	}
	_ = tw.Flush() // into memory
	w.notes = append(w.notes, strings.TrimRight(b.String(), "\n"))
}

// times returns how long a function takes, in milliseconds: the first quartile, since other work on
// the machine only makes times longer.
func times(n int, do func(i int) error) (float64, error) {
	var all []float64
	for i := range n {
		began := time.Now()
		if err := do(i); err != nil {
			return 0, err
		}
		all = append(all, float64(time.Since(began).Microseconds())/1000)
	}
	slices.Sort(all)
	return all[len(all)/4], nil
}

func (g *grown) purchase(ctx context.Context) (float64, error) {
	m, err := g.load(ctx, 1, 2*grownTimes, 0)
	return m.p50, err
}

func (g *grown) accountPage(context.Context) (float64, error) {
	g.member.base.Host = g.edge
	return times(grownPages, func(int) error {
		body, err := g.member.do("GET", "/user/account-content", nil)
		if err == nil && !strings.Contains(string(body), g.order) {
			err = fmt.Errorf("the account page does not show order %s: %.300s", g.order, body)
		}
		return err
	})
}

func (g *grown) orderPage(context.Context) (float64, error) {
	return times(grownPages, func(int) error {
		_, err := g.member.do("GET", "/order/"+g.order, nil)
		return err
	})
}

// report requests a report as services/admin does for a person who may see it.
func (g *grown) report(ctx context.Context) (float64, error) {
	key := boot.Keys{ShopSecret: benchSecret}.StaffSigner()
	return times(grownTimes, func(int) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.events+adminui.Prefix+"/reports", nil)
		if err != nil {
			return fmt.Errorf("ask for a report: %w", err)
		}
		r.Header.Set("Accept", "text/html")
		if err := adminui.Sign(r, key, "events", nil, adminui.Identity{Person: 1, Roles: adminui.Roles}); err != nil {
			return err
		}
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			return fmt.Errorf("ask for a report: %w", err)
		}
		defer w.Body.Close() //nolint:errcheck // it was read
		if _, err := io.Copy(io.Discard, w.Body); err != nil || w.StatusCode != http.StatusOK {
			return fmt.Errorf("ask for a report: %d, %w", w.StatusCode, err)
		}
		return nil
	})
}

// erase erases filled-in members with their orders, and waits each time until all services have
// finished.
func (g *grown) erase(ctx context.Context) (float64, error) {
	pool, err := pg.Open(ctx, g.url, "shop", "user")
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	return times(grownErased, func(int) error {
		g.erased++
		if err := user.Erase(ctx, pool, erasure.Person{MemberIDs: []int64{firstGrown + g.erased}},
			discard{}); err != nil {
			return err
		}
		return g.quiet(ctx)
	})
}

type discard struct{}

// Write implements io.Writer.
func (discard) Write(b []byte) (int, error) { return len(b), nil }

// sweep is how long PostgreSQL takes for one of order's sweeps that finds nothing.
func (g *grown) sweep(ctx context.Context) (float64, error) {
	if !g.counts {
		return 0, nil
	}
	if err := g.resetCounts(ctx); err != nil {
		return 0, err
	}
	select {
	case <-time.After(grownTimes * grownSweep):
	case <-ctx.Done():
		return 0, ctx.Err()
	}

	c, err := g.countedSince(ctx, 1)
	if err != nil {
		return 0, err
	}

	var ms, sweeps float64
	for _, s := range c.statements {
		if s.Service != "shop_order" || !sweeping.MatchString(s.Query) {
			continue
		}
		ms += s.Ms
		if strings.Contains(s.Query, "UPDATE sweep SET lease_until = now()") {
			sweeps += s.Calls
		}
	}
	return ms / max(sweeps, 1), nil
}

// sweeping are the tables that only the sweep reads while no one buys.
var sweeping = regexp.MustCompile(`\b(sweep|checkout|unsettled|payment_issue|reservation)\b`)

func (g *grown) start(context.Context) (float64, error) { return float64(g.began.Milliseconds()), nil }

// backup is pg_dump as docs/runbooks/backup.md runs it.
func (g *grown) backup(ctx context.Context) (float64, error) {
	file := filepath.Join(g.dir, "backup.dump")
	ms, err := times(1, func(int) error {
		//nolint:gosec // our own cluster's
		dump := exec.CommandContext(ctx, filepath.Join(g.bin, "pg_dump"), "-Fc", "-f", file, g.url)
		out, err := dump.CombinedOutput()
		if err != nil {
			return fmt.Errorf("pg_dump: %w\n%s", err, out)
		}
		return nil
	})
	return ms, errors.Join(err, os.Remove(file))
}
