package mutant

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
)

// A role of an expression that says yes or no, in what it is a part of.
type role int

const (
	alone   role = iota // part of nothing that says yes or no
	whole               // asked by an if, a for, a case
	ofAnd               // an operand of &&
	ofOr                // an operand of ||
	covered             // what can be said of it is said of a larger one
)

// ask notes that an expression is a condition.
func (m *mutator) ask(e ast.Expr) {
	if e != nil {
		m.roles[ast.Unparen(e)] = whole
	}
}

// expression mutates one, and tells whether to look into it.
func (m *mutator) expression(e ast.Expr) bool {
	known, ok := m.types.Types[e]
	if _, paren := e.(*ast.ParenExpr); paren || !ok {
		return true
	}
	if known.Value != nil {
		return false // a constant
	}
	role := m.roles[e]
	if role == alone && decides(e) {
		role = whole
	}
	m.operands(e)
	if types.AssignableTo(known.Type, types.Typ[types.Bool]) {
		m.condition(e, role)
	}
	if b, ok := e.(*ast.BinaryExpr); ok {
		m.binary(b)
	}
	return true
}

// decides tells whether an expression says yes or no by its form.
func decides(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.UnaryExpr:
		return e.Op == token.NOT
	case *ast.BinaryExpr:
		switch e.Op {
		case token.LAND, token.LOR, token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
			return true
		}
	}
	return false
}

// operands gives those of a condition their roles.
func (m *mutator) operands(e ast.Expr) {
	switch e := e.(type) {
	case *ast.UnaryExpr:
		if e.Op == token.NOT {
			m.roles[ast.Unparen(e.X)] = covered
		}
	case *ast.BinaryExpr:
		role := map[token.Token]role{token.LAND: ofAnd, token.LOR: ofOr}[e.Op]
		if role == alone {
			return
		}
		for _, operand := range []ast.Expr{ast.Unparen(e.X), ast.Unparen(e.Y)} {
			m.roles[operand] = role
			if inner, ok := operand.(*ast.BinaryExpr); ok && inner.Op == e.Op {
				m.roles[operand] = covered
			}
		}
	}
}

func (m *mutator) condition(e ast.Expr, r role) {
	var always, never, contrary int
	if r == whole || r == ofAnd {
		always = m.mutate(e, "always true")
	}
	if r == whole || r == ofOr {
		never = m.mutate(e, "always false")
	}
	if b, ok := e.(*ast.BinaryExpr); ok && r != alone && r != covered && (b.Op == token.EQL || b.Op == token.NEQ) {
		contrary = m.mutate(e, "the contrary")
	}
	if always+never > 0 {
		m.wrap(e, fmt.Sprintf("%s.If(%d, %d, %d, ", alias, always, never, contrary), ")")
	}
}

// beyond are the comparisons and their other side of the boundary.
var beyond = map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}

// binary mutates comparisons and sums.
func (m *mutator) binary(e *ast.BinaryExpr) {
	before := ""
	if other, ok := beyond[e.Op]; ok {
		before = fmt.Sprintf("%s.Order(%d, %q, ", alias, m.mutate(e, other+" for "+e.Op.String()), e.Op)
	} else if m.number(e) {
		before = m.sumBefore(e, e.Op)
	}
	if before != "" {
		m.wrap(e, before, ")")
		m.text.Replace(m.offset(e.OpPos), m.offset(e.OpPos)+len(e.Op.String()), ",")
	}
}

// sum mutates += and -=.
func (m *mutator) sum(s *ast.AssignStmt) {
	operator, ok := map[token.Token]token.Token{token.ADD_ASSIGN: token.ADD, token.SUB_ASSIGN: token.SUB}[s.Tok]
	if !ok || !m.number(s.Lhs[0]) {
		return
	}
	m.text.Replace(m.offset(s.TokPos), m.offset(s.TokPos)+len(s.Tok.String()), "=")
	m.wrap(s.Rhs[0], m.sumBefore(s, operator)+m.code(s.Lhs[0])+", ", ")")
}

// sumBefore is what stands before the operands of + or -, or is nothing.
func (m *mutator) sumBefore(n ast.Node, operator token.Token) string {
	switch operator {
	case token.ADD:
		return fmt.Sprintf("%s.Add(%d, ", alias, m.mutate(n, "- for +"))
	case token.SUB:
		return fmt.Sprintf("%s.Subtract(%d, ", alias, m.mutate(n, "+ for -"))
	}
	return ""
}

func (m *mutator) number(e ast.Expr) bool {
	basic, ok := m.types.Types[e].Type.Underlying().(*types.Basic)
	return ok && basic.Info()&(types.IsInteger|types.IsFloat) != 0
}
