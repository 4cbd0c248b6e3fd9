package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

// result is one comparison: the shop's rate and the limit, each per second, round by round.
type result struct {
	what, against string
	want          float64 // 0: reported only
	ours, limit   []float64
	how           string // numbers of connections or clients
}

// ratio is the median of the rounds' ratios: both sides of a round saw the same machine.
func (r result) ratio() float64 {
	var all []float64
	for i := range r.ours {
		all = append(all, r.ours[i]/r.limit[i])
	}
	return median(all)
}

func median(list []float64) float64 {
	s := slices.Sorted(slices.Values(list))
	if len(s) == 0 {
		return 0
	}
	if len(s)%2 == 0 {
		return (s[len(s)/2-1] + s[len(s)/2]) / 2
	}
	return s[len(s)/2]
}

// rate measures one side once.
type rate func(ctx context.Context) (float64, error)

// turns measures both sides in turn. The limit of a round is measured right before the shop.
func (b *bench) turns(ctx context.Context, r result, rounds int, limit, ours rate) error {
	b.say("%s", r.what)
	for range rounds {
		l, err := limit(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", r.against, err)
		}
		o, err := ours(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", r.what, err)
		}
		b.say("  %8.0f/s of %8.0f/s: %.2f", o, l, o/l)
		r.limit, r.ours = append(r.limit, l), append(r.ours, o)
	}
	b.results = append(b.results, r)
	return nil
}

// spent is processor time by process, and the number of jobs done with it.
type spent struct {
	service, database, broker time.Duration
	done                      float64
}

func (s *spent) add(o spent) {
	s.service, s.database, s.broker, s.done = s.service+o.service, s.database+o.database, s.broker+o.broker,
		s.done+o.done
}

// each is the processor time of one job, in seconds.
func (s spent) each() float64 { return (s.service + s.database + s.broker).Seconds() / max(s.done, 1) }

// String is the processor time of one job, in microseconds.
func (s spent) String() string {
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / max(s.done, 1) }
	return fmt.Sprintf("service %.0f, database %.0f, broker %.0f µs", each(s.service), each(s.database), each(s.broker))
}

// meter begins to measure processor time; service may be nil. The returned function ends it.
func (w *backing) meter(service *part) func(done float64) spent {
	read := func() (s spent) {
		s.database, s.broker = w.databaseCPU(), w.broker.cpu()
		if service != nil {
			s.service = service.cpu()
		}
		return s
	}
	before := read()
	return func(done float64) spent {
		now := read()
		return spent{now.service - before.service, now.database - before.database, now.broker - before.broker, done}
	}
}

func (b *bench) missed() bool {
	return slices.ContainsFunc(b.results, func(r result) bool { return r.want > 0 && r.ratio() < r.want })
}

func (b *bench) print(took time.Duration) {
	fmt.Fprintf(b.out, "\n%d cores, %s, %s\n\n", runtime.NumCPU(), runtime.Version(), took.Round(time.Second))
	tw := tabwriter.NewWriter(b.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "what\tagainst\tratio\twant\tshop/s\tlimit/s\trounds\thow")
	for _, r := range b.results {
		want, verdict := "report", ""
		if r.want > 0 {
			want = fmt.Sprintf("≥ %.2f", r.want)
			if r.ratio() < r.want {
				verdict = " MISSED"
			}
		}
		lowest, highest := r.span()
		fmt.Fprintf(tw, "%s\t%s\t%.2f\t%s%s\t%.0f\t%.0f\t%d: %.2f–%.2f\t%s\n", r.what, r.against, r.ratio(), want,
			verdict, median(r.ours),
			median(r.limit), len(r.ours), lowest, highest, r.how)
	}
	if err := tw.Flush(); err != nil {
		b.say("%v", err)
	}
	for _, n := range b.notes {
		fmt.Fprintln(b.out, n)
	}
}

// span is the lowest and the highest ratio of the rounds.
func (r result) span() (lowest, highest float64) {
	for i := range r.ours {
		ratio := r.ours[i] / r.limit[i]
		if i == 0 || ratio < lowest {
			lowest = ratio
		}
		highest = max(highest, ratio)
	}
	return lowest, highest
}
