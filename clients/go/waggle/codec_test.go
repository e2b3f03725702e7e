package waggle_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/clients/go/waggle"
)

func TestEncodeMessageLeavesDefaultsOut(t *testing.T) {
	tests := []struct {
		message waggle.Message
		want    string
	}{
		{&waggle.Match{}, `{"action":"match"}`},
		{&waggle.Match{ID: "<r&1>", Point: &waggle.Point{}}, `{"action":"match","id":"<r&1>","lat":0,"lng":0}`},
		{&waggle.End{Match: "m"}, `{"action":"end","match":"m"}`},
		{&waggle.Location{}, `{"action":"location","lat":0,"lng":0}`},
		{&waggle.Location{Tags: new([]string(nil))}, `{"action":"location","lat":0,"lng":0,"tags":[]}`},
		{&waggle.Location{Lat: math.NaN(), Lng: math.Inf(1)}, `{"action":"location","lat":null,"lng":null}`},
	}
	for _, test := range tests {
		if got := string(waggle.EncodeMessage(test.message)); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestDecodeFrameIgnoresWhatANewerServerAdds(t *testing.T) {
	raw := `{"type":"weather","match":"m","state":"fair"}`
	got, err := waggle.DecodeFrame([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&waggle.Unknown{Type: "weather", Raw: json.RawMessage(raw)}, got); diff != "" {
		t.Errorf("unknown type (-want +got):\n%s", diff)
	}
	got, err = waggle.DecodeFrame([]byte(`{"type":"pong","now":5,"moon":{"phase":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&waggle.Pong{Now: 5}, got); diff != "" {
		t.Errorf("unknown field (-want +got):\n%s", diff)
	}
}

func TestDecodeFrameRefuses(t *testing.T) {
	for _, text := range []string{
		``, `null`, `[]`, `"pong"`, `{`, `{"type":"pong"`, `{"type":5}`, `{"type":"pong","now":"soon"}`, `{"type":"pong"} x`,
		strings.Repeat("[", 100_000),
	} {
		if got, err := waggle.DecodeFrame([]byte(text)); err == nil {
			t.Errorf("%.40s: got %+v, want an error", text, got)
		}
	}
}

// FuzzDecodeFrame holds that a decoded frame can be written as JSON, and that
// this JSON decodes to the same frame.
func FuzzDecodeFrame(f *testing.F) {
	for _, text := range []string{
		`{"type":"welcome","id":"h","member":"ana","pool":"p","protocol":1,"now":1,"expiresAt":2,"report":{"afterSeconds":30,"moveMeters":50},` +
			`"match":{"match":"m","role":"matcher","state":"active","peer":{"lat":1,"lng":2,"at":3,"distance":4.5,"card":{"name":"Bob"}}}}`,
		`{"type":"welcome","request":{"id":"r","radius":2000,"expiresAt":5}}`,
		`{"type":"location","match":"m","lat":1,"lng":2,"at":3,"seq":4,"accuracy":8,"heading":9,"speed":6.2}`,
		`{"type":"error","id":"i","code":"stale","message":"<&>","retryable":true,"now":7}`,
		`{"type":"ended","match":"m","reason":"lost"}`, `{"message":"Internal server error"}`, `{"TYPE":"pong","Now":1}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		frame, err := waggle.DecodeFrame(text)
		if err != nil {
			return
		}
		if _, ok := frame.(*waggle.Unknown); ok {
			return
		}
		fields, err := json.Marshal(frame)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", frame, err)
		}
		written := append([]byte(`{"type":"`+frame.FrameType()+`",`), fields[1:]...)
		again, err := waggle.DecodeFrame(written)
		if err != nil {
			t.Fatalf("%+v, written as %s: %v", frame, written, err)
		}
		second, err := json.Marshal(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(fields), string(second)); diff != "" {
			t.Errorf("written differently the second time (-first +second):\n%s", diff)
		}
	})
}
