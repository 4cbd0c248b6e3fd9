package testenv

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// DB is a database as a test looks at it and changes it. A statement that fails ends the test.
type DB struct {
	TB   testing.TB
	Conn pg.DB
}

// Exec runs a statement and returns how many rows it changed.
func (d DB) Exec(sql string, args ...any) int64 {
	d.TB.Helper()
	tag, err := d.Conn.Exec(d.TB.Context(), sql, args...)
	if err != nil {
		d.TB.Fatalf("%s: %v", sql, err)
	}
	return tag.RowsAffected()
}

// Number is the one number that a query finds.
func (d DB) Number(sql string, args ...any) int {
	d.TB.Helper()
	return scan[int](d, sql, args)
}

// Text is the one text that a query finds.
func (d DB) Text(sql string, args ...any) string {
	d.TB.Helper()
	return scan[string](d, sql, args)
}

// Counts checks the one number that a query finds.
func (d DB) Counts(want int, sql string, args ...any) {
	d.TB.Helper()
	if n := d.Number(sql, args...); n != want {
		d.TB.Errorf("%d, want %d: %s", n, want, sql)
	}
}

// Becomes waits until a query finds a number.
func (d DB) Becomes(number int, sql string, args ...any) {
	d.TB.Helper()
	Eventually(d.TB, 40*time.Second, fmt.Sprint(number, " from ", sql),
		func() bool { return d.Number(sql, args...) == number })
}

// ReadsWhole runs what do does in a transaction, which is rolled back, and lists the tables of
// which it reads that many rows or more in sequential scans, as a statement that lacks an index
// does. do gets the database as the transaction sees it.
func (d DB) ReadsWhole(rows int64, do func(tx pgx.Tx, in DB)) (tables []string) {
	d.TB.Helper()
	tx, err := d.Conn.(interface { //nolint:errcheck // a pool or a connection
		Begin(ctx context.Context) (pgx.Tx, error)
	}).Begin(d.TB.Context())
	if err != nil {
		d.TB.Fatal(err)
	}
	defer tx.Rollback(d.TB.Context()) //nolint:errcheck // nothing is kept
	in := DB{TB: d.TB, Conn: tx}
	before := in.rowsRead()
	do(tx, in)
	for table, n := range in.rowsRead() {
		if n-before[table] >= rows {
			tables = append(tables, table)
		}
	}
	slices.Sort(tables)
	return tables
}

// rowsRead is how many rows the session has read of each table in sequential scans.
func (d DB) rowsRead() map[string]int64 {
	d.TB.Helper()
	list, err := pg.List[struct {
		Relname    string
		SeqTupRead int64
	}](d.TB.Context(), d.Conn, "read what was read", `SELECT relname::text, seq_tup_read FROM pg_stat_xact_user_tables`)
	if err != nil {
		d.TB.Fatal(err)
	}
	read := map[string]int64{}
	for _, t := range list {
		read[t.Relname] = t.SeqTupRead
	}
	return read
}

func scan[V any](d DB, sql string, args []any) (v V) {
	d.TB.Helper()
	if err := d.Conn.QueryRow(d.TB.Context(), sql, args...).Scan(&v); err != nil {
		d.TB.Fatalf("%s: %v", sql, err)
	}
	return v
}
