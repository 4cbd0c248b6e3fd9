package pg

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// GuardSQL says whose database it is, InitSQL makes roles and schemas; together they are
// deploy/postgres/init.sql.
var (
	//go:embed guard.sql
	GuardSQL string
	//go:embed init.sql
	InitSQL string
)

// Provision makes the roles and schemas of all services of a shop, whose database it becomes; one
// that is another shop's is refused with ErrOtherShop. url is a login that owns the database. If it
// may not create roles, only the schemas are made, and the log says so.
func Provision(ctx context.Context, log *slog.Logger, url, shop string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing depends on it
	if _, err := conn.Exec(ctx, "SELECT set_config('shop.name', $1, false)", shop); err != nil {
		return fmt.Errorf("set the name of the shop: %w", err)
	}
	if err := guard(ctx, conn); err != nil {
		return err
	}

	// Roles belong to the whole server, so two shops on one server may provision at once.
	for attempt := 1; ; attempt++ {
		_, err = conn.Exec(ctx, InitSQL)
		if err == nil {
			return nil
		}
		if c := code(err); c == "42501" {
			return provisionWithoutRoles(ctx, log, conn)
		} else if attempt == 10 || (c != "XX000" && c != "23505" && c != "42710" && c != "40001" && c != "40P01") {
			return fmt.Errorf("make roles and schemas: %w", err)
		}
		if !wait.Sleep(ctx, time.Duration(attempt)*provisionPause) {
			return ctx.Err()
		}
	}
}

// provisionPause is the pause after another process was in the way once; it grows with each
// attempt.
const provisionPause = 20 * time.Millisecond

// guard makes the database the shop's, or reports that it is another shop's.
func guard(ctx context.Context, conn *pgx.Conn) error {
	for attempt := 1; ; attempt++ {
		_, err := conn.Exec(ctx, GuardSQL)
		switch c := code(err); {
		case err == nil:
			return nil
		case c == otherShop:
			return fmt.Errorf("%w: %w", ErrOtherShop, err)
		case attempt == 10 || c != "23505" && c != "42P06" && c != "42P07" && c != "XX000":
			return fmt.Errorf("assign the database to a shop: %w", err)
		}
		if !wait.Sleep(ctx, time.Duration(attempt)*provisionPause) { // another process was at it
			return ctx.Err()
		}
	}
}

// otherShop is what guard.sql raises.
const otherShop = "SHOP1"

func provisionWithoutRoles(ctx context.Context, log *slog.Logger, conn *pgx.Conn) error {
	log.Warn("this database login may not create roles: all services share it, and only their search_path keeps " +
		"them apart; run deploy/postgres/init.sql as an administrator for a role per service")
	for _, service := range []string{"edge", "user", "order", "events", "mailer", "webhook", "admin"} {
		if _, err := conn.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{service}.Sanitize()); err != nil {
			return fmt.Errorf("make schema %s: %w", service, err)
		}
	}
	return nil
}

// Set is a numbered set of migrations with its own version table, so that several sets can share
// a schema.
type Set struct {
	Name  string
	Files fs.FS // *.sql at its root
}

// Migrations is the set in the folder migrations that a package embeds.
func Migrations(name string, embedded embed.FS) Set {
	files, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return Set{Name: name, Files: files}
}

// A running shop goes on while its tables change. A migration that waits for a lock has all others
// wait behind it, and one that changes several tables may stand in the way of a request that reads
// them in another order: it is the migration that gives way, well before PostgreSQL looks for
// deadlocks (deadlock_timeout, one second) and ends the request.
const (
	migrationLock  = "500ms"
	migrationPause = 200 * time.Millisecond
	migrationTries = 200
)

// Migrate brings a service's schema up to date, forward only. url is a login that owns the
// database.
func Migrate(ctx context.Context, url, service string, sets ...Set) error {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return errors.New("DATABASE_URL is not a PostgreSQL URL")
	}
	cfg.RuntimeParams["search_path"] = pgx.Identifier{service}.Sanitize()
	cfg.RuntimeParams["timezone"] = "UTC"
	cfg.RuntimeParams["lock_timeout"] = migrationLock
	db := stdlib.OpenDB(*cfg)
	defer db.Close() //nolint:errcheck // nothing depends on it
	for _, set := range sets {
		if err := migrate(ctx, db, set); err != nil {
			return fmt.Errorf("migrate %s (%s): %w", service, set.Name, err)
		}
	}
	return nil
}

func migrate(ctx context.Context, db *sql.DB, set Set) error {
	store, err := database.NewStore(goose.DialectPostgres, "version_"+set.Name)
	if err != nil {
		return err
	}
	// Two processes may migrate at once: the second waits.
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	// Numbers say in which order a fresh database is made. Work that was begun at the same time
	// lands in another: a shop that has the higher number gets the lower one now, which is harmless
	// since migrations only add.
	p, err := goose.NewProvider(goose.DialectCustom, db, set.Files, goose.WithStore(store),
		goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true))
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		_, err = p.Up(ctx)
		if !IsContention(err) || try == migrationTries || !wait.Sleep(ctx, migrationPause) {
			return err
		}
	}
}
