// Package lua finds the conditions of Lua scripts and removes them one at a time.
// Conditions is where to start.
//
// A condition is whatever decides something:
//
//   - what if, elseif, while and until ask, and every other expression that says
//     yes or no: a comparison, a not, an and or or of such, a call of a function that
//     returns nothing else. It is removed twice: always true, always false.
//   - each operand of an and or or within it. The operand of an and is removed by
//     making it always true, that of an or by always false: the other way round would
//     be what was done to the whole.
//   - the c of `c and x`, and so of `c and x or y`, whose x and y are data: always true,
//     always false.
//   - the or of `x or y`, whose x and y are data: always x, always y.
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
	Text     string // with the spaces between its words made one
	Removals []Removal
	asked    *expression // what is asked for yes or no
}

// A Removal is one way to do without a condition.
type Removal struct {
	Says string // such as "always true"
	// With stands in place of the condition.
	With string
	// Matters is what the condition says, or its first operand where that is data,
	// when the removal makes a difference.
	Matters bool
}

// Without returns the source with one removal made.
func (c Condition) Without(source string, r Removal) string {
	return source[:c.From] + r.With + source[c.To:]
}

// Functions returns those functions of a source that return yes or no and nothing
// else, given those known already.
func Functions(source string, known map[string]bool) (map[string]bool, error) {
	c, err := parse(source)
	if err != nil {
		return nil, err
	}
	f := finder{chunk: c, sure: make(map[string]bool)}
	for name := range known {
		f.sure[name] = true
	}
	for before := -1; before < len(f.sure); {
		before = len(f.sure)
		for name, answers := range c.answers {
			if name != "" && !slices.ContainsFunc(answers, func(e *expression) bool { return e == nil || !f.yesOrNo(e) }) {
				f.sure[name] = true
			}
		}
	}
	return f.sure, nil
}

// Conditions finds the conditions of a source in their order, given the functions
// that return yes or no.
func Conditions(source string, sure map[string]bool) ([]Condition, error) {
	c, err := parse(source)
	if err != nil {
		return nil, err
	}
	f := finder{chunk: c, sure: sure}
	for _, e := range c.tests {
		f.whole(e)
	}
	for _, e := range c.values {
		f.data(e)
	}
	slices.SortFunc(f.found, func(a, b Condition) int { return cmp.Or(a.From-b.From, b.To-a.To) })
	return f.found, nil
}

type finder struct {
	*chunk
	sure  map[string]bool
	found []Condition
}

// whole finds an expression that is asked for yes or no.
func (f *finder) whole(e *expression) {
	e = e.bare()
	if e.form != constant {
		f.add(e, e, Removal{"always true", "true", false}, Removal{"always false", "false", true})
	}
	f.within(e)
}

// within finds the conditions in an expression that was found.
func (f *finder) within(e *expression) {
	e = e.bare()
	switch {
	case e.operands("and") != nil:
		f.each(e, Removal{"always true", "true", false})
	case e.operands("or") != nil:
		f.each(e, Removal{"always false", "false", true})
	case e.form == unary && e.is == "not":
		f.within(e.parts[0])
	default:
		f.parts(e)
	}
}

// each finds the operands of a chain of one operator.
func (f *finder) each(e *expression, r Removal) {
	for _, operand := range e.parts {
		operand = operand.bare()
		if operand.operands(e.is) == nil && operand.form != constant {
			f.add(operand, operand, r)
		}
		f.within(operand)
	}
}

// data finds the conditions in an expression that is data.
func (f *finder) data(e *expression) {
	e = e.bare()
	switch {
	case e.form != call && f.yesOrNo(e):
		f.whole(e)
	case e.operands("and") != nil:
		f.whole(e.parts[0])
		f.data(e.parts[1])
	case e.operands("or") != nil:
		first, second := e.parts[0], e.parts[1]
		if first.bare().operands("and") == nil {
			f.add(e, first, Removal{"always the first", f.source[first.from:first.to], false},
				Removal{"always the second", f.source[second.from:second.to], true})
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

// yesOrNo tells whether an expression is true or false, or nil for no.
func (f *finder) yesOrNo(e *expression) bool {
	e = e.bare()
	switch e.form {
	case constant:
		return e.is == "true" || e.is == "false"
	case call:
		return f.sure[e.is]
	case unary:
		return e.is == "not"
	case binary:
		switch e.is {
		case "and":
			return f.yesOrNo(e.parts[1])
		case "or":
			return f.yesOrNo(e.parts[0]) && f.yesOrNo(e.parts[1])
		case "==", "~=", "<", ">", "<=", ">=":
			return true
		}
	}
	return false
}

func (f *finder) add(e, asked *expression, removals ...Removal) {
	f.found = append(f.found, Condition{From: e.from, To: e.to, Line: line(f.source, e.from),
		Text: strings.Join(strings.Fields(f.source[e.from:e.to]), " "), Removals: removals, asked: asked})
}
