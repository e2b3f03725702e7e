// Package lua finds the conditions of Lua scripts and makes mutants of them.
// Conditions is where to start.
//
// A condition is an expression that decides something:
//
//   - the test of an if, elseif, while or until, and every other boolean expression: a
//     comparison, a not, an and or or of such, a call of a function that returns only
//     booleans. Its mutants are always true and always false.
//   - each operand of an and or or within such an expression. The mutant of an operand
//     of and is always true, that of an operand of or always false: the other value
//     would be a mutant of the whole.
//   - the c of `c and x`, and so of `c and x or y`, where x and y are data: always true
//     and always false.
//   - the or of `x or y`, where x and y are data: always x and always y.
//
// Literals are not conditions: `while true` has none.
package lua

import (
	"cmp"
	"slices"
	"strings"
)

// A Condition is source[From:To] of a script.
type Condition struct {
	From, To int
	Line     int
	Text     string // with single spaces
	Mutants  []Mutant
	observed *expression // the expression whose value tells which mutants differ
}

// A Mutant is one change of a condition.
type Mutant struct {
	Change string // such as "always true"
	Text   string // in place of the condition
	// Differs is the value at which the mutant makes a difference: the value of the
	// condition, or of its first operand if that is data.
	Differs bool
}

// Mutate returns the source with one mutant of the condition.
func (c Condition) Mutate(source string, m Mutant) string {
	return source[:c.From] + m.Text + source[c.To:]
}

// Booleans returns the functions of a source that return nothing but booleans, and those
// already known.
func Booleans(source string, known map[string]bool) (map[string]bool, error) {
	c, err := parse(source)
	if err != nil {
		return nil, err
	}
	f := finder{chunk: c, booleans: make(map[string]bool)}
	for name := range known {
		f.booleans[name] = true
	}
	for before := -1; before < len(f.booleans); {
		before = len(f.booleans)
		for name, results := range c.results {
			if name != "" && !slices.ContainsFunc(results, func(e *expression) bool { return e == nil || !f.boolean(e) }) {
				f.booleans[name] = true
			}
		}
	}
	return f.booleans, nil
}

// Conditions returns the conditions of a source in their order, given the functions
// that return booleans.
func Conditions(source string, booleans map[string]bool) ([]Condition, error) {
	c, err := parse(source)
	if err != nil {
		return nil, err
	}
	f := finder{chunk: c, booleans: booleans}
	for _, e := range c.tests {
		f.test(e)
	}
	for _, e := range c.values {
		f.data(e)
	}
	slices.SortFunc(f.found, func(a, b Condition) int { return cmp.Or(a.From-b.From, b.To-a.To) })
	return f.found, nil
}

type finder struct {
	*chunk
	booleans map[string]bool
	found    []Condition
}

// test finds a boolean expression and the conditions in it.
func (f *finder) test(e *expression) {
	e = e.bare()
	if e.form != constant {
		f.add(e, e, Mutant{"always true", "true", false}, Mutant{"always false", "false", true})
	}
	f.within(e)
}

// within finds the conditions in a boolean expression.
func (f *finder) within(e *expression) {
	e = e.bare()
	switch {
	case e.operands("and") != nil:
		f.operands(e, Mutant{"always true", "true", false})
	case e.operands("or") != nil:
		f.operands(e, Mutant{"always false", "false", true})
	case e.form == unary && e.is == "not":
		f.within(e.parts[0])
	default:
		f.parts(e)
	}
}

// operands finds the operands of a chain of one operator.
func (f *finder) operands(e *expression, m Mutant) {
	for _, operand := range e.parts {
		operand = operand.bare()
		if operand.operands(e.is) == nil && operand.form != constant {
			f.add(operand, operand, m)
		}
		f.within(operand)
	}
}

// data finds the conditions in an expression that is data.
func (f *finder) data(e *expression) {
	e = e.bare()
	switch {
	case e.form != call && f.boolean(e):
		f.test(e)
	case e.operands("and") != nil:
		f.test(e.parts[0])
		f.data(e.parts[1])
	case e.operands("or") != nil:
		first, second := e.parts[0], e.parts[1]
		if first.bare().operands("and") == nil {
			f.add(e, first, Mutant{"always the first", f.source[first.from:first.to], false},
				Mutant{"always the second", f.source[second.from:second.to], true})
		}
		f.data(first)
		f.data(second)
	default:
		f.parts(e)
	}
}

func (f *finder) parts(e *expression) {
	for _, part := range e.parts {
		f.data(part)
	}
}

// boolean reports whether an expression is a boolean, where nil counts as false.
func (f *finder) boolean(e *expression) bool {
	e = e.bare()
	switch e.form {
	case constant:
		return e.is == "true" || e.is == "false"
	case call:
		return f.booleans[e.is]
	case unary:
		return e.is == "not"
	case binary:
		switch e.is {
		case "and":
			return f.boolean(e.parts[1])
		case "or":
			return f.boolean(e.parts[0]) && f.boolean(e.parts[1])
		case "==", "~=", "<", ">", "<=", ">=":
			return true
		}
	}
	return false
}

func (f *finder) add(e, observed *expression, mutants ...Mutant) {
	f.found = append(f.found, Condition{From: e.from, To: e.to, Line: line(f.source, e.from),
		Text: strings.Join(strings.Fields(f.source[e.from:e.to]), " "), Mutants: mutants, observed: observed})
}
