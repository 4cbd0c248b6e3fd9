package pg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// DB is a pool or a transaction: what store functions run their statements on.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// In the functions below, what is the text of an error: what was tried, as verb, noun and key
// ("read newsletter $1"). $1 to $9 in it stand for the statement's arguments, so it is only put
// together once something failed; take identifiers, never names or addresses. A row becomes a T: a
// struct has a field for each column by its name, anything else takes the only column.

// List returns all rows of a query; without any the list is empty, not nil.
func List[T any](ctx context.Context, db DB, what, sql string, args ...any) ([]T, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, failed(what, args, err)
	}
	if err := fits[T](rows); err != nil {
		return nil, failed(what, args, err)
	}
	list, err := pgx.CollectRows(rows, rowTo[T]())
	if err != nil {
		return nil, failed(what, args, err)
	}
	return list, nil
}

// One returns the first row of a query, or of a change with RETURNING; found is false if there is
// none.
func One[T any](ctx context.Context, db DB, what, sql string, args ...any) (row T, found bool, err error) {
	row, err = first[T](ctx, db, sql, args)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return row, false, nil
	case err != nil:
		return row, false, failed(what, args, err)
	}
	return row, true, nil
}

// Get is One for a query that always has a row, such as SELECT EXISTS or INSERT … RETURNING id:
// having none is an error.
func Get[T any](ctx context.Context, db DB, what, sql string, args ...any) (row T, err error) {
	if row, err = first[T](ctx, db, sql, args); err != nil {
		return row, failed(what, args, err)
	}
	return row, nil
}

// Exec runs a statement without rows.
func Exec(ctx context.Context, db DB, what, sql string, args ...any) error {
	_, err := ExecRows(ctx, db, what, sql, args...)
	return err
}

// ExecRows is Exec that says how many rows were changed.
func ExecRows(ctx context.Context, db DB, what, sql string, args ...any) (int64, error) {
	tag, err := db.Exec(ctx, sql, args...)
	if err != nil {
		return 0, failed(what, args, err)
	}
	return tag.RowsAffected(), nil
}

// ExecOne is Exec that reports whether a row was changed.
func ExecOne(ctx context.Context, db DB, what, sql string, args ...any) (bool, error) {
	n, err := ExecRows(ctx, db, what, sql, args...)
	return n == 1, err
}

func first[T any](ctx context.Context, db DB, sql string, args []any) (row T, err error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return row, err
	}
	if err := fits[T](rows); err != nil {
		return row, err
	}
	if row, err = pgx.CollectOneRow(rows, rowTo[T]()); err != nil {
		var none T // a row that was read in part does not count
		return none, err
	}
	return row, nil
}

// fits ends rows that could not become a T. pgx looks at the first row for that, so that a
// statement without the column of a field would work until there is one. It is asked before any row
// is read: the columns belong to the connection, which others may have as soon as the last row is.
func fits[T any](rows pgx.Rows) error {
	columns := rows.FieldDescriptions()
	if columns == nil { // an error, which reading returns
		return nil
	}
	_, err := rowTo[T]()(noRow{columns})
	if err != nil {
		rows.Close()
	}
	return err
}

// noRow is a row with nothing in it.
type noRow struct{ columns []pgconn.FieldDescription }

// FieldDescriptions implements pgx.CollectableRow.
func (r noRow) FieldDescriptions() []pgconn.FieldDescription { return r.columns }

// Scan implements pgx.CollectableRow.
func (noRow) Scan(...any) error { return nil }

// Values implements pgx.CollectableRow.
func (noRow) Values() ([]any, error) { return nil, nil }

// RawValues implements pgx.CollectableRow.
func (noRow) RawValues() [][]byte { return nil }

// rowTo reads a row into a T.
func rowTo[T any]() pgx.RowToFunc[T] {
	if t := reflect.TypeFor[T](); t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]() {
		return pgx.RowToStructByName[T]
	}
	return pgx.RowTo[T]
}

// failed wraps an error with what was tried.
func failed(what string, args []any, err error) error {
	for len(args) > 0 {
		if _, mode := args[0].(pgx.QueryExecMode); !mode {
			break
		}
		args = args[1:]
	}
	text := os.Expand(what, func(name string) string {
		if i, err := strconv.Atoi(name); err == nil && i > 0 && i <= len(args) {
			return fmt.Sprint(args[i-1])
		}
		return "$" + name
	})
	return fmt.Errorf("%s: %w", text, err)
}

// Like escapes a text for LIKE, so that nothing in it stands for other characters.
func Like(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}

// TimeOrNull is the value of a time in a column: null for the zero time.
func TimeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Text is the text in a column that may be null.
func Text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
