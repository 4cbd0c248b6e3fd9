// Package pg is the way to PostgreSQL: one pool per service, which sees its own schema and no
// other; transactions as closures; migrations.
package pg

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// Role is the database role of a service of a shop. Roles belong to the whole server, so it names
// both.
func Role(shop, service string) string { return shop + "_" + service }

// ErrOtherShop says that a database belongs to another shop than SHOP_NAME. Waiting does not help.
var ErrOtherShop = errors.New("the database belongs to another shop than SHOP_NAME")

// Open makes the pool of a service. It does not wait for the database: a service starts, answers
// 503 and recovers by itself. Every connection becomes the service's role when its login is another
// one, and its search_path is the service's schema alone. One to the database of another shop fails
// with ErrOtherShop.
func Open(ctx context.Context, url, shop, service string) (*pgxpool.Pool, error) {
	if url == "" {
		return nil, errors.New("DATABASE_URL is not set; make run brings its own database, a service alone needs one")
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("DATABASE_URL is not a PostgreSQL URL") // pgx's text holds the password
	}

	// No connection is kept for its own sake: most services ask so often that one is never idle for
	// long, and twenty shops at rest share a server.
	cfg.MinConns = 0
	cfg.MaxConns = int32(max(4, 2*runtime.NumCPU())) //nolint:gosec // a number of cores

	// A pool takes its connections in turns between two checks, so those of a pool that is asked
	// once a second are never idle for longer than a few: only a limit well below the pause between
	// checks finds the ones too many.
	cfg.MaxConnIdleTime = 5 * time.Second
	cfg.HealthCheckPeriod = 10 * time.Second
	cfg.ConnConfig.ConnectTimeout = 3 * time.Second
	cfg.PingTimeout = 2 * time.Second

	for name, value := range map[string]string{
		"application_name": service, "search_path": pgx.Identifier{service}.Sanitize(), "timezone": "UTC",
		"statement_timeout": "5s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "10s",
		// Plans are kept, and most are made while tables are small. With the default, which is for
		// spinning disks, they scan whole tables until these were analyzed: a purchase touched
		// 1,600 buffers instead of 1,100. Compiling a plan takes longer than any statement of ours
		// runs.
		"random_page_cost": "1.1", "jit": "off",
	} {
		cfg.ConnConfig.RuntimeParams[name] = value
	}

	tracer := counter{obs.Statements.WithLabelValues(service), obs.StatementSeconds.WithLabelValues(service),
		new(atomic.Bool)}
	cfg.ConnConfig.Tracer = tracer
	cfg.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		err := become(ctx, c, shop, Role(shop, service))
		tracer.away.Store(err != nil)
		return err
	}

	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("make the connection pool of %s: %w", service, err)
	}
	return pool, nil
}

// become compares the name of the shop, and takes on the role, unless the login has it already. A
// login that may not create roles (a hosted database with one user) has none to become: then only
// search_path keeps schemas apart, of which Provision warned.
func become(ctx context.Context, c *pgx.Conn, shop, role string) error {
	var owner string
	switch err := c.QueryRow(ctx, "SELECT name FROM shop.guard").Scan(&owner); {
	case err != nil:
		return fmt.Errorf("read whose database this is (has migrate run?): %w", err)
	case owner != shop:
		return fmt.Errorf("%w: %s, not %s", ErrOtherShop, owner, shop)
	}
	var may bool
	err := c.QueryRow(ctx, `SELECT current_user <> rolname AND pg_has_role(current_user, oid, 'MEMBER') FROM `+
		`pg_roles WHERE rolname = $1`, role).Scan(&may)
	if errors.Is(err, pgx.ErrNoRows) || (err == nil && !may) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up role %s: %w", role, err)
	}
	if _, err := c.Exec(ctx, "SET ROLE "+pgx.Identifier{role}.Sanitize()); err != nil {
		return fmt.Errorf("become %s: %w", role, err)
	}
	return nil
}

// Ready adds the pool to /readyz and /metrics.
func Ready(service string, pool *pgxpool.Pool) (remove func()) {
	unready, unmeasured := obs.AddCheck(service+".database", pool.Ping), pools.add(service, pool)
	return func() { unready(); unmeasured() }
}

// Tx runs fn in a transaction: committed when fn returns nil, rolled back otherwise. Nothing slow
// belongs in fn: no HTTP, no publishing. A deadlock or a serialization failure is tried again up to
// three times, so fn must not change anything outside the transaction.
func Tx(ctx context.Context, pool *pgxpool.Pool, fn func(tx pgx.Tx) error) error {
	return Again(ctx, func() error { return pgx.BeginFunc(ctx, pool, fn) })
}

// Pipeline is Tx for statements that do not need the answers of others: they travel together in one
// round trip, with BEGIN and COMMIT, instead of one for each. queue fills an empty batch, and does
// so again if the transaction is tried again.
func Pipeline(ctx context.Context, pool *pgxpool.Pool, queue func(*pgx.Batch)) error {
	return Again(ctx, func() error {
		var batch pgx.Batch
		queue(&batch)
		return pool.SendBatch(ctx, &batch).Close()
	})
}

// againWithin bounds the random pause before a transaction is tried again after the first
// contention; it grows with each attempt.
const againWithin = 20 * time.Millisecond

// Again tries a transaction up to four times as long as others are in its way.
func Again(ctx context.Context, try func() error) error {
	for attempt := 1; ; attempt++ {
		err := try()
		if err == nil || attempt == 4 || !IsContention(err) {
			return err
		}
		if !wait.Sleep(ctx, rand.N(time.Duration(attempt)*againWithin)+time.Millisecond) { //nolint:gosec // jitter
			return err
		}
	}
}

func code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// IsContention reports whether the same statement may work when it is tried again: deadlock,
// serialization failure, lock timeout.
func IsContention(err error) bool {
	c := code(err)
	return c == "40P01" || c == "40001" || c == "55P03"
}

// IsConflict reports whether a unique constraint stood in the way (23505).
func IsConflict(err error) bool { return code(err) == "23505" }

// IsData reports whether the data itself is what PostgreSQL refused (classes 22 and 23): trying
// again changes nothing.
func IsData(err error) bool {
	c := code(err)
	return len(c) == 5 && (c[:2] == "22" || c[:2] == "23")
}

// IsUnavailable reports whether the database could not be reached, is starting or stopping, or gave
// up waiting; it may be back in a moment.
func IsUnavailable(err error) bool {
	if err == nil {
		return false
	}
	// Whatever a server says while a connection is being made, it says nothing about the statement.
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if c := code(err); c != "" {
		return c[:2] == "08" || c[:2] == "53" || c[:2] == "57" || c == "25P03"
	}
	// Whatever else pgx reports without a code of the server is about the connection, except what
	// pgx says about rows and arguments.
	return pgconn.SafeToRetry(err) || errors.Is(err, context.DeadlineExceeded) || isNetwork(err)
}
