package pg_test

import (
	"testing"
	"testing/fstest"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Work that was begun at the same time lands in another order than its numbers: a shop that had 3 gets 2 afterwards.
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
