package protocol_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/protocol"
)

// FuzzDecode holds that every text is either a message or a refusal that can be
// sent. The message has the strings that encoding/json reads, and it survives
// being written and read again.
func FuzzDecode(f *testing.F) {
	for name := range messages() {
		text := golden(f)[name]
		f.Add(action(f, text), text)
	}
	for _, text := range golden(f) {
		f.Add("$default", text)
	}
	f.Add("match", []byte(`{"action":"match","lat":-0,"lng":180,"wait":1e2,"tags":["b","a","b"]}`))
	f.Add("match", []byte(`{"action":"match","wait":1,"widenTo":1e3,"widenSeconds":null}`))
	f.Add("location", []byte(`{"action":"location","points":[{"lat":1,"lng":2,"at":5,"seq":1},{"lat":1,"lng":2,"at":5}]}`))
	f.Add("say", []byte(`{"action":"say","match":"m","data": [ 1e2, {"a" : null}, "\u2028<&>" ] }`))
	f.Add("say", []byte(`{"action":"say","match":"m","data":null}`))
	f.Add("nearby", []byte(`{"action":"nearby","cells":[],"id":null}`))
	f.Add("ping", []byte(`{"action":"ping","id":"\ud83d\udc1d","id":"\ud83d"}`))
	f.Add("ping", []byte(`{ "action" :"ping","x":[1,{"y" : -1.5e3},[ ],{ },null,true ],"id":"\"\\\/\b\f\n\r\t\u00e9\ud83d\udc1d" }`))
	f.Fuzz(func(t *testing.T, route string, text []byte) {
		m, refused := protocol.Decode(route, text)
		if (m == nil) == (refused == nil) {
			t.Fatalf("got %+v and %+v, want one of them", m, refused)
		}
		if refused != nil {
			checkRefusal(t, refused)
			return
		}
		var fields map[string]json.RawMessage
		var id string
		if err := json.Unmarshal(text, &fields); err != nil {
			t.Fatalf("%s is accepted: %v", text, err)
		}
		if raw, ok := fields["id"]; ok && json.Unmarshal(raw, &id) != nil {
			t.Fatalf("%s is accepted, though its id is no string", text)
		}
		if action(t, text) != route || id != m.MessageID() {
			t.Errorf("%s has the action %s and the id %q, but is read as %+v", text, action(t, text), id, m)
		}
	})
}

// checkRefusal holds what every refusal of Decode has in common.
func checkRefusal(t *testing.T, e *protocol.Error) {
	t.Helper()
	switch e.Code {
	case protocol.CodeInvalidMessage, protocol.CodeUnknownAction, protocol.CodeTooLarge:
	default:
		t.Errorf("code %q is not one of a decoder", e.Code)
	}
	if e.Retryable {
		t.Error("retryable, though the same text is always refused")
	}
	if e.Message == "" || len(e.Message) > 300 || !utf8.ValidString(e.Message) {
		t.Errorf("message of %d bytes, want 1 to 300 of UTF-8: %q", len(e.Message), e.Message)
	}
	if n := utf8.RuneCountInString(e.ID); n > 64 {
		t.Errorf("id of %d characters", n)
	}
	text := protocol.Encode(e)
	if !json.Valid(text) {
		t.Fatalf("not JSON: %s", text)
	}
	var got protocol.Error
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, &got); diff != "" {
		t.Errorf("changed by writing and reading (-before +after):\n%s", diff)
	}
}
