package pg

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

type countKey struct{}

// CountQueries counts the statements that are sent with the returned context, those inside batches
// one by one. The log line of a request carries the number, and tests hold it: it must not grow
// with the length of a list.
func CountQueries(ctx context.Context) (context.Context, *atomic.Int64) {
	n := new(atomic.Int64)
	return context.WithValue(ctx, countKey{}, n), n
}

// counter is the tracer of every connection. It counts, times and bounds each statement, and notes
// whether the database takes connections.
type counter struct {
	all, seconds prometheus.Counter
	away         *atomic.Bool // the last attempt to connect failed
}

// TraceConnectStart is part of pgx's interface.
func (counter) TraceConnectStart(ctx context.Context, _ pgx.TraceConnectStartData) context.Context {
	return ctx
}

// TraceConnectEnd notes that the database cannot be reached. A connection that was made does not
// clear it: whose database it is was not asked yet.
func (c counter) TraceConnectEnd(_ context.Context, data pgx.TraceConnectEndData) {
	if data.Err != nil {
		c.away.Store(true)
	}
}

func count(ctx context.Context, by int) {
	if n, ok := ctx.Value(countKey{}).(*atomic.Int64); ok {
		n.Add(int64(by))
	}
}

// TraceQueryStart counts one statement.
func (c counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	c.all.Inc()
	switch data.SQL {
	case "begin", "commit", "rollback":
	default:
		count(ctx, 1)
	}
	return bound(ctx, limitOf(ctx))
}

// TraceQueryEnd ends what TraceQueryStart began.
func (c counter) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	c.seconds.Add(unbound(ctx).Seconds())
}

// TraceBatchStart counts the statements of a batch.
func (c counter) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	c.all.Add(float64(data.Batch.Len()))
	count(ctx, data.Batch.Len())
	return bound(ctx, answerTimeout)
}

// TraceBatchQuery is part of pgx's interface.
func (counter) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd ends what TraceBatchStart began.
func (c counter) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchEndData) {
	c.seconds.Add(unbound(ctx).Seconds())
}

// TraceAcquireStart bounds the wait for a connection, and lets one that is in use come back before
// a new one is made.
func (counter) TraceAcquireStart(ctx context.Context, pool *pgxpool.Pool,
	_ pgxpool.TraceAcquireStartData,
) context.Context {
	ctx = bound(ctx, acquireTimeout)
	limit := reuseWait
	if ctx.Value(countKey{}) != nil {
		limit = reuseWaitHTTP
	}
	for began := time.Now(); allUsed(pool) && time.Since(began) < limit; {
		if !wait.Sleep(ctx, reuseEvery) {
			break // the pool says why
		}
	}
	return ctx
}

// allUsed reports whether the pool would make a connection because all that it has are busy.
func allUsed(pool *pgxpool.Pool) bool {
	s := pool.Stat()
	return s.IdleConns() == 0 && s.AcquiredConns() > 0 && s.TotalConns() < s.MaxConns()
}

// TraceAcquireEnd ends what TraceAcquireStart began.
func (counter) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireEndData) {
	unbound(ctx)
}

// A new connection takes ten milliseconds or more, and then stays until it was idle for a while;
// most statements end within one. So a statement waits that long for a connection in use before it
// makes one: two loops that look for work at the same moment, now and then, do not keep a second
// connection alive permanently. Work that no browser waits for waits longer, since a busy machine
// takes longer for everything: with 50 ms, a shop beside twenty others that work kept a second
// connection of most services.
const (
	reuseWait     = 250 * time.Millisecond
	reuseWaitHTTP = 10 * time.Millisecond
	reuseEvery    = time.Millisecond
)

// acquireTimeout is how long a statement may wait for a connection. While the database says
// nothing, everything that a service does queues for the few connections of its pool, each of which
// is tried for seconds.
const acquireTimeout = 10 * time.Second

// answerTimeout is how long a statement may take as seen from here. PostgreSQL itself ends one
// after 5 s (statement_timeout); a host that is gone, or a firewall that has dropped the
// connection, ends nothing and says nothing.
const answerTimeout = 8 * time.Second

type patientKey struct{}

// Patient lets statements with the returned context take up to limit, for work in the background.
// The transaction's statement_timeout must allow it, too.
func Patient(ctx context.Context, limit time.Duration) context.Context {
	return context.WithValue(ctx, patientKey{}, limit)
}

// limitOf is how long a statement may take.
func limitOf(ctx context.Context) time.Duration {
	if limit, ok := ctx.Value(patientKey{}).(time.Duration); ok {
		return limit
	}
	return answerTimeout
}

type boundKey struct{}

// limited is what bound puts into the context.
type limited struct {
	end   context.CancelFunc
	begun time.Time
}

// bound gives a statement, or the wait for a connection, its limit. pgx works on with the returned
// context.
func bound(ctx context.Context, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(ctx, limit)
	return context.WithValue(ctx, boundKey{}, limited{cancel, time.Now()})
}

// unbound ends the wait that bound began, and returns how long it took.
func unbound(ctx context.Context) time.Duration {
	l, ok := ctx.Value(boundKey{}).(limited)
	if !ok {
		return 0
	}
	l.end()
	return time.Since(l.begun)
}
