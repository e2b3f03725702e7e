package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"waggle/clients/go/waggle"
)

// The tests of bad input in docs/bad-input.md. Each sends bad input to a running stack and
// wants the error that is stated there. After that the same client must still work, or a
// new one if the connection was closed.

const (
	invalid   = waggle.CodeInvalidMessage
	unknown   = waggle.CodeUnknownAction
	notJSON   = "a message must be one JSON object: this is not valid JSON"
	noObject  = "a message must be one JSON object"
	tooDeep   = "a message must be one JSON object: it nests more than 32 levels deep"
	noAction  = "action is required: one of hello, ping, location, locate, match, accept, decline, cancel, end, say, nearby"
	tooLarge  = "a message may have at most 16384 bytes"
	latitude  = "lat must be a number of degrees from -85 to 85"
	longitude = "lng must be a number of degrees from -180 to 180"
)

func noSuchAction(name string) string {
	return `unknown action "` + name + `": the actions are hello, ping, location, locate, match, accept, decline, cancel, end, say, nearby`
}

// unlimitedPools is a pool file for a test in which one member sends many messages.
func unlimitedPools(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pools.json")
	if err := os.WriteFile(path, []byte(unlimited), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func at(fields string) string { return `{"action":"location","id":"i",` + fields + `}` }

func points(all string) string { return at(`"points":[` + all + `]`) }

func TestBadMessages(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		type refusal struct {
			text, id string
			code     waggle.Code
			message  string
		}
		nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
		s := runStack(t, append(runtime, "-pools", unlimitedPools(t))...)
		ana := s.dial("ana")
		for name, test := range map[string]refusal{
			"not JSON":              {"hello", "", invalid, notJSON},
			"an empty message":      {"", "", invalid, notJSON},
			"JSON, but no object":   {`["ping"]`, "", invalid, noObject},
			"two objects":           {`{"action":"ping"}{"action":"ping"}`, "", invalid, notJSON},
			"cut off":               {`{"action":"ping","id":"i`, "", invalid, notJSON},
			"single quotes":         {`{'action':'ping'}`, "", invalid, notJSON},
			"half a character":      {`{"action":"ping","id":"\ud83d"}`, "", invalid, `a message must be Unicode text: a \u escape lacks the other half of its pair`},
			"NaN":                   {at(`"lat":NaN,"lng":0`), "", invalid, notJSON},
			"infinity":              {at(`"lat":0,"lng":-Infinity`), "", invalid, notJSON},
			"infinity as a number":  {at(`"lat":1e999,"lng":0`), "i", invalid, latitude},
			"NaN as a string":       {at(`"lat":"NaN","lng":0`), "i", invalid, latitude},
			"a string for a number": {at(`"lat":"37.77","lng":0`), "i", invalid, latitude},
			"null":                  {at(`"lat":null,"lng":0`), "i", invalid, latitude},
			"an object for a flag":  {at(`"lat":0,"lng":0,"available":{}`), "i", invalid, "available must be true or false"},
			"a string for a list":   {at(`"lat":0,"lng":0,"tags":"xl"`), "i", invalid, "tags must be an array of at most 16 strings of 1 to 32 characters out of a-z, 0-9, _ and -"},
			"a heading of 400":      {at(`"lat":0,"lng":0,"heading":400`), "i", invalid, "heading must be a number of degrees from 0 to 360, or -1 for unknown"},
			"a speed of -2":         {at(`"lat":0,"lng":0,"speed":-2`), "i", invalid, "speed must be a number of metres per second from 0 to 1000, or -1 for unknown"},
			"points out of order":   {points(`{"lat":1,"lng":2,"at":5},{"lat":1,"lng":2,"at":4}`), "i", invalid, "points must be in the order of at and seq, oldest first: points[1] is older than the one before"},
			"101 points":            {points(`{"lat":1,"lng":2,"at":5}` + strings.Repeat(`,{"lat":1,"lng":2,"at":5}`, 100)), "i", invalid, "points must be an array of 1 to 100 objects"},
			"no points":             {points(""), "i", invalid, "points must be an array of 1 to 100 objects"},
			"a bad point":           {points(`{"lat":1,"lng":2,"at":5},{"lat":86,"lng":2,"at":6}`), "i", invalid, "points[1]." + latitude},
			"a point without at":    {points(`{"lat":1,"lng":2}`), "i", invalid, "points[0].at is required: an integer from 0 to 9007199254740991"},
			"points and lat":        {at(`"lat":1,"points":[{"lat":1,"lng":2,"at":5}]`), "i", invalid, "lat is in each of points: leave it out beside them"},
			"a number for an id":    {`{"action":"ping","id":7}`, "", invalid, "id must be a string of at most 64 characters"},
			"no lng":                {at(`"lat":0`), "i", invalid, "lng is required: a number of degrees from -180 to 180"},
			"half a point":          {`{"action":"match","id":"i","lat":1}`, "i", invalid, "lng is required: a number of degrees from -180 to 180, since lat is given"},
			"a radius of 0":         {`{"action":"match","id":"i","radius":0}`, "i", invalid, "radius must be a number of metres from 100 to 20000"},
			"a wait for ever":       {`{"action":"match","id":"i","wait":601}`, "i", invalid, "wait must be a number of seconds from 0 to 600"},
			"a say of nothing":      {`{"action":"say","id":"i","match":"m"}`, "i", invalid, "data is required: any JSON of at most 1024 bytes"},
			"a say of too much":     {`{"action":"say","id":"i","match":"m","data":"` + strings.Repeat("x", 1023) + `"}`, "i", invalid, "data must be any JSON of at most 1024 bytes"},
			"half a widening":       {`{"action":"match","id":"i","wait":9,"widenTo":5000}`, "i", invalid, "widenTo and widenSeconds go together: give both or neither"},
			"widening, no wait":     {`{"action":"match","id":"i","widenTo":5000,"widenSeconds":30}`, "i", invalid, "widenTo needs a wait of more than 0 seconds: the circle grows while the request waits"},
			"widening to less":      {`{"action":"match","id":"i","wait":9,"widenTo":2000,"widenSeconds":30}`, "i", invalid, "widenTo must be at least the radius, which is 3000 metres"},
			"an end of nothing":     {`{"action":"end","id":"i"}`, "i", invalid, "match is required: a string of 1 to 64 characters"},
			"avoiding a match":      {`{"action":"match","id":"i","avoid":"m"}`, "i", invalid, "avoid must be an array of at most 20 strings of 1 to 64 characters"},
			"lat above 85":          {at(`"lat":85.0001,"lng":0`), "i", invalid, latitude},
			"lat below -85":         {at(`"lat":-90,"lng":0`), "i", invalid, latitude},
			"at long ago":           {at(`"lat":0,"lng":0,"at":1e12`), "i", waggle.CodeStale, "at is older than 60 seconds: set your clock by now"},
			"at before 1970":        {at(`"lat":0,"lng":0,"at":-1`), "i", invalid, "at must be an integer from 0 to 9007199254740991"},
			"lng above 180":         {at(`"lat":0,"lng":180.0001`), "i", invalid, longitude},
			"lng below -180":        {at(`"lat":0,"lng":-181`), "i", invalid, longitude},
			"nested 33 deep":        {`{"action":"ping","x":` + nested(33) + `}`, "", invalid, tooDeep},
			"nested 8000 deep":      {`{"action":"ping","x":` + nested(8000) + `}`, "", invalid, tooDeep},
			"unclosed brackets":     {strings.Repeat("[", 16384), "", invalid, notJSON},
			"unclosed objects":      {strings.Repeat(`{"action":`, 1600), "", invalid, notJSON},
			"a key twice":           {at(`"lat":1,"lng":2,"lat":3`), "i", invalid, `the key "lat" is there more than once: it may be there once`},
			"an escaped key twice":  {at(`"lat":1,"lng":2,"l\u0061t":3`), "i", invalid, `the key "lat" is there more than once: it may be there once`},
			"action twice":          {`{"action":"ping","action":"hello","id":"i"}`, "i", invalid, `the key "action" is there more than once: it may be there once`},
			"no action":             {`{"id":"i"}`, "i", unknown, noAction},
			"a number for action":   {`{"action":1,"id":"i"}`, "i", unknown, noAction},
			"unknown action":        {`{"action":"dance","id":"i"}`, "i", unknown, noSuchAction("dance")},
			"action in other case":  {`{"action":"Ping","id":"i"}`, "i", unknown, noSuchAction("Ping")},
			"action in capitals":    {`{"action":"LOCATION","id":"i","lat":1,"lng":2}`, "i", unknown, noSuchAction("LOCATION")},
			"key in other case":     {`{"Action":"ping","id":"i"}`, "i", unknown, noAction},
			"action with a blank":   {`{"action":"ping ","id":"i"}`, "i", unknown, noSuchAction("ping ")},
			"the route $connect":    {`{"action":"$connect","id":"i"}`, "i", unknown, noSuchAction("$connect")},
			"the route $disconnect": {`{"action":"$disconnect","id":"i"}`, "i", unknown, noSuchAction("$disconnect")},
			"the route $default":    {`{"action":"$default","id":"i"}`, "i", unknown, noSuchAction("$default")},
			"17 KB":                 {`{"action":"ping","id":"i","x":"` + strings.Repeat("x", 17<<10) + `"}`, "", waggle.CodeTooLarge, tooLarge},
		} {
			t.Run(name, func(t *testing.T) {
				ana := &rawConn{t, ana.ws}
				ana.sendText(test.text)
				ana.wantError(test.code, test.id, test.message)
				ana.stillWorks()
			})
		}
		s.stillWorks()
	})
}

