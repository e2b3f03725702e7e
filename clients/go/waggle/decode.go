package waggle

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// DecodeFrame reads a frame of the server, as Conn.Receive returns it. It
// ignores fields that it does not know, since servers are updated first, and
// returns an *Unknown for a type that it does not know. It fails where the text
// is not one JSON object, or where a field that it knows has the wrong type.
func DecodeFrame(text []byte) (Frame, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, fmt.Errorf("waggle: read a frame: %w", err)
	}
	if object == nil {
		return nil, errors.New("waggle: read a frame: it is null")
	}
	var kind string
	if raw, ok := object["type"]; ok {
		if err := json.Unmarshal(raw, &kind); err != nil {
			return nil, fmt.Errorf("waggle: read a frame's type: %w", err)
		}
	}
	for _, f := range []Frame{
		&Welcome{}, &Pong{}, &Ack{}, &Waiting{}, &NoMatch{}, &Offered{}, &Matched{}, &LocationFrame{}, &PeerFrame{}, &Ended{}, &Said{},
		&NearbyFrame{}, &ErrorFrame{},
	} {
		if f.FrameType() != kind {
			continue
		}
		if err := json.Unmarshal(text, f); err != nil {
			return nil, fmt.Errorf("waggle: read a frame %q: %w", kind, err)
		}
		return f, nil
	}
	return &Unknown{Type: kind, Raw: slices.Clone(text)}, nil
}
