package checks

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// Kinds of changes that pages of the back office wait for (adminui.Page.Live) exist. A page that
// names an unknown one would never be fetched again.
func TestLivePagesNameKindsThatThereAre(t *testing.T) {
	t.Parallel()
	files, pages := token.NewFileSet(), 0
	check := func(at token.Pos, kinds string) {
		pages++
		for _, kind := range strings.Fields(kinds) {
			if !slices.Contains(adminui.LiveKinds, kind) {
				t.Errorf("%s: no change is of the kind %s", files.Position(at), kind)
			}
		}
	}

	look := func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			field, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			if name, ok := field.Key.(*ast.Ident); !ok || name.Name != "Live" {
				return true
			}
			switch value := field.Value.(type) {
			case *ast.BasicLit:
				kinds, err := strconv.Unquote(value.Value)
				if err != nil {
					t.Error(err)
				}
				check(value.Pos(), kinds)
			case *ast.SelectorExpr:
				if value.Sel.Name == "LiveWork" {
					check(value.Pos(), adminui.LiveWork)
				}
			default:
				t.Errorf("%s: name the kinds", files.Position(value.Pos()))
			}
			return true
		})
		return nil
	}

	for _, dir := range []string{"services", "pkg"} {
		if err := filepath.WalkDir(filepath.Join(root, dir), look); err != nil {
			t.Fatal(err)
		}
	}
	if pages < 5 {
		t.Errorf("%d pages were found: the test looks in the wrong place", pages)
	}
}
