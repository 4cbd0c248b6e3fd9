package allinone

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// moment is a snapshot of the database that several connections can read.
type moment struct {
	snapshot string
	at       time.Time
	server   int // major version
	shop     string
}

// holdMoment exports the snapshot of the transaction, which is valid while the transaction is open.
// It also sets how values are written, because checksums must not depend on the server's settings.
func holdMoment(ctx context.Context, tx pgx.Tx) (m moment, err error) {
	if err := plainSettings(ctx, tx); err != nil {
		return m, err
	}
	err = tx.QueryRow(ctx, `
		SELECT pg_export_snapshot(), now(), current_setting('server_version_num')::int / 10000`).
		Scan(&m.snapshot, &m.at, &m.server)
	if err == nil {
		var guarded bool
		if err = tx.QueryRow(ctx, `SELECT to_regclass('shop.guard') IS NOT NULL`).Scan(&guarded); err == nil &&
			guarded {
			err = tx.QueryRow(ctx, `SELECT name FROM shop.guard`).Scan(&m.shop)
		}
	}
	if err != nil {
		return m, fmt.Errorf("export a snapshot of the database: %w", err)
	}
	return m, nil
}

func plainSettings(ctx context.Context, tx pgx.Tx) error {
	for _, set := range []string{
		"SET LOCAL statement_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = 0",
		"SET LOCAL TimeZone = 'UTC'", "SET LOCAL DateStyle = 'ISO, YMD'", "SET LOCAL IntervalStyle = 'postgres'",
		"SET LOCAL extra_float_digits = 1", "SET LOCAL bytea_output = 'hex'", "SET LOCAL search_path = ''",
	} {
		if err := pg.Exec(ctx, tx, "set how rows are written", set); err != nil {
			return err
		}
	}
	return nil
}

// sumTables counts and sums every table of the services. It reads the whole database.
func sumTables(ctx context.Context, tx pgx.Tx) (map[string]tableSum, error) {
	if err := plainSettings(ctx, tx); err != nil {
		return nil, err
	}
	type table struct{ Schema, Name string }
	tables, err := pg.List[table](ctx, tx, "list the tables", `
		SELECT n.nspname AS schema, c.relname AS name
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
		ORDER BY n.nspname, c.relname`)
	if err != nil {
		return nil, err
	}
	sums := map[string]tableSum{}
	for _, t := range tables {
		sum, err := pg.Get[tableSum](ctx, tx, "sum "+t.Schema+"."+t.Name, `
			SELECT count(*) AS rows,
			  coalesce(sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint::numeric), 0)::text AS sum
			FROM `+pgx.Identifier{t.Schema, t.Name}.Sanitize()+` t`)
		if err != nil {
			return nil, err
		}
		sums[t.Schema+"."+t.Name] = sum
	}
	return sums, nil
}

func countTables(ctx context.Context, db pg.DB, schemas []string) (n int64, err error) {
	err = db.QueryRow(ctx, `
		SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY($1)`, schemas).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("look for tables: %w", err)
	}
	return n, nil
}

// dropSchemas drops schemas whose only table is the guard.
func dropSchemas(ctx context.Context, db pg.DB, schemas []string) error {
	for _, s := range schemas {
		if err := pg.Exec(ctx, db, "make room for schema "+s, `
			DROP SCHEMA IF EXISTS `+pgx.Identifier{s}.Sanitize()+` CASCADE`); err != nil {
			return err
		}
	}
	return nil
}

// askStripeAgain makes the order service read Stripe's lists from an hour before the backup, and do
// it at once: only Stripe knows of payments since then.
func askStripeAgain(ctx context.Context, databaseURL string, backedUp time.Time) error {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing depends on it
	if err := pg.Exec(ctx, conn, "have Stripe's lists read again", `
		UPDATE "order".sweep SET listed_to = least(listed_to, $1), refunds_listed_to = least(refunds_listed_to, $1),
		  lease_until = '-infinity'`, backedUp.Add(-time.Hour)); err != nil {
		return err
	}
	// The paused newsletters were sent further after the backup, and some people have unsubscribed
	// since: a person must decide what continues.
	if err := pg.Exec(ctx, conn, "pause campaigns", `
		UPDATE mailer.campaign SET state = CASE state WHEN 'running' THEN 'paused' ELSE 'draft' END, paused_at = now()
		WHERE state = 'running' OR state = 'scheduled' AND start_at <= now()`); err != nil {
		return err
	}
	return pg.Exec(ctx, conn, "pause newsletters", `
		UPDATE mailer.delivery SET state = 'paused', claimed_by = NULL, claimed_until = NULL
		WHERE state = 'queued' AND newsletter_id IS NOT NULL`)
}
