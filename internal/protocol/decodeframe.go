package protocol

import (
	"encoding/json"
	"fmt"
)

// Unknown is a frame whose type this package does not know: a newer server's,
// or, where Type is "", none of Waggle's at all, such as the gateway's own
// {"message":"Internal server error",…}.
type Unknown struct {
	Type string
	Raw  json.RawMessage // the whole frame
}

func (u *Unknown) frameType() string { return u.Type }

// DecodeFrame reads what a server pushed. Fields that it does not know are
// ignored, and a type that it does not know gives an *Unknown. Only what is no
// JSON object, or has a known field of another kind, is an error.
func DecodeFrame(text []byte) (Frame, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, fmt.Errorf("protocol: read a frame: %w", err)
	}
	if object == nil {
		return nil, fmt.Errorf("protocol: read a frame: it is null")
	}
	var kind string
	if raw, ok := object["type"]; ok {
		if err := json.Unmarshal(raw, &kind); err != nil {
			return nil, fmt.Errorf("protocol: read a frame's type: %w", err)
		}
	}
	f := newFrame(kind)
	if f == nil {
		return &Unknown{Type: kind, Raw: append(json.RawMessage{}, text...)}, nil
	}
	if err := json.Unmarshal(text, f); err != nil {
		return nil, fmt.Errorf("protocol: read a frame %q: %w", kind, err)
	}
	return f, nil
}

func newFrame(kind string) Frame {
	for _, f := range []Frame{
		&Welcome{}, &Pong{}, &Ack{}, &Waiting{}, &NoMatch{}, &Matched{}, &LocationFrame{}, &Ended{}, &Error{},
	} {
		if f.frameType() == kind {
			return f
		}
	}
	return nil
}
