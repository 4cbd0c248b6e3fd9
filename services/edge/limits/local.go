package limits

import (
	"context"
	"sync"
	"time"
)

const (
	// maxLocal bounds what one edge remembers: 50,000 counters are about 5 MB.
	maxLocal = 50_000
	// cleanEvery is how often counters whose window is over are dropped.
	cleanEvery = time.Minute
	// looked is how many counters compete when one has to give way.
	looked = 8
)

// localCounts are what one edge has counted: they stand in for the shared counters.
type localCounts struct {
	mu     sync.Mutex
	counts map[localKey]localCount
	next   time.Time // of cleaning
}

type localKey struct {
	key    key
	window int64
}

type localCount struct {
	n    int64
	over time.Time
}

func (l *localCounts) add(e entry, n int64) int64 {
	k := localKey{e.key, e.at.UnixNano() / int64(e.Window)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[localKey]localCount{}
	}
	if now := time.Now(); now.After(l.next) {
		l.cleanLocked(now)
	}
	c, known := l.counts[k]
	if !known && len(l.counts) >= maxLocal {
		l.giveWay()
	}
	c.n = max(c.n+n, 0)
	if c.n == 0 {
		delete(l.counts, k)
		return 0
	}
	c.over = time.Unix(0, (k.window+1)*int64(e.Window))
	l.counts[k] = c
	return c.n
}

// giveWay drops the lowest of a few counters. A flood of new ones so pushes out itself rather than
// what was counted high.
func (l *localCounts) giveWay() {
	var lowest localKey
	n, least := 0, int64(0)
	for k, c := range l.counts {
		if n == 0 || c.n < least {
			lowest, least = k, c.n
		}
		if n++; n == looked {
			break
		}
	}
	delete(l.counts, lowest)
}

func (l *localCounts) clean(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cleanLocked(now)
}

func (l *localCounts) cleanLocked(now time.Time) {
	l.next = now.Add(cleanEvery)
	for k, c := range l.counts {
		if !now.Before(c.over) {
			delete(l.counts, k)
		}
	}
}

func (l *localCounts) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.counts)
}

// queueTime is how long a request may wait for others like it.
const queueTime = 20 * time.Second

// inFlight holds back requests while too many of the same counter are not answered yet.
type inFlight struct {
	mu   sync.Mutex
	keys map[key]*places
}

type places struct {
	taken chan struct{}
	users int // with a place or waiting
}

// acquire waits for one of at most n places. It is false when none came free in time; otherwise the
// request must release its place.
func (f *inFlight) acquire(ctx context.Context, k key, n int64) bool {
	f.mu.Lock()
	if f.keys == nil {
		f.keys = map[key]*places{}
	}
	p := f.keys[k]
	if p == nil {
		p = &places{taken: make(chan struct{}, n)}
		f.keys[k] = p
	}
	p.users++
	f.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, queueTime)
	defer cancel()
	select {
	case p.taken <- struct{}{}:
		return true
	case <-ctx.Done():
		f.drop(k)
		return false
	}
}

func (f *inFlight) release(k key) {
	f.mu.Lock()
	p := f.keys[k]
	f.mu.Unlock()
	<-p.taken
	f.drop(k)
}

func (f *inFlight) drop(k key) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.keys[k].users--; f.keys[k].users == 0 {
		delete(f.keys, k)
	}
}
