// Package bench measures the shop. Every figure is a ratio: what the shop does against the limit of
// the same job on the same machine, taken in turns within one run, so that a slow or busy machine
// slows both sides. docs/performance.md says what is measured and how.
package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	check   bool
	only    string
	page    string
	profile string
	binary  string
	rounds  int
	keep    bool
	grow    bool
	size    float64
	plots   string
}

// bench is one run.
type bench struct {
	options
	out     io.Writer
	log     *slog.Logger
	dir     string
	results []result
	notes   []string
}

// Main is the command: the run itself, or one of the processes that it starts. It returns the exit
// code: 1 after an error, and with -check also when a ratio is not reached.
func Main() int {
	if role := os.Getenv(roleVariable); role != "" {
		return play(role)
	}

	var o options
	flag.BoolVar(&o.check, "check", false, "fail when a ratio is not reached")
	flag.StringVar(&o.only, "only", "",
		"measure only these, comma-separated: start, http, login, webhook, order, purchase, catalog")
	flag.StringVar(&o.page, "page", "", "with http: measure only requests whose name contains this")
	flag.StringVar(&o.profile, "profile", "", "folder for CPU and heap profiles of the shop's processes")
	flag.StringVar(&o.binary, "binary", "",
		"with purchase: compare with these other builds of the one process, comma-separated")
	flag.IntVar(&o.rounds, "rounds", 4, "how often each pair is measured")
	flag.BoolVar(&o.keep, "keep", false, "keep the folder with data and logs")
	flag.BoolVar(&o.grow, "grow", false, "measure only how figures change while the shop fills up")
	flag.Float64Var(&o.size, "size", 1,
		"with -grow: the largest size, 1 is a million orders, ten million page views, 100,000 members")
	flag.StringVar(&o.plots, "plots", "", "with -grow: folder for a plot of each figure")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

// errMissed says that -check found a ratio below its limit.
var errMissed = errors.New("a ratio is not reached")

func run(ctx context.Context, o options) (err error) {
	b := &bench{options: o, out: os.Stdout, log: slog.New(slog.DiscardHandler)}
	if b.dir, err = os.MkdirTemp("", "shopbench"); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}

	if err := os.Chmod(b.dir, 0o755); err != nil { //nolint:gosec // PostgreSQL's own user must get through
		return fmt.Errorf("open up a folder: %w", err)
	}
	defer func() {
		if o.keep || err != nil {
			fmt.Fprintln(os.Stderr, "bench: data and logs are in", b.dir)
		} else if rerr := os.RemoveAll(b.dir); rerr != nil {
			fmt.Fprintln(os.Stderr, "bench:", rerr)
		}
	}()

	if o.profile != "" {
		if b.profile, err = filepath.Abs(o.profile); err != nil {
			return fmt.Errorf("find the folder for profiles: %w", err)
		}
		if err := os.MkdirAll(b.profile, 0o755); err != nil { //nolint:gosec // profiles are no secret
			return fmt.Errorf("make the folder for profiles: %w", err)
		}
	}

	began := time.Now()
	if err := b.measure(ctx); err != nil {
		return err
	}
	b.print(time.Since(began))

	if o.check && b.missed() {
		return errMissed
	}
	return nil
}

// wants reports whether a part of the run was asked for.
func (b *bench) wants(part string) bool {
	if b.only == "" {
		return true
	}
	for name := range strings.SplitSeq(b.only, ",") {
		if name == part {
			return true
		}
	}
	return false
}

// measure runs each part in turn, so that no other part of the run disturbs it.
func (b *bench) measure(ctx context.Context) error {
	if b.wants("start") && !b.grow {
		if err := b.starts(ctx); err != nil {
			return err
		}
	}

	w, err := b.build(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	if b.grow {
		return w.grow(ctx)
	}

	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{{"http", w.pages}, {"login", w.logins}, {"webhook", w.webhooks}, {"order", w.orders},
		{"purchase", w.purchases}, {"catalog", w.catalog}} {
		if !b.wants(part.name) {
			continue
		}
		if err := part.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// say prints progress for the person who waits.
func (b *bench) say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
