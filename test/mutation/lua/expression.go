package lua

// A form is a kind of expression.
type form int

const (
	value    form = iota // a name, a field, a table, a function
	constant             // a literal
	call
	bracketed
	unary
	binary
)

// An expression is source[from:to].
type expression struct {
	form     form
	is       string        // the operator, the literal or the name of the called function
	parts    []*expression // operands, arguments and other expressions within
	from, to int
}

// bare returns the expression without brackets around it.
func (e *expression) bare() *expression {
	for e.form == bracketed {
		e = e.parts[0]
	}
	return e
}

// operands returns the operands if the expression has this binary operator, or nil.
func (e *expression) operands(operator string) []*expression {
	if e.form == binary && e.is == operator {
		return e.parts
	}
	return nil
}

// binding is how tightly the binary operators bind, to the left and to the right.
var binding = map[string][2]int{
	"or": {1, 1}, "and": {2, 2},
	"<": {3, 3}, ">": {3, 3}, "<=": {3, 3}, ">=": {3, 3}, "~=": {3, 3}, "==": {3, 3},
	"..": {5, 4}, "+": {6, 6}, "-": {6, 6}, "*": {7, 7}, "/": {7, 7}, "%": {7, 7}, "^": {10, 9},
}

// unaryBinding is how tightly not, # and - bind.
const unaryBinding = 8

// expression parses an expression whose operators bind more tightly than the limit.
func (p *parser) expression(limit int) *expression {
	var left *expression
	if t := p.peek(); t.is == "not" || t.is == "-" || t.is == "#" {
		p.take()
		operand := p.expression(unaryBinding)
		left = &expression{form: unary, is: t.is, parts: []*expression{operand}, from: t.from, to: operand.to}
	} else {
		left = p.simple()
	}
	for {
		t := p.peek()
		bind, ok := binding[t.is]
		if !ok || bind[0] <= limit {
			return left
		}
		p.take()
		right := p.expression(bind[1])
		left = &expression{form: binary, is: t.is, parts: []*expression{left, right}, from: left.from, to: right.to}
	}
}

func (p *parser) simple() *expression {
	t := p.peek()
	switch {
	case t.kind == number, t.kind == text, t.is == "nil", t.is == "true", t.is == "false", t.is == "...":
		p.take()
		return &expression{form: constant, is: t.is, from: t.from, to: t.to}
	case t.is == "{":
		return p.table()
	case t.is == "function":
		p.take()
		p.function("")
		return &expression{from: t.from, to: p.last()}
	}
	return p.suffixed()
}

// suffixed parses a name or brackets with their indexes and calls.
func (p *parser) suffixed() *expression {
	t := p.take()
	e := &expression{from: t.from, to: t.to}
	called := t.is
	switch {
	case t.kind == name:
	case t.is == "(":
		e.form, e.parts, called = bracketed, []*expression{p.expression(0)}, ""
		p.expect(")")
		e.to = p.last()
	default:
		p.fail(t, "an expression")
	}
	for {
		switch t := p.peek(); {
		case t.is == "." || t.is == ":":
			p.take()
			p.name()
			e = &expression{parts: []*expression{e}, from: e.from, to: p.last()}
			called = ""
		case t.is == "[":
			p.take()
			parts := []*expression{e, p.expression(0)}
			p.expect("]")
			e = &expression{parts: parts, from: e.from, to: p.last()}
			called = ""
		case t.is == "(", t.is == "{", t.kind == text:
			parts := append([]*expression{e}, p.arguments()...)
			e = &expression{form: call, is: called, parts: parts, from: e.from, to: p.last()}
			called = ""
		default:
			return e
		}
	}
}

func (p *parser) arguments() []*expression {
	if p.peek().is != "(" {
		return []*expression{p.simple()} // f{…} or f'…'
	}
	p.take()
	var all []*expression
	if p.peek().is != ")" {
		all = p.list()
	}
	p.expect(")")
	return all
}

func (p *parser) table() *expression {
	e := &expression{from: p.peek().from}
	p.expect("{")
	for p.peek().is != "}" {
		switch {
		case p.peek().is == "[":
			p.take()
			e.parts = append(e.parts, p.expression(0))
			p.expect("]")
			p.expect("=")
		case p.peek().kind == name && p.after().is == "=":
			p.take()
			p.take()
		}
		e.parts = append(e.parts, p.expression(0))
		if !p.accept(",") && !p.accept(";") {
			break
		}
	}
	p.expect("}")
	e.to = p.last()
	return e
}

// list parses expressions with commas between them.
func (p *parser) list() []*expression {
	all := []*expression{p.expression(0)}
	for p.accept(",") {
		all = append(all, p.expression(0))
	}
	return all
}
