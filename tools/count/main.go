// Command count prints the figures by which the code's legibility is judged, for one checkout:
//
//	make count
//
// It reads Go files as text and syntax only, leaves tests apart, and judges nothing.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// avoided are words that the house style leaves to other kinds of text.
var avoided = regexp.MustCompile(`(?i)\b(whoever|nobody|somebody|anew|doors?|poked?|rush|wished?)\b`)

// figures is what is counted in one kind of files.
type figures struct {
	files, code, comments int
	functions             []int // lines of each
	exported, documented  int
	interfaces            int
	avoidedWords          int
	wide                  int // lines over the width
	lines                 int
	fieldLiterals         int // {Key: … of ordered answers
	noRows                int
	runLines              int // of the services' run.go
}

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	code, tests := &figures{}, &figures{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		f, width := code, 120
		if strings.HasSuffix(name, "_test.go") {
			f, width = tests, 140
		}
		return f.read(path, width)
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code.print("code")
	tests.print("tests")
}

func (f *figures) read(path string, width int) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, text, parser.ParseComments)
	if err != nil {
		return err
	}
	f.files++
	f.text(string(text), width)
	for _, group := range file.Comments {
		f.avoidedWords += len(avoided.FindAllString(group.Text(), -1))
		f.comments += set.Position(group.End()).Line - set.Position(group.Pos()).Line + 1
	}
	for _, decl := range file.Decls {
		f.declaration(set, decl)
	}
	if filepath.Base(path) == "run.go" && strings.Contains(filepath.ToSlash(path), "services/") {
		f.runLines += strings.Count(string(text), "\n")
	}
	return nil
}

func (f *figures) text(text string, width int) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		f.lines++
		if len([]rune(strings.ReplaceAll(line, "\t", "    "))) > width {
			f.wide++
		}
		if t := strings.TrimSpace(line); t != "" && !strings.HasPrefix(t, "//") {
			f.code++
		}
	}
	f.fieldLiterals += strings.Count(text, "{Key: ")
	f.noRows += strings.Count(text, "ErrNoRows")
}

func (f *figures) declaration(set *token.FileSet, decl ast.Decl) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		f.functions = append(f.functions, set.Position(d.End()).Line-set.Position(d.Pos()).Line+1)
		f.name(d.Name, d.Doc != nil)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				f.name(s.Name, d.Doc != nil || s.Doc != nil)
				if _, ok := s.Type.(*ast.InterfaceType); ok {
					f.interfaces++
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					f.name(n, d.Doc != nil || s.Doc != nil || s.Comment != nil)
				}
			}
		}
	}
}

func (f *figures) name(n *ast.Ident, documented bool) {
	if n.IsExported() {
		f.exported++
		if documented {
			f.documented++
		}
	}
}

func (f *figures) print(kind string) {
	slices.Sort(f.functions)
	at := func(percent int) int { return f.functions[min(len(f.functions)*percent/100, len(f.functions)-1)] }
	over := len(f.functions) - lowerBound(f.functions, 61)
	fmt.Printf("%s: %d files, %d lines of code, %d of comments\n", kind, f.files, f.code, f.comments)
	fmt.Printf("  functions: %d; lines median %d, p95 %d, max %d; %d over 60\n", len(f.functions), at(50), at(95),
		f.functions[len(f.functions)-1], over)
	fmt.Printf("  exported names: %d, documented %.1f %%; interfaces %d\n", f.exported,
		100*float64(f.documented)/float64(max(f.exported, 1)), f.interfaces)
	fmt.Printf("  lines too wide: %.1f %%; words to avoid in comments: %d\n", 100*float64(f.wide)/float64(f.lines),
		f.avoidedWords)
	fmt.Printf("  {Key: literals: %d; ErrNoRows: %d; lines of the services' run.go: %d\n", f.fieldLiterals, f.noRows,
		f.runLines)
}

// lowerBound is how many of the sorted values are below n.
func lowerBound(values []int, n int) int {
	i, _ := slices.BinarySearch(values, n)
	return i
}
