package protocol_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/protocol"
)

func TestEncodeKeepsTextAsItIs(t *testing.T) {
	got := string(protocol.Encode(protocol.NewError(protocol.CodeNotFound, "<a&b>", "é 🐝")))
	want := `{"type":"error","id":"<a&b>","code":"not_found","message":"é 🐝","retryable":false}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAFrameThatJSONCannotHoldBecomesAnError(t *testing.T) {
	for _, f := range []protocol.Frame{
		&protocol.LocationFrame{Lat: math.NaN()},
		&protocol.Matched{Peer: protocol.Peer{Card: json.RawMessage(`{"name":`)}},
	} {
		got, err := protocol.DecodeFrame(protocol.Encode(f))
		if e, ok := got.(*protocol.Error); err != nil || !ok || e.Code != protocol.CodeInternal {
			t.Errorf("%T: got %+v, %v, want an error frame with code internal", f, got, err)
		}
	}
}

func TestEncodeMessageLeavesDefaultsOut(t *testing.T) {
	tests := []struct {
		message protocol.Message
		want    string
	}{
		{&protocol.Match{}, `{"action":"match"}`},
		{&protocol.Match{Tags: []string{}, Point: &protocol.Point{}}, `{"action":"match","lat":0,"lng":0}`},
		{&protocol.End{Match: "m"}, `{"action":"end","match":"m"}`},
		{&protocol.Location{}, `{"action":"location","lat":0,"lng":0}`},
		{&protocol.Location{Tags: new([]string(nil))}, `{"action":"location","lat":0,"lng":0,"tags":[]}`},
		{&protocol.Location{Lat: math.NaN(), Lng: math.Inf(1)}, `{"action":"location","lat":null,"lng":null}`},
	}
	for _, test := range tests {
		if got := string(protocol.EncodeMessage(test.message)); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

// TestAMotionIsJSONByItself holds that a store may keep a Motion as one text.
func TestAMotionIsJSONByItself(t *testing.T) {
	for text, motion := range map[string]protocol.Motion{
		`{}`: {},
		`{"accuracy":8,"heading":271.5,"speed":0}`: {Accuracy: new(8.0), Heading: new(271.5), Speed: new(0.0)},
	} {
		written, err := json.Marshal(motion)
		if err != nil || string(written) != text {
			t.Errorf("written as %s, %v, want %s", written, err, text)
		}
		var read protocol.Motion
		if err := json.Unmarshal([]byte(text), &read); err != nil || !cmp.Equal(motion, read) {
			t.Errorf("%s read as %+v, %v", text, read, err)
		}
	}
}

func TestDecodeFrameAcceptsANewerServer(t *testing.T) {
	raw := `{"type":"offered","match":"m","distance":500}`
	got, err := protocol.DecodeFrame([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&protocol.Unknown{Type: "offered", Raw: json.RawMessage(raw)}, got); diff != "" {
		t.Errorf("unknown type (-want +got):\n%s", diff)
	}
	got, err = protocol.DecodeFrame([]byte(`{"type":"pong","now":5,"moon":{"phase":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&protocol.Pong{Now: 5}, got); diff != "" {
		t.Errorf("unknown field (-want +got):\n%s", diff)
	}
}

func TestDecodeFrameRefuses(t *testing.T) {
	for _, text := range []string{
		``, `null`, `[]`, `"pong"`, `{`, `{"type":"pong"`, `{"type":5}`, `{"type":"pong","now":"soon"}`, `{"type":"pong"} x`,
		strings.Repeat("[", 100_000),
	} {
		if got, err := protocol.DecodeFrame([]byte(text)); err == nil {
			t.Errorf("%.40s: got %+v, want an error", text, got)
		}
	}
}
