package testenv

import (
	"fmt"
	"testing"
	"time"

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

// Becomes waits until a query finds a number.
func (d DB) Becomes(number int, sql string, args ...any) {
	d.TB.Helper()
	Eventually(d.TB, 40*time.Second, fmt.Sprint(number, " from ", sql),
		func() bool { return d.Number(sql, args...) == number })
}

func scan[V any](d DB, sql string, args []any) (v V) {
	d.TB.Helper()
	if err := d.Conn.QueryRow(d.TB.Context(), sql, args...).Scan(&v); err != nil {
		d.TB.Fatalf("%s: %v", sql, err)
	}
	return v
}