// The gateway closes these connections; no function gets the frames.
func TestFramesThatCloseAConnection(t *testing.T) {
	s := runStack(t)
	kb := func(n int) string { return strings.Repeat("x", n<<10) }
	for name, test := range map[string]struct {
		kind   websocket.MessageType
		parts  []string
		code   websocket.StatusCode
		reason string
	}{
		"40 KB in one frame":    {websocket.MessageText, []string{kb(40)}, websocket.StatusMessageTooBig, "Frame is over 32 KB"},
		"130 KB in one frame":   {websocket.MessageText, []string{kb(130)}, websocket.StatusMessageTooBig, "Frame is over 32 KB"},
		"130 KB in five frames": {websocket.MessageText, []string{kb(26), kb(26), kb(26), kb(26), kb(26)}, websocket.StatusMessageTooBig, "Message is over 128 KB"},
		"binary":                {websocket.MessageBinary, []string{`{"action":"ping"}`}, websocket.StatusUnsupportedData, "Binary frames are not supported"},
		"text that is no UTF-8": {websocket.MessageText, []string{"{\"action\":\"ping\",\"id\":\"\xff\"}"}, websocket.StatusInvalidFramePayloadData, "Text is not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			ana := &rawConn{t, s.dial("ana").ws}
			ana.send(test.kind, test.parts...)
			ana.wantClosed(test.code, test.reason)
			s.dial("ana").stillWorks()
		})
	}
	s.stillWorks()
}

