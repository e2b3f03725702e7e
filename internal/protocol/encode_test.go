package protocol_test

import (
	"encoding/json"
	"math"
	"testing"

	"waggle/internal/protocol"
)

func TestEncodeKeepsTextAsItIs(t *testing.T) {
	got := string(protocol.Encode(protocol.NewError(protocol.CodeNotFound, "<a&b>", "é 🐝")))
	want := `{"type":"error","id":"<a&b>","code":"not_found","message":"é 🐝","retryable":false}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEncodeOfWhatJSONCannotHold(t *testing.T) {
	for _, f := range []protocol.Frame{
		&protocol.LocationFrame{Lat: math.NaN()},
		&protocol.Matched{Peer: protocol.Peer{Card: json.RawMessage(`{"name":`)}},
	} {
		if got := object(t, protocol.Encode(f)); got["type"] != "error" || got["code"] != string(protocol.CodeInternal) {
			t.Errorf("%T: got %v, want an error frame with code internal", f, got)
		}
	}
}
