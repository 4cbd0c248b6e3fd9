package stripestandin

import (
	"net/http"
	"slices"
)

// page holds the parameters that every list has.
type page struct {
	limit        int
	after, until string // starting_after, ending_before
}

func readPage(p reader) page {
	pg := page{limit: 10, after: p.str("starting_after", 200), until: p.str("ending_before", 200)}
	if n, given := p.integer("limit", 1, 100); given {
		pg.limit = int(n)
	}
	if pg.after != "" && pg.until != "" {
		p.fail(refuse("", "", "You cannot pass both starting_after and ending_before."))
	}
	return pg
}

// paginate returns one page of all objects. With ending_before it is the page just before that
// object, in the usual order.
func paginate[T any](pg page, url, kind string, all []T, id func(T) string) (*list[T], error) {
	find := func(param, want string) (int, error) {
		i := slices.IndexFunc(all, func(v T) bool { return id(v) == want })
		if i < 0 {
			return 0, noSuch(http.StatusBadRequest, kind, param, want)
		}
		return i, nil
	}

	out := &list[T]{Object: "list", URL: url, Data: []T{}}
	from, to := 0, len(all)
	switch {
	case pg.after != "":
		i, err := find("starting_after", pg.after)
		if err != nil {
			return nil, err
		}
		from = i + 1
	case pg.until != "":
		i, err := find("ending_before", pg.until)
		if err != nil {
			return nil, err
		}
		to = i
		if to > pg.limit {
			out.HasMore, from = true, to-pg.limit
		}
	}

	if to-from > pg.limit {
		out.HasMore, to = true, from+pg.limit
	}
	out.Data = append(out.Data, all[from:to]...)
	return out, nil
}

// timeRange is a filter on a time in seconds: created=…, created[gte]=… and so on.
type timeRange struct{ low, high int64 }

func readRange(p reader, name string) timeRange {
	r := timeRange{0, 1 << 62}
	if !p.has(name) {
		return r
	}
	if p.n.kids[name].leaf {
		at, _ := p.integer(name, 0, 1<<40)
		return timeRange{at, at}
	}
	at := p.object(name)
	if n, ok := at.integer("gte", 0, 1<<40); ok {
		r.low = max(r.low, n)
	}
	if n, ok := at.integer("gt", 0, 1<<40); ok {
		r.low = max(r.low, n+1)
	}
	if n, ok := at.integer("lte", 0, 1<<40); ok {
		r.high = min(r.high, n)
	}
	if n, ok := at.integer("lt", 0, 1<<40); ok {
		r.high = min(r.high, n-1)
	}
	return r
}

func (r timeRange) holds(at int64) bool { return at >= r.low && at <= r.high }
