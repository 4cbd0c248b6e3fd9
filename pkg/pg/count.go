package pg

import (
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

type countKey struct{}

// CountQueries counts the statements that are sent with the returned context, those inside batches
// one by one. The log line of a request carries the number, and tests hold it: it must not grow with
// the length of a list.
func CountQueries(ctx context.Context) (context.Context, *atomic.Int64) {
	n := new(atomic.Int64)
	return context.WithValue(ctx, countKey{}, n), n
}

// counter is the tracer of every connection.
type counter struct{}

func count(ctx context.Context, by int) {
	if n, ok := ctx.Value(countKey{}).(*atomic.Int64); ok {
		n.Add(int64(by))
	}
}

// TraceQueryStart counts one statement.
func (counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	switch data.SQL {
	case "begin", "commit", "rollback":
	default:
		count(ctx, 1)
	}
	return ctx
}

// TraceQueryEnd is part of pgx's interface.
func (counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart counts the statements of a batch.
func (counter) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	count(ctx, data.Batch.Len())
	return ctx
}

// TraceBatchQuery is part of pgx's interface.
func (counter) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd is part of pgx's interface.
func (counter) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}
