package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// parse reads a text that must be one JSON object. Its values are nil, bool,
// json.Number, string, []any and map[string]any. Otherwise it says what is
// wrong, along with those fields that could be read all the same.
//
// encoding/json alone is too kind: it keeps the last of two equal keys, where
// the gateway may have routed by the first, and puts U+FFFD for what is not
// UTF-8, so that two ids become one.
func parse(text []byte) (map[string]any, string) {
	if !utf8.Valid(text) {
		return nil, "a message must be UTF-8 text"
	}
	if !json.Valid(text) {
		return nil, "a message must be one JSON object: this is not valid JSON"
	}
	if loneSurrogate(text) {
		return nil, `a message must be Unicode text: a \u escape lacks the other half of its pair`
	}
	if bytes.TrimLeft(text, " \t\r\n")[0] != '{' {
		return nil, "a message must be one JSON object"
	}
	p := parser{decoder: json.NewDecoder(bytes.NewReader(text))}
	p.decoder.UseNumber()
	value, err := p.value(0)
	if err != nil {
		return nil, "a message must be one JSON object: " + err.Error()
	}
	return value.(map[string]any), p.duplicate
}

// loneSurrogate says whether valid JSON holds half of a UTF-16 pair, such as
// "\ud83d" alone, which stands for no character.
func loneSurrogate(text []byte) bool {
	escape := func(i int) (rune, bool) {
		if i+6 > len(text) || text[i] != '\\' || text[i+1] != 'u' {
			return 0, false
		}
		r, err := strconv.ParseUint(string(text[i+2:i+6]), 16, 16)
		return rune(r), err == nil
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		first, ok := escape(i)
		if !ok {
			i++ // the escaped character, which may be a backslash too
			continue
		}
		i += 5
		if !utf16.IsSurrogate(first) {
			continue
		}
		second, _ := escape(i + 1)
		if utf16.DecodeRune(first, second) == utf8.RuneError {
			return true
		}
		i += 6
	}
	return false
}

// A parser builds the values of a valid JSON text.
type parser struct {
	decoder *json.Decoder
	// duplicate says which key was found twice in one object, or is "".
	duplicate string
}

// value reads one that lies within so many others.
func (p *parser) value(depth int) (any, error) {
	token, err := p.decoder.Token()
	if err != nil {
		return nil, errors.New("this is not valid JSON")
	}
	if _, nests := token.(json.Delim); nests && depth == maxDepth {
		return nil, fmt.Errorf("it nests more than %d levels deep", maxDepth)
	}
	switch token {
	case json.Delim('{'):
		return p.object(depth)
	case json.Delim('['):
		return p.array(depth)
	}
	return token, nil
}

func (p *parser) object(depth int) (any, error) {
	object := map[string]any{}
	for p.decoder.More() {
		token, err := p.decoder.Token()
		if err != nil {
			return nil, errors.New("this is not valid JSON")
		}
		key := token.(string)
		value, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if _, twice := object[key]; twice {
			value = nil // neither of the two can be trusted
			if p.duplicate == "" {
				p.duplicate = fmt.Sprintf("the key %.32q is there more than once: it may be there once", key)
			}
		}
		object[key] = value
	}
	_, err := p.decoder.Token() // the closing brace
	return object, err
}

func (p *parser) array(depth int) (any, error) {
	array := []any{}
	for p.decoder.More() {
		value, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		array = append(array, value)
	}
	_, err := p.decoder.Token() // the closing bracket
	return array, err
}