func TestLargeMessagesInSmallFrames(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		s := runStack(t, append(runtime, "-pools", unlimitedPools(t))...)
		for name, parts := range map[string][]string{
			"40 KB in two frames":   {strings.Repeat("x", 20<<10), strings.Repeat("x", 20<<10)},
			"128 KB in four frames": {strings.Repeat("x", 32<<10), strings.Repeat("x", 32<<10), strings.Repeat("x", 32<<10), strings.Repeat("x", 32<<10)},
		} {
			t.Run(name, func(t *testing.T) {
				ana := &rawConn{t, s.dial("ana").ws}
				ana.send(websocket.MessageText, parts...)
				ana.wantError(waggle.CodeTooLarge, "", tooLarge)
				ana.stillWorks()
			})
		}
		s.stillWorks()
	})
}

// The limits are exactly those that the error messages state.
func TestWhatIsJustAllowed(t *testing.T) {
	eachStack(t, func(t *testing.T, s *testStack) {
		ana := s.dial("ana")
		for name, text := range map[string]string{
			"16 KB":                at(`"lat":1,"lng":2,"x":"` + strings.Repeat("x", 16384-len(at(`"lat":1,"lng":2,"x":""`))) + `"`),
			"nested 32 deep":       at(`"lat":1,"lng":2,"x":` + strings.Repeat("[", 31) + strings.Repeat("]", 31)),
			"lat 85":               at(`"lat":85,"lng":0`),
			"lat -85":              at(`"lat":-85,"lng":0`),
			"lng 180":              at(`"lat":0,"lng":180`),
			"lng -180":             at(`"lat":0,"lng":-180`),
			"unknown fields":       at(`"lat":0,"lng":0,"Lat":"x","colour":{"a":[null]}`),
			"unknown as -1":        at(`"lat":0,"lng":0,"accuracy":-1,"heading":-1,"speed":-1`),
			"unknown as null":      at(`"lat":0,"lng":0,"at":null,"seq":null,"accuracy":null,"heading":null,"speed":null,"available":null,"tags":null`),
			"a heading of 360":     at(`"lat":0,"lng":0,"heading":360`),
			"nearly zero":          at(`"lat":-0.0,"lng":1e-300`),
			"a number in exponent": at(`"lat":0.85e2,"lng":-1.8E2`),
		} {
			t.Run(name, func(t *testing.T) {
				ana := &rawConn{t, ana.ws}
				ana.sendText(text)
				if a, ok := ana.receive().(*waggle.Ack); !ok || a.ID != "i" {
					t.Errorf("got %+v, want an ack", a)
				}
				ana.stillWorks()
			})
		}
		s.stillWorks()
	}, "-pools", unlimitedPools(t))
}
