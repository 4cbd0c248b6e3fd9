// Package testenv gives a test real parts with one call each (a database of its own, a broker, a
// log), and what it asks them with: a Client for HTTP, whose answers are held against the contract,
// and DB for SQL. Nothing is shared between tests, so all can run in parallel. A missing part fails
// the test; it never skips.
package testenv

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// Log is a log that shows with go test -v.
func Log(tb testing.TB) *slog.Logger {
	tb.Helper()
	if testing.Verbose() {
		return boot.NewLog(tb.Output(), "debug")
	}
	return slog.New(slog.DiscardHandler)
}

// Schema is a service's migration sets.
type Schema struct {
	Service string
	Sets    []pg.Set
}

// Database makes a database with these schemas for one test and returns its owner's URL. The
// migrations run once per run of all tests; each database is a copy of that template.
func Database(tb testing.TB, schemas ...Schema) string {
	tb.Helper()
	base := os.Getenv("TEST_DATABASE_URL")
	if base == "" {
		tb.Fatal("TEST_DATABASE_URL is not set: run `make test`, or `go run ./pkg/pglocal/cmd/withpostgres -- go " +
			"test …`")
	}

	ctx, cancel := context.WithTimeout(tb.Context(), 60*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		tb.Fatalf("connect to TEST_DATABASE_URL: %v", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // the test is over
	template, err := templateName(schemas)
	if err != nil {
		tb.Fatal(err)
	}
	if err := makeTemplate(ctx, conn, base, template, schemas); err != nil {
		tb.Fatal(err)
	}

	name := "t_" + strings.ToLower(rand.Text()[:16])
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		tb.Fatalf("copy the template database: %v", err)
	}
	tb.Cleanup(func() { drop(tb, base, name) })
	return withDatabase(base, name)
}

// EmptyDatabase makes a database that no one has provisioned, for the length of the test.
func EmptyDatabase(tb testing.TB) string {
	tb.Helper()
	base := os.Getenv("TEST_DATABASE_URL")
	if base == "" {
		tb.Fatal("TEST_DATABASE_URL is not set: run `make test`")
	}
	ctx, cancel := context.WithTimeout(tb.Context(), 60*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		tb.Fatalf("connect to TEST_DATABASE_URL: %v", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // the test is over
	name := "e_" + strings.ToLower(rand.Text()[:16])
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		tb.Fatalf("make a database: %v", err)
	}
	tb.Cleanup(func() { drop(tb, base, name) })
	return withDatabase(base, name)
}

// Pool makes a database with one service's schema and opens it as that service.
func Pool(tb testing.TB, service string, sets ...pg.Set) *pgxpool.Pool {
	tb.Helper()
	return Open(tb, Database(tb, Schema{service, sets}), service)
}

// ShopName is the shop that all databases of tests belong to.
const ShopName = "shop"

// Open opens a database as a service, for the length of the test.
func Open(tb testing.TB, databaseURL, service string) *pgxpool.Pool {
	tb.Helper()
	pool, err := pg.Open(context.WithoutCancel(tb.Context()), databaseURL, ShopName, service)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	return pool
}

// OpenOwner opens a database as its owner, with a service's schema as search_path: for what staff
// do in psql, and to look at what a test left.
func OpenOwner(tb testing.TB, databaseURL, service string) *pgxpool.Pool {
	tb.Helper()
	cfg, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		tb.Fatal(err)
	}
	cfg.ConnConfig.RuntimeParams["search_path"] = pgx.Identifier{service}.Sanitize()
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(tb.Context()), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	return pool
}

func templateName(schemas []Schema) (string, error) {
	h := sha256.New()
	h.Write([]byte(pg.GuardSQL + pg.InitSQL))
	for _, s := range schemas {
		fmt.Fprintf(h, "schema %s\n", s.Service)
		for _, set := range s.Sets {
			files, err := fs.Glob(set.Files, "*.sql")
			if err != nil {
				return "", fmt.Errorf("list migrations of %s: %w", s.Service, err)
			}
			for _, name := range files {
				text, err := fs.ReadFile(set.Files, name)
				if err != nil {
					return "", fmt.Errorf("read migration %s: %w", name, err)
				}
				fmt.Fprintf(h, "%s %s %d\n%s", set.Name, name, len(text), text)
			}
		}
	}
	return "tmpl_" + hex.EncodeToString(h.Sum(nil)[:12]), nil
}

// makeTemplate makes the template database unless another test of this run did.
func makeTemplate(ctx context.Context, conn *pgx.Conn, base, name string, schemas []Schema) error {
	// One at a time over all test processes: roles belong to the whole server.
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(20190420)`); err != nil {
		return fmt.Errorf("wait for the template database: %w", err)
	}
	defer conn.Exec(ctx, `SELECT pg_advisory_unlock(20190420)`) //nolint:errcheck // closing the connection unlocks too
	var done bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`,
		name).Scan(&done); err != nil {
		return fmt.Errorf("look for the template database: %w", err)
	}
	if done {
		return nil
	}

	making := name + "_making"
	if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+making+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("drop a half made template: %w", err)
	}
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+making); err != nil {
		return fmt.Errorf("make the template database: %w", err)
	}
	target := withDatabase(base, making)
	if err := pg.Provision(ctx, slog.New(slog.DiscardHandler), target, ShopName); err != nil {
		return err
	}

	for _, s := range schemas {
		if err := pg.Migrate(ctx, target, s.Service, s.Sets...); err != nil {
			return err
		}
	}

	if _, err := conn.Exec(ctx, "ALTER DATABASE "+making+" RENAME TO "+name); err != nil {
		return fmt.Errorf("finish the template database: %w", err)
	}
	return nil
}

func withDatabase(base, name string) string {
	u, err := url.Parse(base)
	if err != nil {
		panic(err) // pgx connected with it
	}
	u.Path = "/" + name
	return u.String()
}

func drop(tb testing.TB, base, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		tb.Logf("drop %s: %v", name, err)
		return
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing depends on it
	if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
		tb.Logf("drop %s: %v", name, err)
	}
}

// patience is the least that a condition gets: on two cores that other tests share, seconds say
// nothing.
const patience = 20 * time.Second

// Eventually waits until condition holds and fails the test when it does not within limit, or
// within patience if that is longer.
func Eventually(tb testing.TB, limit time.Duration, what string, condition func() bool) {
	tb.Helper()
	limit = max(limit, patience)
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		if time.Now().After(deadline) {
			tb.Fatalf("after %s still not: %s", limit, what)
		}
		<-tick.C
	}
}
