package golang

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"waggle/test/mutation/edit"
)

// A mutator makes the mutants of one file.
type mutator struct {
	*Package
	*file
	text    edit.Text
	next    int
	mutants []Mutant
	in      string // the function
	roles   map[ast.Expr]role
	labeled map[ast.Stmt]bool
	inner   map[*ast.IfStmt]bool // those that are the else of another
}

// walk mutates a function, outer expressions first.
func (m *mutator) walk(root ast.Node, signature *ast.FuncType) {
	ast.Inspect(root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			if n != root {
				m.walk(n, n.Type)
				return false
			}
		case *ast.BlockStmt:
			m.statements(n.List)
		case *ast.CommClause:
			m.statements(n.Body)
		case *ast.CaseClause:
			m.statements(n.Body)
		case *ast.LabeledStmt:
			m.labeled[n.Stmt] = true
		case *ast.IfStmt:
			m.branch(n)
		case *ast.ForStmt:
			m.test(n.Cond)
		case *ast.SwitchStmt:
			m.cases(n)
		case *ast.ReturnStmt:
			m.result(n, signature)
		case *ast.AssignStmt:
			m.sum(n)
		case ast.Expr:
			return m.expression(n)
		}
		return true
	})
}

// mutate adds a mutant and returns its number.
func (m *mutator) mutate(n ast.Node, change string) int {
	number := m.next
	m.next++
	m.mutants = append(m.mutants, Mutant{Number: number, File: m.name, Line: m.fset.Position(n.Pos()).Line, In: m.in,
		Code: strings.Join(strings.Fields(m.code(n)), " "), Change: change})
	return number
}

func (m *mutator) wrap(n ast.Node, before, after string) {
	m.text.Wrap(m.offset(n.Pos()), m.offset(n.End()), before, after)
}

func (m *mutator) offset(p token.Pos) int { return m.fset.Position(p).Offset }

func (m *mutator) code(n ast.Node) string { return m.source[m.offset(n.Pos()):m.offset(n.End())] }

// statements deletes each statement that declares nothing.
func (m *mutator) statements(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt:
			if call, ok := s.X.(*ast.CallExpr); ok && types.ExprString(call.Fun) == "panic" {
				continue // a function may end with it
			}
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				continue
			}
		case *ast.IncDecStmt, *ast.SendStmt, *ast.DeferStmt, *ast.GoStmt:
		default:
			continue
		}
		m.delete(s)
	}
}

func (m *mutator) delete(s ast.Stmt) {
	m.wrap(s, fmt.Sprintf("if !%s.Skip(%d) { ", alias, m.mutate(s, "deleted")), " }")
}

// branch deletes the return, break or continue that ends the statements of an if. If it
// is the only statement, this would be a mutant of the condition.
func (m *mutator) branch(n *ast.IfStmt) {
	m.test(n.Cond)
	if inner, ok := n.Else.(*ast.IfStmt); ok {
		m.inner[inner] = true
	}
	if n.Else != nil || m.inner[n] || len(n.Body.List) < 2 {
		return // a function may end with the branches of an if that has an else
	}
	switch last := n.Body.List[len(n.Body.List)-1].(type) {
	case *ast.ReturnStmt, *ast.BranchStmt:
		m.delete(last)
	}
}

// result makes a returned error nil.
func (m *mutator) result(n *ast.ReturnStmt, signature *ast.FuncType) {
	if signature.Results == nil || len(n.Results) != signature.Results.NumFields() {
		return
	}
	last := n.Results[len(n.Results)-1]
	declared := signature.Results.List[len(signature.Results.List)-1].Type
	if types.ExprString(declared) == "error" && types.ExprString(last) != "nil" {
		m.wrap(last, fmt.Sprintf("%s.Error(%d, ", alias, m.mutate(last, "nil")), ")")
	}
}

// cases turns a switch over a value into one over conditions, and mutates them.
func (m *mutator) cases(n *ast.SwitchStmt) {
	var clauses []*ast.CaseClause
	for _, s := range n.Body.List {
		if c := s.(*ast.CaseClause); len(c.List) > 0 {
			clauses = append(clauses, c)
		}
	}
	if n.Tag == nil {
		for _, c := range clauses {
			for _, e := range c.List {
				m.test(e)
			}
		}
		return
	}
	if m.labeled[n] || len(clauses) == 0 {
		return
	}
	value := fmt.Sprintf("%s%d", alias, m.next)
	m.text.Replace(m.offset(n.Switch), m.offset(n.Switch)+len("switch"), "{")
	m.wrap(n.Tag, " "+value+" := ", "; switch")
	m.text.Wrap(m.offset(n.End()), m.offset(n.End()), "}", "")
	for _, c := range clauses {
		first, last := c.List[0], c.List[len(c.List)-1]
		all := &ast.ParenExpr{X: first, Lparen: first.Pos(), Rparen: last.End() - 1} // at their place
		m.wrap(all, fmt.Sprintf("%s.If(%d, %d, 0, ", alias, m.mutate(all, "case always taken"), m.mutate(all, "case never taken")), ")")
		for i, e := range c.List {
			if len(c.List) == 1 {
				m.wrap(e, value+" == (", ")")
			} else {
				m.wrap(e, fmt.Sprintf("%s.If(0, %d, 0, %s == (", alias, m.mutate(e, "case never taken"), value), "))")
			}
			if i > 0 {
				between := m.offset(c.List[i-1].End())
				comma := between + strings.IndexByte(m.source[between:], ',')
				m.text.Replace(comma, comma+1, " ||")
			}
		}
	}
}
