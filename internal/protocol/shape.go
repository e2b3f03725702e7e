package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// messages returns the actions, in the order in which errors list them, and the
// shape of each one's message.
var messages = sync.OnceValues(func() (actions []string, shapes map[string]*shape) {
	shapes = make(map[string]*shape)
	for _, m := range []Message{&Hello{}, &Ping{}, &Location{}, &Locate{}, &Match{}, &Accept{}, &Decline{}, &Cancel{}, &End{}, &Say{}, &Nearby{}} {
		actions = append(actions, m.action())
		shapes[m.action()] = shapeOf(reflect.TypeOf(m).Elem())
	}
	return actions, shapes
})

// A shape is what the tags of a struct's fields say, as Message explains them.
type shape struct {
	of     reflect.Type
	fields []*field
}

// A field is one of a shape.
type field struct {
	index           int
	name            string
	group           *shape // of an embedded struct; nil for any other
	each            *shape // of the objects in a list; nil for any other
	instead         []string
	required, wraps bool
	ids             bool    // a list of ids, of at most max
	min, max        float64 // NaN: none, as for the next
	unknown         float64
	oneof           []string
	fallback        string
	allowed         string // what it may hold, in words for the client
}

// A list of strings is a list of tags: so many, of so many characters.
const (
	maxTags     = 16
	maxTag      = 32
	inTag       = "abcdefghijklmnopqrstuvwxyz0123456789_-"
	allowedTags = "an array of at most 16 strings of 1 to 32 characters out of a-z, 0-9, _ and -"
)

var rawJSON = reflect.TypeFor[json.RawMessage]()

func shapeOf(t reflect.Type) *shape {
	s := &shape{of: t}
	for i := range t.NumField() {
		s.fields = append(s.fields, fieldOf(i, t.Field(i)))
	}
	return s
}

func fieldOf(index int, from reflect.StructField) *field {
	tag, of, none := from.Tag, from.Type, math.NaN()
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	name, _, _ := strings.Cut(tag.Get("json"), ",")
	f := &field{index: index, name: name, required: tag.Get("required") != "", wraps: tag.Get("wraps") != "",
		fallback: tag.Get("default"), min: none, max: none, unknown: none}
	switch kind := of.Kind(); {
	case from.Anonymous:
		f.group = shapeOf(of)
	case kind == reflect.Bool:
		f.allowed = "true or false"
	case of == rawJSON:
		f.allowed = "any JSON of " + f.bounds(tag.Get("range")) + " bytes"
	case kind == reflect.Slice && of.Elem().Kind() == reflect.Struct:
		f.each, f.instead = shapeOf(of.Elem()), strings.Split(tag.Get("instead"), ",")
		f.allowed = "an array of " + f.bounds(tag.Get("range")) + " objects"
	case kind == reflect.Slice && tag.Get("range") != "":
		f.ids = true
		f.allowed = "an array of " + f.bounds(tag.Get("range")) + " strings of 1 to 64 characters"
	case kind == reflect.Slice:
		f.allowed = allowedTags
	case tag.Get("oneof") != "":
		f.oneof = strings.Split(tag.Get("oneof"), ",")
		f.allowed = `"` + strings.Join(f.oneof, `" or "`) + `"`
	case kind == reflect.String:
		f.allowed = "a string of " + f.bounds(tag.Get("range")) + " characters"
	case kind == reflect.Int64:
		f.allowed = "an integer from " + f.bounds(tag.Get("range"))
	default:
		f.allowed = "a number of " + tag.Get("unit") + " from " + f.bounds(tag.Get("range"))
	}
	return f
}

// bounds reads a range, which is in words already.
func (f *field) bounds(words string) string {
	if n, _ := fmt.Sscanf(words, "%g to %g, or %g for unknown", &f.min, &f.max, &f.unknown); n >= 2 {
		return words
	}
	if n, _ := fmt.Sscanf(words, "at most %g", &f.max); n == 1 {
		return words
	}
	panic("protocol: the field " + f.name + " has no range, but: " + words)
}

