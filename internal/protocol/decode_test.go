package protocol_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/protocol"
)

func TestDecodeAccepts(t *testing.T) {
	at := func(lat, lng float64) *protocol.Location { return &protocol.Location{Lat: lat, Lng: lng} }
	match := func(m protocol.Match) *protocol.Match { return &m }
	location := func(rest string) string { return `{"action":"location","lat":1,"lng":2` + rest + `}` }
	full := func(change func(*protocol.Location)) *protocol.Location {
		m := at(1, 2)
		change(m)
		return m
	}
	emoji64 := strings.Repeat("🐝", 64)
	tests := []struct {
		name, text string
		want       protocol.Message
	}{
		{"white space around", " \r\n\t{ \"action\" : \"ping\" } \n", &protocol.Ping{}},
		{"escaped key and value", `{"\u0061ction":"p\u0069ng"}`, &protocol.Ping{}},
		{"empty id", `{"action":"ping","id":""}`, &protocol.Ping{}},
		{"id of 64 characters", `{"action":"ping","id":"` + emoji64 + `"}`, &protocol.Ping{ID: emoji64}},
		{"escaped pair", `{"action":"ping","id":"\ud83d\udc1d\\ud83d"}`, &protocol.Ping{ID: `🐝\ud83d`}},
		{"escape that looks like half a pair", `{"action":"ping","id":"\bd83d"}`, &protocol.Ping{ID: "\bd83d"}},
		{"unknown fields", `{"action":"ping","lat":null,"x":[{"y":[1e999]}],"ID":5}`, &protocol.Ping{}},
		{"field of another message", `{"action":"ping","confirm":1,"points":[]}`, &protocol.Ping{}},
		{"nested as deep as allowed", `{"action":"ping","x":` + strings.Repeat("[", 31) + "1" + strings.Repeat("]", 31) + `}`, &protocol.Ping{}},
		{"largest message", `{"action":"ping"}` + strings.Repeat(" ", protocol.MaxMessageBytes-17), &protocol.Ping{}},

		{"north-east corner", `{"action":"location","lat":85,"lng":179.9999999}`, at(85, 179.9999999)},
		{"south-west corner", `{"action":"location","lat":-85.0,"lng":-180}`, at(-85, -180)},
		{"180 is -180", `{"action":"location","lat":0,"lng":180}`, at(0, -180)},
		{"case matters", `{"action":"location","lat":1,"lng":2,"Lat":99,"LNG":null}`, at(1, 2)},
		{"denormal", `{"action":"location","lat":1e-999,"lng":5e-324}`, at(0, 5e-324)},
		{"integers", location(`,"at":9007199254740991,"seq":0`), full(func(m *protocol.Location) { m.At = new(int64(1<<53 - 1)) })},
		{"integers by value", location(`,"at":1e3,"seq":2.0`), full(func(m *protocol.Location) { m.At, m.Seq = new(int64(1000)), 2 })},
		{"lower bounds", location(`,"accuracy":0,"heading":0,"speed":0`),
			full(func(m *protocol.Location) { m.Accuracy, m.Heading, m.Speed = new(0.0), new(0.0), new(0.0) })},
		{"upper bounds", location(`,"accuracy":100000,"heading":359.99,"speed":1000`),
			full(func(m *protocol.Location) { m.Accuracy, m.Heading, m.Speed = new(100000.0), new(359.99), new(1000.0) })},
		{"unknown as a phone says it", location(`,"accuracy":-1,"heading":-1,"speed":-1`), at(1, 2)},
		{"unknown as a JSON writer says it",
			location(`,"id":null,"at":null,"seq":null,"accuracy":null,"heading":null,"speed":null,"available":null,"tags":null`), at(1, 2)},
		{"north is 0", location(`,"heading":360`), full(func(m *protocol.Location) { m.Heading = new(0.0) })},
		{"null for what is left out", `{"action":"match","id":null,"tags":null,"avoid":null}`, match(protocol.Match{})},
		{"null for a default", `{"action":"end","match":"m","reason":null}`, &protocol.End{Match: "m", Reason: "completed"}},
		{"points", `{"action":"location","points":[{"lat":1,"lng":180,"at":5},{"lat":1,"lng":2,"at":5,"seq":1,"heading":360},{"lat":3,"lng":4,"at":6,"speed":-1}]}`,
			&protocol.Location{Lat: 3, Lng: 4, At: new(int64(6)), Points: []protocol.Fix{{Lat: 1, Lng: -180, At: 5},
				{Lat: 1, Lng: 2, At: 5, Seq: 1, Motion: protocol.Motion{Heading: new(0.0)}}, {Lat: 3, Lng: 4, At: 6}}}},
		{"points beside null", `{"action":"location","lat":null,"lng":null,"at":null,"heading":null,"points":[{"lat":1,"lng":2,"at":5}]}`,
			&protocol.Location{Lat: 1, Lng: 2, At: new(int64(5)), Points: []protocol.Fix{{Lat: 1, Lng: 2, At: 5}}}},
		{"null for points", location(`,"points":null`), at(1, 2)},
		{"no tags", location(`,"tags":[]`), full(func(m *protocol.Location) { m.Tags = &[]string{} })},
		{"tags sorted, once each", location(`,"tags":["b","a-1","b","_"]`),
			full(func(m *protocol.Location) { m.Tags = &[]string{"_", "a-1", "b"} })},
		{"first and last of each range", location(`,"tags":["a","z","0","9"]`),
			full(func(m *protocol.Location) { m.Tags = &[]string{"0", "9", "a", "z"} })},
		{"longest tags", location(`,"tags":["` + strings.Repeat("z", 32) + `"` + strings.Repeat(`,"a"`, 15) + `]`),
			full(func(m *protocol.Location) { m.Tags = &[]string{"a", strings.Repeat("z", 32)} })},

		{"match smallest", `{"action":"match","radius":100,"wait":0,"tags":[]}`, match(protocol.Match{Radius: 100})},
		{"match largest", `{"action":"match","radius":20000,"wait":600}`, match(protocol.Match{Radius: 20000, Wait: 600})},
		{"match widest", `{"action":"match","radius":20000,"wait":0.1,"widenTo":20000,"widenSeconds":600}`,
			match(protocol.Match{Radius: 20000, Wait: 0.1, WidenTo: 20000, WidenSeconds: 600})},
		{"match from the equator", `{"action":"match","lat":0,"lng":0}`, match(protocol.Match{Point: &protocol.Point{}})},
		{"match at 180", `{"action":"match","lat":0,"lng":180}`, match(protocol.Match{Point: &protocol.Point{Lng: -180}})},
		{"match tags", `{"action":"match","tags":["b","a","a"]}`, match(protocol.Match{Tags: []string{"a", "b"}})},
		{"match that avoids", `{"action":"match","avoid":["é","m","m"` + strings.Repeat(`,"m"`, 17) + `]}`,
			match(protocol.Match{Avoid: append([]string{"é"}, strings.Split(strings.Repeat("m", 19), "")...)})},
		{"match to confirm", `{"action":"match","confirm":600}`, match(protocol.Match{Confirm: 600})},
		{"accept", `{"action":"accept","match":"m"}`, &protocol.Accept{Match: "m"}},
		{"decline", `{"action":"decline","match":"m","reason":7}`, &protocol.Decline{Match: "m"}},
		{"end by default", `{"action":"end","match":"m"}`, &protocol.End{Match: "m", Reason: "completed"}},
		{"what is said is any JSON, white space apart", `{"action":"say","match":"m","data": {"a" : [1, "b  c", null ]} }`,
			&protocol.Say{Match: "m", Data: json.RawMessage(`{"a":[1,"b  c",null]}`)}},
		{"null is said", `{"action":"say","match":"m","data":null}`, &protocol.Say{Match: "m", Data: json.RawMessage(`null`)}},
		{"the most that is said", `{"action":"say","match":"m","data":"` + strings.Repeat("x", 1022) + `"  }`,
			&protocol.Say{Match: "m", Data: json.RawMessage(`"` + strings.Repeat("x", 1022) + `"`)}},
		{"end completed", `{"action":"end","match":"m","reason":"completed"}`, &protocol.End{Match: "m", Reason: "completed"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, refused := protocol.Decode(action(t, []byte(test.text)), []byte(test.text))
			if refused != nil {
				t.Fatalf("refused: %+v", refused)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	const invalid, unknown = protocol.CodeInvalidMessage, protocol.CodeUnknownAction
	type refusal struct {
		route, text string
		code        protocol.Code
		id, says    string // says is a part of the sentence
	}
	tests := []refusal{
		{"$default", strings.Repeat("[", 16*1024+1), protocol.CodeTooLarge, "", "at most 16384 bytes"},
		{"ping", `{"action":"ping","id":"i"}` + strings.Repeat(" ", 16*1024), protocol.CodeTooLarge, "", "at most 16384 bytes"},
		// Not one JSON object.
		{"$default", ``, invalid, "", "JSON"},
		{"$default", `  `, invalid, "", "JSON"},
		{"$default", `hello`, invalid, "", "JSON"},
		{"$default", `null`, invalid, "", "JSON object"},
		{"$default", `17`, invalid, "", "JSON object"},
		{"$default", `"ping"`, invalid, "", "JSON object"},
		{"$default", `[{"action":"ping"}]`, invalid, "", "JSON object"},
		{"ping", `{"action":"ping"`, invalid, "", "JSON"},
		{"ping", `{"action":"ping",}`, invalid, "", "JSON"},
		{"ping", `{"action":"ping"}{}`, invalid, "", "JSON"},
		{"ping", `{"action":"ping"} // hi`, invalid, "", "JSON"},
		{"ping", `{'action':'ping'}`, invalid, "", "JSON"},
		{"ping", "\ufeff" + `{"action":"ping"}`, invalid, "", "JSON"},
		{"ping", "{\"action\":\"ping\",\"id\":\"a\x00\"}", invalid, "", "JSON"},
		{"ping", strings.Repeat(`{"action":`, 1600), invalid, "", "JSON"},
		{"ping", strings.Repeat("[", 16*1024), invalid, "", "JSON"},
		{"ping", strings.Repeat("[", 8000) + strings.Repeat("]", 8000), invalid, "", "JSON object"},
		{"ping", `{"x":` + strings.Repeat("[", 8000) + strings.Repeat("]", 8000) + `}`, invalid, "", "more than 32 levels"},
		{"ping", `{"x":` + strings.Repeat(`{"x":`, 2000) + `1` + strings.Repeat("}", 2000) + `}`, invalid, "", "more than 32 levels"},
		{"ping", `{"action":"ping","x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`, invalid, "", "more than 32 levels"},
		// Not Unicode.
		{"ping", "{\"action\":\"ping\",\"id\":\"\xff\"}", invalid, "", "UTF-8"},
		{"ping", "{\"action\":\"ping\",\"\xc3\x28\":1}", invalid, "", "UTF-8"},
		{"ping", `{"action":"ping","id":"\ud83d"}`, invalid, "", "Unicode"},
		{"ping", `{"action":"ping","id":"\udc1d\ud83d"}`, invalid, "", "Unicode"},
		{"ping", `{"action":"ping","id":"\ud83dx"}`, invalid, "", "Unicode"},
		{"ping", `{"action":"ping","id":"\ud83d\u0041"}`, invalid, "", "Unicode"},
		{"ping", `{"action":"ping","id":"\\\ud83d"}`, invalid, "", "Unicode"},
		// Keys twice.
		{"ping", `{"action":"ping","action":"ping","id":"i"}`, invalid, "i", `"action"`},
		{"ping", `{"action":"ping","id":"i","id":"i"}`, invalid, "", `"id"`},
		{"location", `{"action":"location","lat":1,"lng":1,"l\u0061t":2,"id":"i"}`, invalid, "i", `"lat"`},
		{"ping", `{"action":"ping","x":[{"y":1,"y":1}],"id":"i"}`, invalid, "i", `"y"`},
		{"ping", `{"action":"ping","` + strings.Repeat("k", 5000) + `":1,"` + strings.Repeat("k", 5000) + `":1}`, invalid, "", `more than once`},
		// No such action.
		{"$default", `{}`, unknown, "", "action is required"},
		{"$default", `{"action":null,"id":"i"}`, unknown, "i", "action is required"},
		{"$default", `{"action":1}`, unknown, "", "action is required"},
		{"$default", `{"action":["ping"]}`, unknown, "", "action is required"},
		{"$default", `{"Action":"ping"}`, unknown, "", "action is required"},
		{"ping", `{"id":"i"}`, unknown, "i", "action is required"},
		{"$default", `{"action":"","id":"i"}`, unknown, "i", `""`},
		{"$default", `{"action":"Ping"}`, unknown, "", `"Ping"`},
		{"$default", `{"action":"$connect"}`, unknown, "", "$connect"},
		{"$default", `{"action":"$default"}`, unknown, "", "$default"},
		{"$default", `{"action":"` + strings.Repeat("a", 5000) + `","id":5}`, unknown, "", "unknown action"},
		{"ping", `{"action":"hello"}`, unknown, "", "unknown action"},
		{"$default", `{"action":"ping"}`, unknown, "", "unknown action"},
		// The id.
		{"ping", `{"action":"ping","id":7}`, invalid, "", "id must be a string of at most 64"},
		{"ping", `{"action":"ping","id":{"a":1}}`, invalid, "", "id must be a string of at most 64"},
		{"ping", `{"action":"ping","id":"` + strings.Repeat("é", 65) + `"}`, invalid, "", "id must be a string of at most 64"},
		// Locations.
		{"location", `{"action":"location","id":"i"}`, invalid, "i", "lat is required"},
		{"location", `{"action":"location","lat":1,"id":"i"}`, invalid, "i", "lng is required"},
		{"location", `{"action":"location","lng":1}`, invalid, "", "lat is required"},
		{"location", `{"action":"location","points":null}`, invalid, "", "lat is required"},
		{"location", `{"action":"location","id":"i","points":[{"lat":1,"lng":2}]}`, invalid, "i", "points[0].at is required: an integer from 0 to"},
		{"location", `{"action":"location","points":[{"lat":1,"lng":2,"at":5},{"lat":91,"lng":2,"at":6}]}`, invalid, "", "points[1].lat must be a number of degrees from -85 to 85"},
		{"location", `{"action":"location","points":[{"lat":1,"lng":2,"at":5,"heading":400}]}`, invalid, "", "points[0].heading must be"},
		{"location", `{"action":"location","points":[{"lat":1,"lng":2,"at":5},7]}`, invalid, "", "points[1] must be an object"},
		{"location", `{"action":"location","points":[]}`, invalid, "", "points must be an array of 1 to 100 objects"},
		{"location", `{"action":"location","points":{}}`, invalid, "", "points must be an array of 1 to 100 objects"},
		{"location", `{"action":"location","points":[{"lat":1,"lng":2,"at":5}` + strings.Repeat(`,{"lat":1,"lng":2,"at":5}`, 100) + `]}`, invalid, "", "points must be an array of 1 to 100 objects"},
		{"location", `{"action":"location","points":[{"lat":1,"lng":2,"at":5},{"lat":1,"lng":2,"at":4}]}`, invalid, "", "points[1] is older than the one before"},
		{"location", `{"action":"location","points":[{"lat":1,"lng":2,"at":5,"seq":2},{"lat":1,"lng":2,"at":5,"seq":1}]}`, invalid, "", "points[1] is older than the one before"},
		{"location", `{"action":"location","lat":1,"points":[{"lat":1,"lng":2,"at":5}]}`, invalid, "", "lat is in each of points: leave it out beside them"},
		{"location", `{"action":"location","speed":1,"points":[{"lat":1,"lng":2,"at":5}]}`, invalid, "", "speed is in each of points: leave it out beside them"},
	}
	for _, action := range []string{"admit", "\u0000"} {
		text := fmt.Sprintf(`{"action":%q,"match":"m","id":"i"}`, action)
		if action == "\u0000" {
			text = `{"action":"\u0000","id":"i"}`
		}
		tests = append(tests, refusal{"$default", text, unknown, "i", "unknown action"}, refusal{action, text, unknown, "i", "unknown action"})
	}
	// For each field of each message, some values that it must not have.
	kinds := []string{`true`, `"1"`, `[]`, `{}`, `[1]`}
	chosen := slices.Clip(append(kinds, `null`))
	fields := []struct {
		action, others, name string
		values               []string
		says                 string
	}{
		{"location", `"lng":0`, "lat", append(chosen, `85.0001`, `-85.0001`, `1e999`, `-1e999`, `90`), "-85 to 85"},
		{"location", `"lat":0`, "lng", append(chosen, `180.0001`, `-180.0001`, `1e999`, `540`), "-180 to 180"},
		{"location", `"lat":0,"lng":0`, "at", append(kinds, `-1`, `1.5`, `9007199254740992`, `1e16`, `1e999`), "0 to 9007199254740991"},
		{"location", `"lat":0,"lng":0`, "seq", append(kinds, `-1`, `0.1`, `9007199254740992`), "0 to 9007199254740991"},
		{"location", `"lat":0,"lng":0`, "accuracy", append(kinds, `-2`, `100000.1`), "0 to 100000, or -1"},
		{"location", `"lat":0,"lng":0`, "heading", append(kinds, `-2`, `360.1`, `400`, `-0.1`), "0 to 360, or -1"},
		{"location", `"lat":0,"lng":0`, "speed", append(kinds, `-2`, `-0.5`, `1000.1`), "0 to 1000, or -1"},
		{"location", `"lat":0,"lng":0`, "available", []string{`1`, `"true"`, `[]`}, "true or false"},
		{"location", `"lat":0,"lng":0`, "tags", []string{
			`"a"`, `{}`, `1`, `[1]`, `[null]`, `[["a"]]`, `[""]`, `["A"]`, `["é"]`, `["a b"]`,
			`["` + strings.Repeat("a", 33) + `"]`, `["a"` + strings.Repeat(`,"a"`, 16) + `]`,
		}, "at most 16 strings of 1 to 32"},
		{"match", ``, "radius", append(chosen, `99.9`, `20000.1`, `0`, `-100`, `1e999`), "100 to 20000"},
		{"match", `"lng":0`, "lat", append(chosen, `85.1`), "-85 to 85"},
		{"match", `"lat":0`, "lng", append(chosen, `181`), "-180 to 180"},
		{"match", ``, "lat", []string{`1`, `null`}, "lng is required"},
		{"match", ``, "lng", []string{`1`, `null`}, "lat is required"},
		{"match", ``, "tags", []string{`["A"]`, `"a"`}, "at most 16 strings of 1 to 32"},
		{"match", ``, "wait", append(chosen, `-1`, `600.1`), "0 to 600"},
		{"match", `"wait":9,"widenSeconds":9`, "widenTo", append(chosen, `99.9`, `20000.1`, `0`), "100 to 20000"},
		{"match", `"wait":9,"widenTo":9e3`, "widenSeconds", append(chosen, `0.9`, `600.1`, `0`), "1 to 600"},
		{"match", `"wait":9`, "widenTo", []string{`9e3`}, "widenTo and widenSeconds go together: give both or neither"},
		{"match", `"wait":9`, "widenSeconds", []string{`9`}, "and widenSeconds go together"},
		{"match", `"widenSeconds":9`, "widenTo", []string{`9e3`}, "widenTo needs a wait of more than 0 seconds"},
		{"match", `"widenTo":9e3,"widenSeconds":9`, "wait", []string{`0`}, "widenTo needs a wait of more than 0 seconds"},
		{"match", ``, "confirm", append(chosen, `-1`, `600.1`), "0 to 600"},
		{"accept", ``, "x", []string{`1`}, "match is required"},
		{"accept", ``, "match", []string{`null`, `""`, `7`, `"` + strings.Repeat("m", 65) + `"`}, "1 to 64 characters"},
		{"decline", ``, "x", []string{`1`}, "match is required"},
		{"decline", ``, "match", []string{`null`, `""`, `7`, `"` + strings.Repeat("m", 65) + `"`}, "1 to 64 characters"},
		{"match", ``, "share", []string{`1`, `"true"`, `[]`}, "true or false"},
		{"match", ``, "avoid", []string{`"m"`, `{}`, `[1]`, `[null]`, `[""]`, `["` + strings.Repeat("m", 65) + `"]`,
			`["m"` + strings.Repeat(`,"m"`, 20) + `]`}, "an array of at most 20 strings of 1 to 64 characters"},
		{"end", ``, "reason", []string{`"completed"`}, "match is required"},
		{"end", ``, "match", []string{`null`, `""`, `7`, `[]`, `"` + strings.Repeat("m", 65) + `"`}, "1 to 64 characters"},
		{"say", `"match":"m"`, "data", []string{`"` + strings.Repeat("x", 1023) + `"`, `"` + strings.Repeat("é", 512) + `"`},
			"any JSON of at most 1024 bytes"},
		{"say", `"data":1`, "match", []string{`null`, `""`, `7`, `"` + strings.Repeat("m", 65) + `"`}, "1 to 64 characters"},
		{"say", ``, "match", []string{`"m"`}, "data is required: any JSON of at most 1024 bytes"},
		{"end", `"match":"m"`, "reason", []string{`""`, `"left"`, `"Completed"`, `1`}, `"completed" or "cancelled"`},
	}
	for _, field := range fields {
		others := field.others
		if others != "" {
			others += ","
		}
		for _, value := range field.values {
			text := fmt.Sprintf(`{"action":%q,%s%q:%s,"id":"i"}`, field.action, others, field.name, value)
			tests = append(tests, refusal{field.action, text, invalid, "i", field.says})
			if !strings.Contains(field.says, "required") {
				tests = append(tests, refusal{field.action, text, invalid, "i", field.name + " "})
			}
		}
	}

	for _, test := range tests {
		t.Run(fmt.Sprintf("%.80s", test.text), func(t *testing.T) {
			got, refused := protocol.Decode(test.route, []byte(test.text))
			if got != nil || refused == nil {
				t.Fatalf("accepted as %+v", got)
			}
			if refused.Code != test.code || refused.ID != test.id || !strings.Contains(refused.Message, test.says) {
				t.Errorf("got  %+v\nwant code %s, id %q, a message with %q", refused, test.code, test.id, test.says)
			}
			checkRefusal(t, refused)
		})
	}
}

func TestDecodeHasNoNegativeZero(t *testing.T) {
	m, refused := protocol.Decode("location", []byte(`{"action":"location","lat":-0,"lng":-0.0,"heading":-0}`))
	if refused != nil {
		t.Fatal(refused)
	}
	l := m.(*protocol.Location)
	if math.Signbit(l.Lat) || math.Signbit(l.Lng) || math.Signbit(*l.Heading) {
		t.Errorf("got %v %v %v, want 0 0 0", l.Lat, l.Lng, *l.Heading)
	}
}

// retryable holds every code of protocol v1.
func retryable() map[protocol.Code]bool {
	return map[protocol.Code]bool{
		protocol.CodeInvalidMessage: false, protocol.CodeUnknownAction: false, protocol.CodeUnauthenticated: false,
		protocol.CodeNotFound: false, protocol.CodeConflict: false, protocol.CodeStale: false,
		protocol.CodeReplaced: false, protocol.CodeTooLarge: false, protocol.CodeRateLimited: true,
		protocol.CodeForbidden: false, protocol.CodeUnavailable: true, protocol.CodeInternal: true,
	}
}

func TestDefaultRetryable(t *testing.T) {
	for code, retryable := range retryable() {
		if got := protocol.NewError(code, "i", "m"); got.Retryable != retryable {
			t.Errorf("%s: got retryable %t, want %t", code, got.Retryable, retryable)
		}
	}
}
