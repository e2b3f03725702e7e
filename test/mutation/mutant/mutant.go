// Package mutant makes mutants of Go packages, all of them in one build: each is behind
// a switch of package switches. Load reads packages, Package.Mutate makes their
// mutants.
//
// What is mutated:
//
//   - conditions, as package lua says what they are: those of if, for and case,
//     comparisons, and the operands of && and ||. Always true, always false, for an
//     operand only what removes it; and with == or != the contrary.
//   - < and <=, > and >=: the other side of the boundary
//   - numbers added and subtracted: the one for the other
//   - calls, assignments and defers that are statements: left out
//   - an error returned: none is
//   - the return, break or continue that ends what else is done under an if: left out
//
// A condition that is always true is still evaluated. Code that cannot panic otherwise is
// not made to.
package mutant

import (
	"go/ast"
	"go/types"
	"path"
	"reflect"
	"strings"

	"waggle/test/mutation/splice"
)

// A Mutant is one change of a package.
type Mutant struct {
	Number int // of its switch
	File   string
	Line   int
	In     string // the function
	Code   string // what is changed
	Change string // into what
}

// Switches returns the package that mutated sources import, which stands beside this one.
func Switches() string {
	return path.Join(path.Dir(reflect.TypeFor[Package]().PkgPath()), "switches")
}

// Mutate returns the mutants of a package, numbered from first, and the sources that
// hold them, by their file names.
func (p *Package) Mutate(first int) ([]Mutant, map[string]string) {
	sources := make(map[string]string)
	var all []Mutant
	for _, f := range p.files {
		m := &mutator{Package: p, file: f, text: splice.Text{Source: f.source}, next: first + len(all),
			roles: make(map[ast.Expr]role), labeled: make(map[ast.Stmt]bool), inner: make(map[*ast.IfStmt]bool)}
		for _, d := range f.tree.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Body != nil {
				m.in = called(d)
				m.walk(d, d.Type)
			}
		}
		if len(m.mutants) > 0 {
			at := m.offset(f.tree.Name.End())
			m.text.Wrap(at, at, "; import "+alias+` "`+Switches()+`"`, "")
			sources[f.name] = m.text.String()
		}
		all = append(all, m.mutants...)
	}
	return all, sources
}

const alias = "guards_"

// called is the name of a function, with its receiver.
func called(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	return strings.TrimPrefix(types.ExprString(d.Recv.List[0].Type), "*") + "." + d.Name.Name
}
