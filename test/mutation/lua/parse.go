package lua

import "fmt"

// A chunk has the expressions of a source.
type chunk struct {
	source string
	tests  []*expression // of if, elseif, while and until
	values []*expression // all others
	// results has the expressions that each named function returns; nil stands for a
	// return of no value or of several.
	results map[string][]*expression
}

// parse reads Lua 5.1.
func parse(source string) (c *chunk, err error) {
	all, err := tokens(source)
	if err != nil {
		return nil, err
	}
	p := &parser{chunk: &chunk{source: source, results: make(map[string][]*expression)}, tokens: all}
	defer func() {
		if failure, ok := recover().(failure); ok {
			c, err = nil, failure
		}
	}()
	p.block("")
	if t := p.peek(); t.kind != end {
		p.fail(t, "a statement")
	}
	return p.chunk, nil
}

// A failure is panicked with, and ends the parsing from any depth.
type failure struct{ error }

type parser struct {
	*chunk
	tokens []token
	at     int
}

func (p *parser) peek() token  { return p.tokens[p.at] }
func (p *parser) after() token { return p.tokens[min(p.at+1, len(p.tokens)-1)] }

// last returns where the last token taken ends.
func (p *parser) last() int { return p.tokens[p.at-1].to }

func (p *parser) take() token {
	t := p.peek()
	if t.kind == end {
		p.fail(t, "more")
	}
	p.at++
	return t
}

// accept takes a keyword or symbol if it is next.
func (p *parser) accept(is string) bool {
	if p.peek().is != is {
		return false
	}
	p.at++
	return true
}

func (p *parser) expect(is string) {
	if !p.accept(is) {
		p.fail(p.peek(), is)
	}
}

func (p *parser) name() string {
	t := p.take()
	if t.kind != name {
		p.fail(t, "a name")
	}
	return t.is
}

func (p *parser) fail(t token, want string) {
	panic(failure{fmt.Errorf("line %d: got %s, want %s", line(p.source, t.from), t.is, want)})
}

// block parses statements of the named function up to the word that ends them.
func (p *parser) block(function string) {
	for {
		switch t := p.peek(); {
		case t.kind == end, t.is == "end", t.is == "else", t.is == "elseif", t.is == "until":
			return
		default:
			p.statement(function)
		}
	}
}

func (p *parser) statement(function string) {
	switch t := p.peek(); {
	case p.accept(";"), p.accept("break"):
	case p.accept("if"):
		p.branches(function)
	case p.accept("while"):
		p.test()
		p.expect("do")
		p.block(function)
		p.expect("end")
	case p.accept("do"):
		p.block(function)
		p.expect("end")
	case p.accept("for"):
		p.loop(function)
	case p.accept("repeat"):
		p.block(function)
		p.expect("until")
		p.test()
	case p.accept("local"):
		p.local()
	case p.accept("function"):
		called := p.name()
		for p.accept(".") || p.accept(":") {
			called += "." + p.name()
		}
		p.function(called)
	case p.accept("return"):
		p.result(function)
	case t.kind == name, t.is == "(":
		p.values = append(p.values, p.suffixed())
		for p.accept(",") {
			p.values = append(p.values, p.suffixed())
		}
		if p.accept("=") {
			p.values = append(p.values, p.list()...)
		}
	default:
		p.fail(t, "a statement")
	}
}

func (p *parser) test() { p.tests = append(p.tests, p.expression(0)) }

func (p *parser) branches(function string) {
	for {
		p.test()
		p.expect("then")
		p.block(function)
		if p.accept("elseif") {
			continue
		}
		if p.accept("else") {
			p.block(function)
		}
		p.expect("end")
		return
	}
}

func (p *parser) loop(function string) {
	p.name()
	for p.accept(",") {
		p.name()
	}
	if !p.accept("=") {
		p.expect("in")
	}
	p.values = append(p.values, p.list()...)
	p.expect("do")
	p.block(function)
	p.expect("end")
}

func (p *parser) local() {
	if p.accept("function") {
		p.function(p.name())
		return
	}
	p.name()
	for p.accept(",") {
		p.name()
	}
	if p.accept("=") {
		p.values = append(p.values, p.list()...)
	}
}

func (p *parser) function(called string) {
	p.expect("(")
	for !p.accept(")") {
		p.take()
	}
	p.block(called)
	p.expect("end")
}

func (p *parser) result(function string) {
	var all []*expression
	if t := p.peek(); t.kind != end && t.is != "end" && t.is != "else" && t.is != "elseif" && t.is != "until" && t.is != ";" {
		all = p.list()
	}
	p.values = append(p.values, all...)
	if len(all) == 1 {
		p.results[function] = append(p.results[function], all[0])
	} else {
		p.results[function] = append(p.results[function], nil)
	}
}
