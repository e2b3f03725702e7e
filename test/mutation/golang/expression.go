package golang

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
)

// A role is the place of a boolean expression in the expression around it.
type role int

const (
	alone   role = iota // no boolean expression around it
	whole               // the test of an if, a for or a case
	ofAnd               // an operand of &&
	ofOr                // an operand of ||
	covered             // its mutants are those of the expression around it
)

// test notes that an expression is a condition.
func (m *mutator) test(e ast.Expr) {
	if e != nil {
		m.roles[ast.Unparen(e)] = whole
	}
}

// expression mutates an expression, and reports whether to look into it.
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

// decides reports whether an expression is boolean by its form.
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

// operands gives the operands of a condition their roles.
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
	var always, never, negated int
	if r == whole || r == ofAnd {
		always = m.mutate(e, "always true")
	}
	if r == whole || r == ofOr {
		never = m.mutate(e, "always false")
	}
	if b, ok := e.(*ast.BinaryExpr); ok && r != alone && r != covered && (b.Op == token.EQL || b.Op == token.NEQ) {
		negated = m.mutate(e, "negated")
	}
	if always+never > 0 {
		m.wrap(e, fmt.Sprintf("%s.If(%d, %d, %d, ", alias, always, never, negated), ")")
	}
}

// moved has each comparison with its boundary moved.
var moved = map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}

// binary mutates comparisons and sums.
func (m *mutator) binary(e *ast.BinaryExpr) {
	before := ""
	if other, ok := moved[e.Op]; ok {
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

// sumBefore returns the text before the operands of + or -, or "" for another operator.
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
