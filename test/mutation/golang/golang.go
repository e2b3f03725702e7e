// Package golang makes mutants of Go packages, all of them in one build: package active
// switches each on by its number. Load reads packages, and Package.Mutate makes their
// mutants.
//
// The mutants are:
//
//   - conditions, as package lua defines them (those of if, for and case, comparisons,
//     and the operands of && and ||): always true and always false, for an operand only
//     the value that removes it; and with == or != negated
//   - < and <=, > and >=: one for the other
//   - numbers added and subtracted: one for the other
//   - calls, assignments and defers that are statements: deleted
//   - a returned error: nil
//   - the return, break or continue at the end of the other statements of an if: deleted
//
// A condition that is always true is still evaluated. A mutant must compile, and must
// not panic in a place where the original cannot.
package golang

import (
	"go/ast"
	"go/types"
	"path"
	"reflect"
	"strings"

	"waggle/test/mutation/edit"
)

// A Mutant is one change of a package.
type Mutant struct {
	Number int // for active.Variable
	File   string
	Line   int
	In     string // the function
	Code   string // the original
	Change string // such as "always true"
}

// alias is the name that mutated sources give to the package active.
const alias = "active_"

// active is the path of that package, which stands beside this one.
func active() string { return path.Join(path.Dir(reflect.TypeFor[Package]().PkgPath()), "active") }

// Mutate returns the mutants of a package, numbered from first, and the mutated sources
// by their file names.
func (p *Package) Mutate(first int) ([]Mutant, map[string]string) {
	sources := make(map[string]string)
	var all []Mutant
	for _, f := range p.files {
		m := &mutator{Package: p, file: f, text: edit.Text{Source: f.source}, next: first + len(all),
			roles: make(map[ast.Expr]role), labeled: make(map[ast.Stmt]bool), inner: make(map[*ast.IfStmt]bool)}
		for _, d := range f.tree.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Body != nil {
				m.in = name(d)
				m.walk(d, d.Type)
			}
		}
		if len(m.mutants) > 0 {
			at := m.offset(f.tree.Name.End())
			m.text.Wrap(at, at, "; import "+alias+` "`+active()+`"`, "")
			sources[f.name] = m.text.String()
		}
		all = append(all, m.mutants...)
	}
	return all, sources
}

// name returns the name of a function, with its receiver.
func name(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	return strings.TrimPrefix(types.ExprString(d.Recv.List[0].Type), "*") + "." + d.Name.Name
}
