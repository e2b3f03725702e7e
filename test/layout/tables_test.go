package layout

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A table is a page with tables whose last cells name the tests that prove their rows:
// `TestName`, `TestName/row of its table`, and `/row` for a further row of the same test.
type table struct {
	page string
	// complete has the test files all of whose tests the page must name; with rows, it
	// must name all rows of their tables too.
	complete []string
	rows     bool
}

func tables() []table {
	return []table{
		{"docs/aws-behaviour.md", []string{"localstack/apigateway/*_test.go", "localstack/lambda/*_test.go"}, false},
		{"docs/bad-input.md", []string{"localstack/badinput_*_test.go"}, true},
	}
}

func TestTablesNameExistingTestsAndAllOfThem(t *testing.T) {
	all := testFunctions(t)
	for _, table := range tables() {
		named := named(t, table.page)
		if len(named) < 20 {
			t.Errorf("%s: got %d tests, want at least 20: is its table well formed?", table.page, len(named))
		}
		for _, name := range named {
			test, row, _ := strings.Cut(name, "/")
			functions := all[test]
			if len(functions) == 0 {
				t.Errorf("%s names the test %s, which does not exist: correct the name", table.page, test)
			} else if row != "" && !slices.ContainsFunc(functions, func(f function) bool { return slices.Contains(f.texts, row) }) {
				t.Errorf("%s: the test %s has no row %q: correct the name", table.page, test, row)
			}
		}
		for test, functions := range all {
			for _, f := range functions {
				if !matches(t, table.complete, f.file) {
					continue
				}
				if !slices.ContainsFunc(named, func(name string) bool { return name == test || strings.HasPrefix(name, test+"/") }) {
					t.Errorf("%s does not name %s of %s: add it to a row", table.page, test, f.file)
				}
				for _, row := range f.rows {
					if table.rows && !slices.Contains(named, test+"/"+row) {
						t.Errorf("%s does not name %s/%s of %s: add it to a row", table.page, test, row, f.file)
					}
				}
			}
		}
	}
}

// named returns the tests that a page's tables name.
func named(t *testing.T, page string) []string {
	t.Helper()
	quoted := regexp.MustCompile("`([^`]+)`")
	var all []string
	for line := range strings.Lines(string(read(t, page))) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) < 2 {
			continue
		}
		test := ""
		for _, found := range quoted.FindAllStringSubmatch(cells[len(cells)-1], -1) {
			name := found[1]
			if strings.HasPrefix(name, "/") {
				name = test + name
			}
			test, _, _ = strings.Cut(name, "/")
			all = append(all, name)
		}
	}
	return all
}

// A function is a test, with the strings in it and the keys of the maps that it ranges
// over.
type function struct {
	file        string
	texts, rows []string
}

func testFunctions(t *testing.T) map[string][]function {
	t.Helper()
	all := map[string][]function{}
	for _, file := range goFiles(t) {
		if !strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), absolute(file), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range tree.Decls {
			d, ok := decl.(*ast.FuncDecl)
			if !ok || d.Recv != nil || !strings.HasPrefix(d.Name.Name, "Test") || d.Name.Name == "TestMain" {
				continue
			}
			f := function{file: file}
			ast.Inspect(d, func(node ast.Node) bool {
				switch node := node.(type) {
				case *ast.BasicLit:
					f.texts = append(f.texts, texts(node)...)
				case *ast.RangeStmt:
					f.rows = append(f.rows, keys(node.X)...)
				}
				return true
			})
			all[d.Name.Name] = append(all[d.Name.Name], f)
		}
	}
	return all
}

// keys returns the keys of a map literal that are strings.
func keys(x ast.Expr) (all []string) {
	literal, ok := x.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	for _, element := range literal.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			all = append(all, texts(pair.Key)...)
		}
	}
	return all
}

func texts(x ast.Expr) []string {
	if literal, ok := x.(*ast.BasicLit); ok && literal.Kind == token.STRING {
		if text, err := strconv.Unquote(literal.Value); err == nil {
			return []string{text}
		}
	}
	return nil
}

func matches(t *testing.T, patterns []string, file string) bool {
	t.Helper()
	for _, pattern := range patterns {
		ok, err := path.Match(pattern, filepath.ToSlash(file))
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			return true
		}
	}
	return false
}
