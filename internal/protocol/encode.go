package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Encode writes a frame as the server sends it: {"type":"…", then its fields.
// A frame that JSON cannot hold, with NaN or a card that is not JSON, is
// written as an Error with CodeInternal, for nothing of it can be told.
func Encode(f Frame) []byte {
	fields, err := marshal(f)
	if err != nil {
		return Encode(NewError(CodeInternal, "", "the answer could not be written"))
	}
	head := fmt.Appendf(nil, `{"type":%q`, f.frameType())
	if len(fields) > len("{}") {
		head = append(head, ',')
	}
	return append(head, fields[1:]...)
}

// marshal leaves <, > and & as they are: nothing here is put into HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
