package protocol

import (
	"bytes"
	"encoding/json"
)

// Encode writes a frame as the server sends it: {"type":"…", then its fields.
// A frame that JSON cannot hold, with NaN or a card that is not JSON, becomes an
// Error with CodeInternal.
func Encode(f Frame) []byte {
	var b bytes.Buffer
	b.WriteString(`{"type":"` + f.frameType() + `"`)
	comma := b.Len()
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // nothing here is put into HTML
	if e.Encode(f) != nil {
		return Encode(NewError(CodeInternal, "", "the answer could not be written"))
	}
	text := b.Bytes()
	text[comma] = ','         // for the frame's own brace: every frame has a field
	return text[:len(text)-1] // without the encoder's newline
}
