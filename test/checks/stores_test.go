package checks

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// statement is the beginning of an SQL statement.
var statement = regexp.MustCompile("^[\"`]\\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH \\w+|LOCK TABLE|SET " +
	"LOCAL|CREATE|ALTER|SAVEPOINT)\\s")

// Each action of the table of rights is required by some page. Otherwise it would grant nothing.
func TestEachRightIsRequiredByAPage(t *testing.T) {
	t.Parallel()
	text := readFile(t, "pkg/adminui/rights.go")
	asked := map[string]bool{}
	goFiles(t, func(name, text string) {
		if strings.HasPrefix(name, "services/") && !strings.HasSuffix(name, "_test.go") {
			for _, m := range regexp.MustCompile(`adminui\.(\w+)`).FindAllStringSubmatch(text, -1) {
				asked[m[1]] = true
			}
		}
	})
	actions := regexp.MustCompile(`(?m)^\t(\w+) +Action = "`).FindAllStringSubmatch(text, -1)
	if len(actions) < 20 {
		t.Fatalf("%d actions were found", len(actions))
	}
	for _, m := range actions {
		if !asked[m[1]] {
			t.Errorf("no page asks for %s", m[1])
		}
	}
}

// A service's statements are in its stores (*_store.go), and only stores call the functions that
// run them.
func TestStatementsAreInStores(t *testing.T) {
	t.Parallel()
	calls := []string{"List", "One", "Get", "Exec", "ExecRows", "ExecOne", "InGroups"}
	files, stores := token.NewFileSet(), 0
	err := filepath.WalkDir(filepath.Join(root, "services"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		if strings.HasSuffix(path, "_store.go") {
			stores++
			return nil
		}

		f, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if n.Kind == token.STRING && statement.MatchString(n.Value) {
					t.Errorf("%s: a statement outside of a store: %.60s", files.Position(n.Pos()), n.Value)
				}
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "pg" && slices.Contains(calls, n.Sel.Name) {
					t.Errorf("%s: pg.%s outside of a store", files.Position(n.Pos()), n.Sel.Name)
				}
			}
			return true
		})
		return nil
	})

	if err != nil {
		t.Fatal(err)
	}
	if stores == 0 {
		t.Error("no store was found: the test looks in the wrong place")
	}
}
