package pg_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// connection is a connection with an empty temporary table of things.
func connection(t *testing.T) pgx.Tx {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), os.Getenv("TEST_DATABASE_URL"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) }) //nolint:errcheck // the test is over
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := pg.Exec(t.Context(), tx, "make a table",
		`CREATE TEMPORARY TABLE thing (id int PRIMARY KEY, long_name text, at timestamptz)`); err != nil {
		t.Fatal(err)
	}
	return tx
}

type thing struct {
	ID       int
	LongName *string
}

// Rows become structs by the names of their columns, or plain values.
func TestRows(t *testing.T) {
	t.Parallel()
	ctx, tx := t.Context(), connection(t)
	if list, err := pg.List[thing](ctx, tx, "list things", `SELECT id, long_name FROM thing`); err != nil || list == nil || len(list) != 0 {
		t.Errorf("an empty table is %v, %v: want an empty list", list, err)
	}
	n, err := pg.ExecRows(ctx, tx, "add things", `INSERT INTO thing VALUES (1, 'one', '2026-01-02T03:04:05Z'), (2, NULL, NULL)`)
	if err != nil || n != 2 {
		t.Errorf("added %d, %v", n, err)
	}

	one := "one"
	list, err := pg.List[thing](ctx, tx, "list things", `SELECT long_name, id FROM thing ORDER BY id`)
	if diff := cmp.Diff([]thing{{1, &one}, {2, nil}}, list); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	ids, err := pg.List[int64](ctx, tx, "list ids", `SELECT id FROM thing ORDER BY id DESC`)
	if diff := cmp.Diff([]int64{2, 1}, ids); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	first, found, err := pg.One[thing](ctx, tx, "find thing", `SELECT id, long_name FROM thing ORDER BY id DESC`)
	if err != nil || !found || first.ID != 2 {
		t.Errorf("found %v: %+v, %v", found, first, err)
	}

	at, err := pg.Get[time.Time](ctx, tx, "read a time", `SELECT at FROM thing WHERE id = $1`, 1)
	if want := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC); err != nil || !at.Equal(want) {
		t.Errorf("the time is %v, %v", at, err)
	}
	text, err := pg.Get[*string](ctx, tx, "read a text", `SELECT long_name FROM thing WHERE id = 2`)
	if err != nil || text != nil {
		t.Errorf("a text that is NULL is %v, %v", text, err)
	}
}

// A row that is missing is a plain answer of One and an error of Get.
func TestNoRow(t *testing.T) {
	t.Parallel()
	ctx, tx := t.Context(), connection(t)
	if _, found, err := pg.One[thing](ctx, tx, "find thing $1", `SELECT id, long_name FROM thing WHERE id = $1`, 9); found || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
	if done, err := pg.ExecOne(ctx, tx, "change thing $1", `UPDATE thing SET long_name = '' WHERE id = $1`, 9); done || err != nil {
		t.Errorf("changed %v, %v", done, err)
	}
	if _, err := pg.Get[int](ctx, tx, "read thing $1", `SELECT id FROM thing WHERE id = $1`, 9); err == nil ||
		err.Error() != "read thing 9: no rows in result set" {
		t.Errorf("a missing row is %v", err)
	}
}

// A statement that lacks the column of a field fails before there is a row.
func TestMissingColumnsFailWithoutRows(t *testing.T) {
	t.Parallel()
	ctx, tx := t.Context(), connection(t)
	const lacking = `SELECT id FROM thing WHERE false`
	if _, err := pg.List[thing](ctx, tx, "list things", lacking); err == nil || !strings.Contains(err.Error(), "LongName") {
		t.Errorf("a list without a column: %v", err)
	}
	if _, found, err := pg.One[thing](ctx, tx, "find a thing", lacking); found || err == nil || !strings.Contains(err.Error(), "LongName") {
		t.Errorf("one without a column: %v, %v", found, err)
	}
}

// An error says once what was tried, with the statement's own arguments as keys, and keeps its
// kind.
func TestErrorsSayWhatWasTried(t *testing.T) {
	t.Parallel()
	ctx, tx := t.Context(), connection(t)
	insert := func() error {
		return pg.Exec(ctx, tx, "add thing $2 of $9", `INSERT INTO thing (long_name, id) VALUES ($1, $2)`, pgx.QueryExecModeExec, "a name",
			7)
	}
	if err := insert(); err != nil {
		t.Fatal(err)
	}
	err := insert()
	if !pg.IsConflict(err) || !strings.HasPrefix(err.Error(), "add thing 7 of $9: ") {
		t.Errorf("a second one: %v", err)
	}
	for name, err := range map[string]error{
		"List": func() error { _, err := pg.List[int](ctx, tx, "try $1", `SELECT $1::int`, 5); return err }(),
		"One":  func() error { _, _, err := pg.One[int](ctx, tx, "try $1", `SELECT $1::int`, 5); return err }(),
		"Get":  func() error { _, err := pg.Get[int](ctx, tx, "try $1", `SELECT $1::int`, 5); return err }(),
	} {
		if err == nil || strings.Count(err.Error(), "try 5: ") != 1 {
			t.Errorf("%s in a failed transaction: %v", name, err)
		}
	}
}
