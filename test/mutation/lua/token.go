package lua

import (
	"fmt"
	"strings"
)

// A kind is a kind of token.
type kind int

const (
	end kind = iota
	name
	keyword
	number
	text
	symbol
)

// A token is source[from:to].
type token struct {
	kind     kind
	is       string
	from, to int
}

var keywords = words("and break do else elseif end false for function if in local nil not or repeat return then true until while")

// symbols has the longer ones first.
var symbols = strings.Fields("... .. == ~= <= >= + - * / % ^ # < > = ( ) { } [ ] ; : , .")

func words(list string) map[string]bool {
	set := make(map[string]bool)
	for _, word := range strings.Fields(list) {
		set[word] = true
	}
	return set
}

// tokens splits a source. The last token is the end.
func tokens(source string) ([]token, error) {
	var all []token
	for at := 0; ; {
		at = skip(source, at)
		if at == len(source) {
			return append(all, token{kind: end, is: "the end", from: at, to: at}), nil
		}
		t, err := next(source, at)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
		at = t.to
	}
}

// skip returns the place after spaces and comments.
func skip(source string, at int) int {
	for at < len(source) {
		switch rest := source[at:]; {
		case strings.ContainsRune(" \t\r\n", rune(rest[0])):
			at++
		case strings.HasPrefix(rest, "--"):
			if length := long(rest[2:]); length > 0 {
				at += 2 + length
			} else if line := strings.IndexByte(rest, '\n'); line >= 0 {
				at += line
			} else {
				at = len(source)
			}
		default:
			return at
		}
	}
	return at
}

func next(source string, at int) (token, error) {
	rest := source[at:]
	length, is := 0, symbol
	switch c := rest[0]; {
	case letter(c):
		for length < len(rest) && (letter(rest[length]) || digit(rest[length])) {
			length++
		}
		if is = name; keywords[rest[:length]] {
			is = keyword
		}
	case digit(c):
		for length < len(rest) && (letter(rest[length]) || digit(rest[length]) || rest[length] == '.') {
			length++
		}
		is = number
	case c == '\'' || c == '"':
		length, is = quoted(rest), text
	case long(rest) > 0:
		length, is = long(rest), text
	default:
		for _, s := range symbols {
			if strings.HasPrefix(rest, s) {
				length = len(s)
				break
			}
		}
	}
	if length == 0 {
		return token{}, fmt.Errorf("line %d: no token begins with %q", line(source, at), rest[:1])
	}
	return token{kind: is, is: rest[:length], from: at, to: at + length}, nil
}

// quoted returns the length of the quoted string at the start of s, or 0 if it does not
// end.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return 0
}

// long returns the length of the string in long brackets at the start of s, or 0 if
// there is none.
func long(s string) int {
	equals := 0
	for equals+1 < len(s) && s[equals+1] == '=' {
		equals++
	}
	level := strings.Repeat("=", equals)
	if !strings.HasPrefix(s, "["+level+"[") {
		return 0
	}
	close := strings.Index(s, "]"+level+"]")
	if close < 0 {
		return 0
	}
	return close + len(level) + 2
}

func letter(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func digit(c byte) bool  { return '0' <= c && c <= '9' }

// line returns the number of the line that a place is in.
func line(source string, at int) int { return 1 + strings.Count(source[:at], "\n") }
