package pg_test

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Work that was begun at the same time lands in another order than its numbers: a shop that had 3
// gets 2 afterwards.
func TestMigrationsLandInAnyOrder(t *testing.T) {
	t.Parallel()
	file := func(table string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE " + table + " (id int);\n")}
	}
	files := fstest.MapFS{"00001_a.sql": file("a"), "00003_c.sql": file("c")}
	url := testenv.Database(t, testenv.Schema{Service: "order"})
	for range 2 {
		if err := pg.Migrate(t.Context(), url, "order", pg.Set{Name: "order", Files: files}); err != nil {
			t.Fatal(err)
		}
		files["00002_b.sql"] = file("b")
	}
	db := testenv.DB{TB: t, Conn: testenv.OpenOwner(t, url, "order")}
	if n := db.Number(`SELECT count(*) FROM a, b, c`); n != 0 {
		t.Error(n)
	}
}

// A request that reads two tables, the second one after a migration has changed it, is not the one
// that is ended.
func TestMigrationsGiveWay(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"00001_a.sql": &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE a (); CREATE TABLE b ();\n")}}
	url := testenv.Database(t, testenv.Schema{Service: "order"})
	migrate := func() error {
		return pg.Migrate(context.WithoutCancel(t.Context()), url, "order", pg.Set{Name: "order", Files: files})
	}
	if err := migrate(); err != nil {
		t.Fatal(err)
	}

	files["00002_b.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nALTER TABLE b ADD COLUMN n int; ALTER TABLE a ADD COLUMN n int;\n")}
	db := testenv.OpenOwner(t, url, "order")
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context()) //nolint:errcheck // it is committed below
	if _, err := tx.Exec(t.Context(), `SELECT FROM a`); err != nil {
		t.Fatal(err)
	}

	migrated := make(chan error, 1)
	go func() { migrated <- migrate() }()
	testenv.Eventually(t, 30*time.Second, "the migration waits for the request", func() bool {
		var n int
		err := db.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'a'::regclass`).Scan(&n)
		return err == nil && n > 0
	})

	// PostgreSQL looks for a deadlock once, after a second of waiting: from now on it would find
	// the request.
	waits := time.Now()
	testenv.Eventually(t, 30*time.Second, "a while", func() bool { return time.Since(waits) > 1500*time.Millisecond })
	if _, err := tx.Exec(t.Context(), `SELECT FROM b`); err != nil {
		t.Errorf("the request was ended: %v", err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-migrated; err != nil {
		t.Error(err)
	}
}
