package bench

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// counted is what PostgreSQL did for the services of a shop during one purchase, by
// pg_stat_statements. Every statement counts, BEGIN and COMMIT as well; those of the idle shop are
// subtracted.
type counted struct {
	calls, control, buffers float64
	statements              []counting
}

// counting is one normalized statement and its cost.
type counting struct {
	Service string
	Query   string
	Calls   float64
	Ms      float64 // execution
	PlanMs  float64 // planning
	Buffers float64
}

// listed is how many statements a report lists at most.
const listed = 60

const countedSQL = `
	SELECT rolname AS service, query, sum(calls)::float8 AS calls, sum(total_exec_time)::float8 AS ms,
	  sum(total_plan_time)::float8 AS plan_ms, sum(shared_blks_hit + shared_blks_read)::float8 AS buffers
	FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid JOIN pg_database d ON d.oid = s.dbid
	WHERE rolname LIKE 'shop\_%' AND d.datname = current_database() GROUP BY 1, 2 ORDER BY 3 DESC, 4 DESC`

// countedSince returns the statements since the last reset, for each of n purchases.
func (o *opened) countedSince(ctx context.Context, n float64) (c counted, err error) {
	if c.statements, err = pg.List[counting](ctx, o.owner, "read pg_stat_statements", countedSQL); err != nil {
		return c, err
	}
	for i := range c.statements {
		s := &c.statements[i]
		s.Calls, s.Ms, s.PlanMs, s.Buffers = s.Calls/n, s.Ms/n, s.PlanMs/n, s.Buffers/n
	}
	c.sum()
	return c, nil
}

func (c *counted) sum() {
	c.calls, c.control, c.buffers = 0, 0, 0
	for _, s := range c.statements {
		c.calls, c.buffers = c.calls+s.Calls, c.buffers+s.Buffers
		if transactional.MatchString(s.Query) {
			c.control += s.Calls
		}
	}
}

// transactional are the statements that begin and end transactions.
var transactional = regexp.MustCompile(`(?i)^(begin|commit|rollback|savepoint|release)\b`)

// without subtracts a share of what the idle shop does.
func (c counted) without(idle counted, share float64) counted {
	c.statements = slices.Clone(c.statements)
	for i := range c.statements {
		s := &c.statements[i]
		for _, n := range idle.statements {
			if n.Service == s.Service && n.Query == s.Query {
				s.Calls, s.Buffers = max(0, s.Calls-n.Calls*share), max(0, s.Buffers-n.Buffers*share)
			}
		}
	}
	c.sum()
	return c
}

func (o *opened) resetCounts(ctx context.Context) error {
	_, err := o.owner.Exec(ctx, `SELECT pg_stat_statements_reset()`)
	return err
}

// count makes purchases one at a time and counts their statements; then step by step, each time
// with the step's work in the background.
func (s *contender) count(ctx context.Context) error {
	s.say("statements of a purchase, %s", s.name)
	o, err := s.open(ctx)
	if err != nil {
		return err
	}
	if _, err := o.load(ctx, comparedAtOnce, purchasesWarm, 0); err != nil || !s.counts {
		return errors.Join(err, o.close())
	}
	if err := o.countAll(ctx); err != nil {
		return errors.Join(err, o.close())
	}
	return o.close()
}

func (o *opened) countAll(ctx context.Context) error {
	const idleTime = 4 * time.Second
	if err := errors.Join(o.checkpoint(ctx, `VACUUM ANALYZE`), o.resetCounts(ctx)); err != nil {
		return err
	}

	select {
	case <-time.After(idleTime):
	case <-ctx.Done():
		return ctx.Err()
	}
	idle, err := o.countedSince(ctx, idleTime.Seconds())
	if err != nil {
		return err
	}

	if err := o.resetCounts(ctx); err != nil {
		return err
	}
	began := time.Now()
	if _, err := o.load(ctx, 1, purchasesCounted, 0); err != nil {
		return err
	}

	whole, err := o.countedSince(ctx, purchasesCounted)
	if err != nil {
		return err
	}
	o.counted = whole.without(idle, time.Since(began).Seconds()/purchasesCounted)
	return o.countSteps(ctx, idle)
}

func (o *opened) countSteps(ctx context.Context, idle counted) error {
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

	buyers := make([]*shopper, purchasesCounted)
	for i := range buyers {
		buyers[i] = newShopper(shop, stripe, o.next.Add(1))
	}

	for n := range steps {
		if err := o.resetCounts(ctx); err != nil {
			return err
		}
		began := time.Now()
		var took []float64
		for _, one := range buyers {
			each := time.Now()
			if err := one.step(n); err != nil {
				return err
			}
			took = append(took, float64(time.Since(each).Microseconds())/1000)
			if err := o.quiet(ctx); err != nil {
				return err
			}
		}

		c, err := o.countedSince(ctx, purchasesCounted)
		if err != nil {
			return err
		}
		o.steps = append(o.steps, c.without(idle, time.Since(began).Seconds()/purchasesCounted))
		o.stepTime = append(o.stepTime, median(took))
	}
	return nil
}

var blanks = regexp.MustCompile(`\s+`)

// list lists the most frequent statements of a purchase.
func (c counted) list() string {
	var b strings.Builder
	for i, s := range c.statements {
		if i == 0 {
			b.WriteString("\n\n  a purchase   ms  planning  buffers  service  statement")
		}
		if i == listed || s.Calls < 0.05 {
			break
		}
		fmt.Fprintf(&b, "\n  %10.2f %5.2f %8.2f %8.1f  %-7s %.110s", s.Calls, s.Ms, s.PlanMs, s.Buffers,
			strings.TrimPrefix(s.Service, "shop_"),
			blanks.ReplaceAllString(s.Query, " "))
	}
	return b.String()
}
