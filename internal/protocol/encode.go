package protocol

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
)

// Encode writes a frame as the server sends it: {"type":"…", then its fields.
// A frame that JSON cannot hold, with NaN or a card that is not JSON, becomes an
// Error with CodeInternal.
func Encode(f Frame) []byte {
	if unknown, ok := f.(*Unknown); ok {
		return slices.Clone(unknown.Raw)
	}
	w := newWriter("type", f.frameType())
	comma := w.Len()
	if !w.write(f) {
		return Encode(NewError(CodeInternal, "", "the answer could not be written"))
	}
	w.Bytes()[comma] = ',' // for the frame's own brace: every frame has a field
	return w.Bytes()
}

// EncodeMessage writes a message as a client sends it. Fields that hold their
// default, or nothing, are left out, so a zero Radius asks for DefaultRadius.
// It checks nothing: NaN is written as null, as JavaScript does, and the server
// answers what is wrong with it.
func EncodeMessage(m Message) []byte {
	w := newWriter("action", m.action())
	_, shapes := messages()
	w.fields(shapes[m.action()], reflect.ValueOf(m).Elem())
	w.WriteByte('}')
	return w.Bytes()
}

// A writer writes one JSON object, beginning with one field.
type writer struct {
	bytes.Buffer
	json *json.Encoder
}

func newWriter(key, word string) *writer {
	w := &writer{}
	w.json = json.NewEncoder(w)
	w.json.SetEscapeHTML(false) // nothing here is put into HTML
	w.WriteString(`{"` + key + `":"` + word + `"`)
	return w
}

// fields writes the fields of a message, or of a struct embedded in it.
func (w *writer) fields(s *shape, from reflect.Value) {
	for _, f := range s.fields {
		v := from.Field(f.index)
		if f.omit && (v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0) {
			continue
		}
		v = reflect.Indirect(v)
		if f.group != nil {
			w.fields(f.group, v)
			continue
		}
		w.WriteString(`,"` + f.name + `":`)
		if v.Kind() == reflect.Slice && v.IsNil() {
			w.WriteString("[]") // not null: it takes all tags away
		} else if !w.write(v.Addr().Interface()) {
			w.WriteString("null")
		}
	}
}

// write writes a value, and says whether JSON can hold it.
func (w *writer) write(v any) bool {
	if w.json.Encode(v) != nil {
		return false
	}
	w.Truncate(w.Len() - 1) // the encoder's newline
	return true
}
