package protocol

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A value is one of JSON's.
type value struct {
	// kind is the byte that the value begins with, or 0 where the value cannot
	// be trusted, since its key is there twice.
	kind   byte
	text   string           // of a string; of a number as it is written
	raw    string           // of any value, as it is written
	items  []value          // of an array
	fields map[string]value // of an object
}

// parse reads the fields of a text that must be one JSON object. Otherwise it
// says what is wrong, along with the fields that could be read all the same.
//
// encoding/json checks the syntax and is too lenient for the rest: it keeps the
// last of two equal keys, where the gateway may have routed by the first, and
// replaces what is not Unicode by U+FFFD, so that two ids become one.
func parse(body []byte) (map[string]value, string) {
	if !utf8.Valid(body) {
		return nil, "a message must be UTF-8 text"
	}
	if !json.Valid(body) {
		return nil, "a message must be one JSON object: this is not valid JSON"
	}
	p := parser{text: string(body)}
	switch v := p.value(0); {
	case p.lone:
		return nil, `a message must be Unicode text: a \u escape lacks the other half of its pair`
	case v.kind != '{':
		return nil, "a message must be one JSON object"
	case p.deep:
		return nil, fmt.Sprintf("a message must be one JSON object: it nests more than %d levels deep", maxDepth)
	default:
		return v.fields, p.duplicate
	}
}

// A parser reads a valid JSON text from its beginning to its end, and notes
// what is wrong with it all the same.
type parser struct {
	text      string
	pos       int
	lone      bool   // half of a UTF-16 pair, which stands for no character
	deep      bool   // too many levels
	duplicate string // a sentence on the first key that one object has twice
}

// value reads the next value, which lies within so many others.
func (p *parser) value(depth int) value {
	v := value{kind: p.peek()}
	start := p.pos
	switch v.kind {
	case '{':
		v.fields = make(map[string]value)
		p.list(depth, func() { p.field(v.fields, depth) })
	case '[':
		p.list(depth, func() { v.items = append(v.items, p.value(depth+1)) })
	case '"':
		v.text = p.string()
	default:
		rest := p.text[p.pos:]
		end := strings.IndexAny(rest, ",]} \t\r\n")
		if end < 0 {
			end = len(rest)
		}
		v.text, p.pos = rest[:end], p.pos+end
	}
	v.raw = p.text[start:p.pos]
	return v
}

// list reads from an opening bracket to the closing one, and gives up at a
// level too many.
func (p *parser) list(depth int, entry func()) {
	p.deep = p.deep || depth == maxDepth
	p.pos++
	for c := p.peek(); c != ']' && c != '}' && !p.deep; c = p.peek() {
		if c == ',' {
			p.pos++
		}
		entry()
	}
	p.pos++
}

// field reads a key and its value.
func (p *parser) field(fields map[string]value, depth int) {
	p.peek()
	key := p.string()
	p.peek()
	p.pos++ // the colon
	v := p.value(depth + 1)
	if _, twice := fields[key]; twice {
		v = value{} // neither of the two can be trusted
		if p.duplicate == "" {
			p.duplicate = fmt.Sprintf("the key %.32q is there more than once: it may be there once", key)
		}
	}
	fields[key] = v
}

// string reads from an opening quote to the closing one.
func (p *parser) string() string {
	p.pos++
	var text []byte // nil before the first escape
	for start := p.pos; ; {
		c := p.text[p.pos]
		p.pos++
		switch {
		case c == '"' && text == nil:
			return p.text[start : p.pos-1]
		case c == '"':
			return string(append(text, p.text[start:p.pos-1]...))
		case c == '\\':
			text = p.escape(append(text, p.text[start:p.pos-1]...))
			start = p.pos
		}
	}
}

// escape reads on from a backslash and appends the character.
func (p *parser) escape(text []byte) []byte {
	c := p.text[p.pos]
	p.pos++
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		return append(text, "\"\\/\b\f\n\r\t"[i])
	}
	r := p.hex()
	if utf16.IsSurrogate(r) {
		var low rune
		if strings.HasPrefix(p.text[p.pos:], `\u`) {
			p.pos += len(`\u`)
			low = p.hex()
		}
		r = utf16.DecodeRune(r, low)
		p.lone = p.lone || r == utf8.RuneError
	}
	return utf8.AppendRune(text, r)
}

func (p *parser) hex() rune {
	r, _ := strconv.ParseUint(p.text[p.pos:p.pos+4], 16, 16)
	p.pos += 4
	return rune(r)
}

// peek passes over white space and returns the byte after it, 0 at the end.
func (p *parser) peek() byte {
	for ; p.pos < len(p.text); p.pos++ {
		if c := p.text[p.pos]; c > ' ' {
			return c
		}
	}
	return 0
}
