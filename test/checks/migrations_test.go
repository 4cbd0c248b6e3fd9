package checks

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// breaking are statements that take something away from the older version of the shop, which still
// runs while a new one migrates and reads and writes as before. Constraints and indexes may go, and
// so may what a function drops later.
var breaking = []struct {
	what string
	is   *regexp.Regexp
}{
	{"drops what may be in use", regexp.MustCompile(`\bdrop\s+(table|column|schema|type|view|function|sequence|default|not\b)`)},
	{"drops a column", regexp.MustCompile(`\bdrop\s+(if\s+exists\s+)?"?[a-z_]+"?\s*(,|;|$|cascade)`)},
	{"renames", regexp.MustCompile(`\brename\b`)},
	{"changes a type", regexp.MustCompile(`\balter\s+(column\s+)?"?[a-z_]+"?\s+(set\s+data\s+)?type\b`)},
	{"wants a value of those who write none", regexp.MustCompile(`\bset\s+not\s+null\b`)},
	{"empties a table", regexp.MustCompile(`(^|;)\s*truncate\b`)},
}

var (
	comments   = regexp.MustCompile(`--[^\n]*`)
	functions  = regexp.MustCompile(`(?s)\$\$.*?\$\$`)
	literals   = regexp.MustCompile(`'(?:[^']|'')*'`)
	addsColumn = regexp.MustCompile(`(?s)\badd\s+column\s+[^,;]*?\bnot\s+null\b[^,;]*`)
)

// breaks returns the parts of a migration that the older version cannot live with.
func breaks(sql string) (found []string) {
	sql, _, _ = strings.Cut(sql, "-- +goose Down")
	sql = literals.ReplaceAllString(functions.ReplaceAllString(comments.ReplaceAllString(sql, ""), "$$$$"), "''")
	sql = strings.ToLower(sql)
	for _, b := range breaking {
		if at := b.is.FindString(sql); at != "" {
			found = append(found, b.what+": "+at)
		}
	}
	for _, column := range addsColumn.FindAllString(sql, -1) {
		if !strings.Contains(column, "default") && !strings.Contains(column, "generated") {
			found = append(found, "wants a value of those who write none: "+column)
		}
	}
	return found
}

// Migrations only add: old and new processes run side by side during an upgrade, and the old ones
// come back in a rollback.
func TestMigrationsOnlyAdd(t *testing.T) {
	t.Parallel()
	n := 0
	for _, pattern := range []string{"services/*/migrations/*.sql", "pkg/*/migrations/*.sql"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			n++
			text, err := os.ReadFile(file) //nolint:gosec // of the repository
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range breaks(string(text)) {
				t.Errorf("%s %s", strings.TrimPrefix(file, root), b)
			}
		}
	}

	if n < 50 {
		t.Errorf("%d migrations were found", n)
	}

	for _, bad := range []string{
		`DROP TABLE cart;`, `ALTER TABLE cart DROP COLUMN made_at;`, `ALTER TABLE cart DROP made_at;`, `ALTER TABLE cart RENAME TO basket;`,
		`ALTER TABLE cart RENAME made_at TO at;`, `ALTER TABLE cart ALTER COLUMN id TYPE bigint;`, `ALTER TABLE cart ALTER id SET DATA
		  TYPE bigint;`,
		`ALTER TABLE cart ALTER COLUMN note SET NOT NULL;`, `ALTER TABLE cart ALTER COLUMN note DROP DEFAULT;`, `TRUNCATE cart;`,
		`ALTER TABLE cart ADD COLUMN note text NOT NULL;`,
		"ALTER TABLE cart\n  ADD COLUMN a int NOT NULL DEFAULT 1,\n  ADD COLUMN b text NOT NULL;",
	} {
		if len(breaks(bad)) == 0 {
			t.Errorf("not refused: %s", bad)
		}
	}

	for _, good := range []string{
		`ALTER TABLE cart ADD COLUMN note text NOT NULL DEFAULT '';`, `ALTER TABLE cart ADD COLUMN note text;`, `CREATE TABLE a (id int
		  NOT NULL);`,
		`ALTER TABLE cart DROP CONSTRAINT a, ADD CONSTRAINT a CHECK (state IN ('drop table x'));`, `DROP INDEX cart_at;`, `-- DROP TABLE
		  cart`,
	} {
		if b := breaks(good); len(b) > 0 {
			t.Errorf("refused: %s: %v", good, b)
		}
	}
}
