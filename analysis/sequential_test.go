package analysis_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// make test leaves the race detector out of these packages, because in them
// nothing happens at once. This is what that rests on.
func TestFitAndSearchAreSequential(t *testing.T) {
	for _, dir := range []string{"fit", "search"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					t.Errorf("%s: a goroutine; take the package out of SEQUENTIAL in the Makefile", set.Position(n.Pos()))
				case *ast.ImportSpec:
					if path := strings.Trim(n.Path.Value, `"`); path == "sync" || strings.HasPrefix(path, "sync/") || strings.HasSuffix(path, "/errgroup") {
						t.Errorf("%s: imports %s; take the package out of SEQUENTIAL in the Makefile", set.Position(n.Pos()), path)
					}
				}
				return true
			})
		}
	}
}
