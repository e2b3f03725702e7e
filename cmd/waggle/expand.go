package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"waggle/internal/protocol"
)

// expand makes a frame of a line. JSON stays as it is, valid or not, so that the user
// sees the server's reply to anything. "match radius=3000" is an abbreviation of its
// JSON. "end", "accept" and "decline" alone are about lastMatch, and "say" says the rest of the line in it.
func expand(line, lastMatch string) ([]byte, error) {
	if strings.HasPrefix(line, "{") || strings.HasPrefix(line, "[") {
		return []byte(line), nil
	}
	if strings.HasPrefix(line, "\ufeff") {
		return nil, errors.New("the input begins with a byte order mark: save it as UTF-8 without one")
	}
	words := strings.Fields(line)
	action, words := words[0], words[1:]
	fields := []field{{"action", quote(action)}}
	switch {
	case action == protocol.ActionLocation && len(words) >= 2 && !strings.Contains(words[0], "="):
		fields = append(fields, field{"lat", value(words[0])}, field{"lng", value(words[1])})
		words = words[2:]
	case about[action] && len(words) >= 1 && !strings.Contains(words[0], "="):
		fields = append(fields, field{"match", quote(words[0])})
		words = words[1:]
	case about[action] && !strings.Contains(line, "match="):
		if lastMatch == "" {
			return nil, fmt.Errorf("no match has been shown yet: name one, as in: %s MATCH", action)
		}
		fields = append(fields, field{"match", quote(lastMatch)})
	}
	if action == protocol.ActionSay && !strings.Contains(line, "data=") {
		if lastMatch == "" || len(words) == 0 {
			return nil, errors.New("say what, and in which match? as in: say on my way, once a match has been shown")
		}
		text := strings.TrimSpace(strings.TrimPrefix(line, action))
		return object(append(fields, field{"match", quote(lastMatch)}, field{"data", value(text)})), nil
	}
	for _, w := range words {
		name, text, ok := strings.Cut(w, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is not name=value; as in: match radius=3000 wait=30, or type the frame in JSON; help says more", w)
		}
		switch name {
		case "tags", "avoid":
			fields = append(fields, field{name, list(text)})
		case "id", "match", "reason", "request":
			fields = append(fields, field{name, word(text)})
		default:
			fields = append(fields, field{name, value(text)})
		}
	}
	return object(fields), nil
}

// about are the actions on a match.
var about = map[string]bool{protocol.ActionEnd: true, protocol.ActionAccept: true, protocol.ActionDecline: true}

type field struct {
	name  string
	value json.RawMessage
}

// object keeps the fields in the order in which they were typed, with repetitions.
func object(fields []field) []byte {
	b := []byte{'{'}
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, quote(f.name)...)
		b = append(b, ':')
		b = append(b, f.value...)
	}
	return append(b, '}')
}

// value returns the text as JSON if it is JSON, and as a string otherwise.
func value(text string) json.RawMessage {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return quote(text)
}

// word is value where a number is text, too.
func word(text string) json.RawMessage {
	if text == "null" || strings.HasPrefix(text, `"`) {
		return value(text)
	}
	return quote(text)
}

// list is value where words with commas between are a list.
func list(text string) json.RawMessage {
	if text == "null" || strings.HasPrefix(text, `"`) || strings.HasPrefix(text, "[") {
		return value(text)
	}
	tags := []string{}
	if text != "" {
		tags = strings.Split(text, ",")
	}
	b, err := json.Marshal(tags)
	if err != nil {
		panic(err) // strings are always JSON
	}
	return b
}

func quote(text string) json.RawMessage {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // strings are always JSON
	}
	return b
}
