// Package limits limits guessing and flooding by one table (table.go). Short windows are counted at
// the broker, for all edges together, or by each edge alone while the broker is unavailable.
// Windows of a day, in which pauses grow, are counted in the database.
package limits

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// LoopbackFactor widens limits by address for a shop that is tried out without a proxy: all its
// shoppers have the machine's own address. Limits by account stay.
const LoopbackFactor = 20

var overLimit = promauto.NewCounterVec(prometheus.CounterOpts{
	Name: "shop_limits_exceeded_total", Help: "Requests beyond a limit, by limit and what became of them: refused, " +
		"dropped, or mail-left-out.",
}, []string{"limit", "effect"})

// Shared are counters that all edges share. Count fails if they cannot be reached.
type Shared interface {
	Count(ctx context.Context, what, key string, window time.Duration) (int64, error)
	Uncount(what, key string, window time.Duration, counted time.Time) error
}

// Limiter counts requests.
type Limiter struct {
	log      *slog.Logger
	secret   []byte
	shared   Shared
	pool     *pgxpool.Pool
	local    localCounts
	events   localCounts
	inFlight inFlight
}

// New makes a limiter whose keys are hashed with a secret of its own.
func New(log *slog.Logger, secret []byte, shared Shared, pool *pgxpool.Pool) *Limiter {
	for _, list := range rules {
		for _, rule := range list {
			effect := "refused"
			if rule.NoMail {
				effect = "mail-left-out"
			}
			overLimit.WithLabelValues(rule.Name, effect).Add(0) // otherwise an alarm misses the first one
		}
	}
	return &Limiter{log: log, secret: secret, shared: shared, pool: pool}
}

// Counted is what a request was counted as. A nil Counted was not counted.
type Counted struct {
	limiter *Limiter
	entries []entry
	noMail  bool
}

// entry is one rule by which a request was counted.
type entry struct {
	Rule
	key    key
	at     time.Time
	shared bool // the broker has counted it, too
}

// NoMail reports whether the owner must leave out the mail that the request asks for.
func (c *Counted) NoMail() bool { return c != nil && c.noMail }

// Count counts a request by the rules of its route, or refuses it with 429.
func (l *Limiter) Count(ctx context.Context, r Request) (*Counted, error) {
	list := rules[r.Route]
	if list == nil {
		return nil, nil
	}

	c := &Counted{limiter: l}
	for _, rule := range list {
		parts := rule.By.of(r)
		if parts == nil {
			continue
		}
		if rule.By.address && r.Client.IsLoopback() {
			rule.Limit *= LoopbackFactor
		}
		e := entry{Rule: rule, key: newKey(l.secret, rule.Name, parts)}
		wait, err := l.admit(ctx, &e)
		switch {
		case err != nil:
			c.Release()
			return nil, err
		case wait == 0:
			c.entries = append(c.entries, e)
		case rule.NoMail:
			overLimit.WithLabelValues(rule.Name, "mail-left-out").Inc()
			c.noMail = true
		default:
			overLimit.WithLabelValues(rule.Name, "refused").Inc()
			c.Release() // a refused request counts nowhere else
			return nil, web.TooMany(wait)
		}
	}

	return c, nil
}

// admit counts a request once few enough others of its counter are in flight: those may all be
// right, and be taken back. It returns how long to wait if the limit is exceeded.
func (l *Limiter) admit(ctx context.Context, e *entry) (wait time.Duration, err error) {
	if len(e.Keep) > 0 && !l.inFlight.acquire(ctx, e.key, e.concurrency()) {
		return time.Second, nil
	}
	if e.pauses() {
		e.at, wait, err = countPaused(ctx, l.pool, e.Rule, e.key)
	} else {
		wait = l.countWindow(ctx, e)
	}
	if wait > 0 || err != nil {
		l.answered(*e)
	}
	if err != nil {
		err = web.Unavailable(err)
	}
	return wait, err
}

// concurrency is how many requests of a counter may be in flight: half of the free ones, so that
// right ones never make each other wait for a pause.
func (r Rule) concurrency() int64 {
	if r.pauses() {
		return (r.Free + 1) / 2
	}
	return (r.Limit + 1) / 2
}

// countWindow counts in a fixed window. While the broker is unavailable or slow, each edge goes by
// its own counts and allows half, as there may be another edge.
func (l *Limiter) countWindow(ctx context.Context, e *entry) (wait time.Duration) {
	e.at = time.Now()
	own := l.local.add(*e, 1)
	n, err := l.shared.Count(ctx, e.Name, e.key.String(), e.Window)
	if e.shared = err == nil; !e.shared {
		n = own + e.Limit/2
	}
	if n <= e.Limit {
		return 0
	}
	return e.Window - time.Duration(e.at.UnixNano()%int64(e.Window))
}

// Answered keeps or releases the counts by the outcome in an owner's answer. An answer without an
// outcome comes from an older owner: it stays counted, unless it is an error.
func (c *Counted) Answered(status int, outcome web.Outcome) {
	c.finish(func(r Rule) bool {
		if outcome == "" {
			return status < 300 || len(r.Keep) == 0
		}
		return r.stays(outcome)
	})
}

// Keep leaves everything counted, unless the answer has decided already.
func (c *Counted) Keep() { c.finish(func(Rule) bool { return true }) }

// Release takes all counts back, unless the answer has decided already.
func (c *Counted) Release() { c.finish(func(Rule) bool { return false }) }

func (c *Counted) finish(stays func(Rule) bool) {
	if c == nil || len(c.entries) == 0 {
		return
	}
	entries := c.entries
	c.entries = nil
	for _, e := range entries {
		if !stays(e.Rule) {
			c.limiter.takeBack(e)
		}
		c.limiter.answered(e)
	}
}

// answered lets the next request of a counter proceed.
func (l *Limiter) answered(e entry) {
	if len(e.Keep) > 0 {
		l.inFlight.release(e.key)
	}
}

// takeBack takes one count back. If that fails, the limit is a little stricter until its window
// ends.
func (l *Limiter) takeBack(e entry) {
	var err error
	switch {
	case e.pauses():
		err = uncountPaused(l.pool, e.key, e.at)
	default:
		l.local.add(e, -1)
		if e.shared {
			err = l.shared.Uncount(e.Name, e.key.String(), e.Window, e.at)
		}
	}
	if err != nil {
		l.log.Debug("taking back a count failed", "error", err)
	}
}

// Clean deletes expired counters.
func (l *Limiter) Clean(ctx context.Context) error {
	l.local.clean(time.Now())
	l.events.clean(time.Now())
	return deleteExpired(ctx, l.pool)
}