// read fills the struct from the object and returns the first thing wrong, or
// "". A nil pointer to the struct stays nil if none of its fields is there.
func (s *shape) read(into reflect.Value, object map[string]value) string {
	found := func(name string) bool { _, ok := object[name]; return ok }
	reason := ""
	if into.Kind() == reflect.Pointer {
		first := slices.IndexFunc(s.fields, func(f *field) bool { return found(f.name) })
		if first < 0 {
			return ""
		}
		into.Set(reflect.New(s.of))
		into, reason = into.Elem(), ", since "+s.fields[first].name+" is given"
	}
	var replaced []string
	for _, f := range s.fields {
		if f.each != nil && found(f.name) && object[f.name].kind != 'n' {
			replaced = f.instead
		}
		for _, name := range replaced {
			if found(name) && object[name].kind != 'n' {
				return name + " is in each of " + f.name + ": leave it out beside them"
			}
		}
	}
	for _, f := range s.fields {
		if f.required && !found(f.name) && replaced == nil {
			return f.name + " is required: " + f.allowed + reason
		}
	}
	for _, f := range s.fields {
		to := into.Field(f.index)
		switch {
		case slices.Contains(replaced, f.name):
		case f.group != nil:
			if wrong := f.group.read(to, object); wrong != "" {
				return wrong
			}
		case !found(f.name) || object[f.name].kind == 'n' && !f.required && to.Kind() != reflect.Float64:
			if f.fallback != "" {
				to.SetString(f.fallback)
			}
		case f.each != nil:
			if wrong := f.readEach(to, object[f.name]); wrong != "" {
				return wrong
			}
		case !f.read(to, object[f.name]):
			return f.name + " must be " + f.allowed
		}
	}
	return ""
}

// readEach fills the list and returns the first thing wrong, or "".
func (f *field) readEach(into reflect.Value, v value) string {
	if v.kind != '[' || f.outside(float64(len(v.items))) {
		return f.name + " must be " + f.allowed
	}
	into.Set(reflect.MakeSlice(into.Type(), len(v.items), len(v.items)))
	for i, item := range v.items {
		where := fmt.Sprintf("%s[%d]", f.name, i)
		if item.kind != '{' {
			return where + " must be an object"
		}
		if wrong := f.each.read(into.Index(i), item.fields); wrong != "" {
			return where + "." + wrong
		}
	}
	return ""
}

// read puts the value into the struct. It returns false for a value that the
// field must not hold.
func (f *field) read(into reflect.Value, v value) bool {
	switch into.Kind() {
	case reflect.Pointer:
		to := reflect.New(into.Type().Elem())
		if to.Elem().Kind() == reflect.Slice {
			to.Elem().Set(reflect.MakeSlice(to.Elem().Type(), 0, 0)) // [] is not nil
		}
		ok := f.read(to.Elem(), v)
		if !to.Elem().CanFloat() || to.Elem().Float() != f.unknown {
			into.Set(to)
		}
		return ok
	case reflect.Float64:
		n, ok := f.number(v)
		into.SetFloat(n)
		return ok
	case reflect.Int64:
		n, ok := f.number(v)
		into.SetInt(int64(n))
		return ok && n == math.Trunc(n) // 1e3 is an integer, 1.5 is not
	case reflect.Bool:
		into.SetBool(v.kind == 't')
		return v.kind == 't' || v.kind == 'f'
	case reflect.Slice:
		if into.Type() == rawJSON {
			var text bytes.Buffer
			err := json.Compact(&text, []byte(v.raw))
			into.SetBytes(text.Bytes())
			return err == nil && !f.outside(float64(text.Len()))
		}
		if f.ids {
			ids, ok := f.readIDs(v)
			into.Set(reflect.AppendSlice(into, reflect.ValueOf(ids)))
			return ok
		}
		tags, ok := readTags(v)
		into.Set(reflect.AppendSlice(into, reflect.ValueOf(tags)))
		return ok
	}
	ok := v.kind == '"' && !f.outside(float64(utf8.RuneCountInString(v.text))) && (f.oneof == nil || slices.Contains(f.oneof, v.text))
	if ok {
		into.SetString(v.text)
	}
	return ok
}

// number reads a finite number in range. A negative zero becomes zero.
func (f *field) number(v value) (float64, bool) {
	n, err := strconv.ParseFloat(v.text, 64) // 1e999 is an error
	if v.kind == '"' || err != nil || f.outside(n) && n != f.unknown {
		return 0, false
	}
	if f.wraps && n == f.max {
		n = f.min
	}
	return n + 0, true
}

func (f *field) outside(n float64) bool { return n < f.min || f.max < n }

// readIDs reads a list of ids.
func (f *field) readIDs(v value) (ids []string, ok bool) {
	for _, id := range v.items {
		if n := utf8.RuneCountInString(id.text); id.kind != '"' || n < 1 || n > 64 {
			return nil, false
		}
		ids = append(ids, id.text)
	}
	return ids, v.kind == '[' && !f.outside(float64(len(ids)))
}

// readTags reads a list of tags, sorted and each once.
func readTags(v value) (tags []string, ok bool) {
	for _, tag := range v.items {
		if tag.kind != '"' || tag.text == "" || len(tag.text) > maxTag || strings.Trim(tag.text, inTag) != "" {
			return nil, false
		}
		tags = append(tags, tag.text)
	}
	slices.Sort(tags)
	return slices.Compact(tags), v.kind == '[' && len(v.items) <= maxTags
}
