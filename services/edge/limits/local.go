package limits

import (
	"context"
	"sync"
	"time"
)

const (
	// maxLocal bounds the counters of one edge: 50,000 are about 5 MB.
	maxLocal = 50_000
	// cleanEvery is how often expired counters are deleted.
	cleanEvery = time.Minute
	// evictionSample is how many counters compete when one must be evicted.
	evictionSample = 8
)

// localCounts are the counters of one edge alone: they stand in for the shared ones.
type localCounts struct {
	mu     sync.Mutex
	counts map[localKey]localCount
	next   time.Time // time of the next cleaning
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
		l.evictLowest()
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

// evictLowest evicts the lowest of a few counters. So a flood of new ones pushes out itself, not
// the high ones.
func (l *localCounts) evictLowest() {
	var lowest localKey
	n, least := 0, int64(0)
	for k, c := range l.counts {
		if n == 0 || c.n < least {
			lowest, least = k, c.n
		}
		if n++; n == evictionSample {
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

// queueTimeout bounds how long a request waits for others of its counter.
const queueTimeout = 20 * time.Second

// inFlight holds requests back while too many of the same counter have no answer yet.
type inFlight struct {
	mu   sync.Mutex
	keys map[key]*places
}

type places struct {
	taken chan struct{}
	users int // requests that hold a slot or wait for one
}

// acquire waits for one of at most n slots. It returns false if none came free in time; otherwise
// the request must release its slot.
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
	ctx, cancel := context.WithTimeout(ctx, queueTimeout)
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
