// Package wire holds the Go client's types to the server's: what one side
// writes, the other side reads without losing a field. It has tests only.
package wire

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/clients/go/waggle"
	"waggle/internal/protocol"
)

// Where a field is added on either side.
const (
	clientMessages = "clients/go/waggle/message.go, and write it in encode.go"
	clientFrames   = "clients/go/waggle/frame.go"
	serverMessages = "internal/protocol/message.go"
	serverFrames   = "internal/protocol/frame.go"
)

// A pair is one message or frame as each side has it.
type pair struct{ server, client any }

func messages() []pair {
	return []pair{
		{protocol.Hello{}, waggle.Hello{}},
		{protocol.Ping{}, waggle.Ping{}},
		{protocol.Location{}, waggle.Location{}},
		{protocol.Locate{}, waggle.Locate{}},
		{protocol.Match{}, waggle.Match{}},
		{protocol.Accept{}, waggle.Accept{}},
		{protocol.Decline{}, waggle.Decline{}},
		{protocol.Cancel{}, waggle.Cancel{}},
		{protocol.End{}, waggle.End{}},
		{protocol.Say{}, waggle.Say{}},
		{protocol.Nearby{}, waggle.Nearby{}},
	}
}

func frames() []pair {
	return []pair{
		{protocol.Welcome{}, waggle.Welcome{}},
		{protocol.Pong{}, waggle.Pong{}},
		{protocol.Ack{}, waggle.Ack{}},
		{protocol.Waiting{}, waggle.Waiting{}},
		{protocol.NoMatch{}, waggle.NoMatch{}},
		{protocol.Offered{}, waggle.Offered{}},
		{protocol.Matched{}, waggle.Matched{}},
		{protocol.LocationFrame{}, waggle.LocationFrame{}},
		{protocol.PeerFrame{}, waggle.PeerFrame{}},
		{protocol.Ended{}, waggle.Ended{}},
		{protocol.Said{}, waggle.Said{}},
		{protocol.NearbyFrame{}, waggle.NearbyFrame{}},
		{protocol.Error{}, waggle.ErrorFrame{}},
	}
}

func TestBothSidesHaveTheSameFields(t *testing.T) {
	for _, p := range messages() {
		sameFields(t, p, false, serverMessages, clientMessages)
	}
	for _, p := range frames() {
		sameFields(t, p, true, serverFrames, clientFrames)
	}
	sameFields(t, pair{protocol.Fix{}, waggle.Fix{}}, true, serverMessages, clientMessages)
	sameFields(t, pair{protocol.CellCount{}, waggle.CellCount{}}, true, serverFrames, clientFrames)
}

// sameFields wants two types to have the same fields on the wire.
func sameFields(t *testing.T, p pair, nested bool, serverFile, clientFile string) {
	t.Helper()
	server, client := reflect.TypeOf(p.server), reflect.TypeOf(p.client)
	ours, theirs := fields(server, nested), fields(client, nested)
	for _, field := range slices.Sorted(maps.Keys(ours)) {
		if theirs[field] == "" {
			t.Errorf("%s has the field %s: add it to %s in %s", server, field, client, clientFile)
		} else if ours[field] != theirs[field] {
			t.Errorf("%s of %s is a %s, and a %s in %s: give it one type", field, server, ours[field], theirs[field], client)
		}
	}
	for _, field := range slices.Sorted(maps.Keys(theirs)) {
		if ours[field] == "" {
			t.Errorf("%s has the field %s: add it to %s in %s, or take it out", client, field, server, serverFile)
		}
	}
}

// fields returns the kinds of a struct's fields by their names. The structs in it are
// fields of their own, in the name of their field if they are nested on the wire. A
// frame's field has its JSON tag in its name.
func fields(of reflect.Type, nested bool) map[string]string {
	all := map[string]string{}
	for f := range of.Fields() {
		kind := f.Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		name := f.Name
		if nested {
			name += "(" + f.Tag.Get("json") + ")"
		}
		switch {
		case f.Name == "_":
		case kind.Kind() != reflect.Struct && f.Type.Kind() == reflect.Pointer:
			all[name] = "pointer to " + kind.Kind().String()
		case kind.Kind() != reflect.Struct:
			all[name] = kind.Kind().String()
		default:
			for inner, k := range fields(kind, nested) {
				if nested && !f.Anonymous {
					inner = name + "." + inner
				}
				all[inner] = k
			}
		}
	}
	return all
}

// The tables above name every message and frame of the server, and the client
// knows every code, reason and role.
func TestTheClientHasAllThatTheServerHas(t *testing.T) {
	paired := map[string]bool{}
	for _, p := range append(messages(), frames()...) {
		paired[reflect.TypeOf(p.server).Name()] = true
	}
	types, words := declared(t, "../../internal/protocol")
	_, known := declared(t, "../../clients/go/waggle")
	if len(types) < len(paired) || len(words) == 0 {
		t.Fatalf("found the types %v and the words %v: this test looks in the wrong place", types, words)
	}
	for _, name := range types {
		if !paired[name] {
			t.Errorf("protocol.%s has no pair: give the client this type, and add both to messages or frames above", name)
		}
	}
	for word, name := range words {
		if known[word] == "" {
			t.Errorf("protocol.%s is %q on the wire, and the client has no constant for it: add one to %s", name, word, clientFrames)
		}
	}
}

// declared lists the messages and frames that a package declares, by their
// methods, and the names of its codes, reasons and roles by their values.
func declared(t *testing.T, dir string) (types []string, words map[string]string) {
	t.Helper()
	paths, err := filepath.Glob(dir + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	words = map[string]string{}
	for _, path := range paths {
		if filepath.Base(path) == "verb.go" { // what a back end gets is no client's
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.FuncDecl:
				if node.Recv != nil && (node.Name.Name == "frameType" || node.Name.Name == "MessageID") {
					types = append(types, node.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.Ident).Name)
				}
			case *ast.ValueSpec:
				name := node.Names[0].Name
				if dir == "../../internal/protocol" && !regexp.MustCompile("^(Code|Reason|Role|Position)[A-Z]").MatchString(name) {
					break
				}
				if len(node.Values) == 1 {
					if literal, ok := node.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
						words[strings.Trim(literal.Value, `"`)] = name
					}
				}
			}
			return true
		})
	}
	return types, words
}

func TestTheClientReadsEveryGoldenFrame(t *testing.T) {
	read := map[string]bool{}
	for name, text := range golden(t) {
		var want map[string]any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if want["action"] != nil {
			continue // a message of the client
		}
		frame, err := waggle.DecodeFrame(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		read[frame.FrameType()] = true
		if unknown, ok := frame.(*waggle.Unknown); ok {
			if unknown.Type != "" || !bytes.Equal(unknown.Raw, text) {
				t.Errorf("%s: got %+v: add the type to %s, and to the list in DecodeFrame", name, unknown, clientFrames)
			}
			continue
		}
		written, err := json.Marshal(frame)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]any{"type": frame.FrameType()}
		if err := json.Unmarshal(written, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s changes when the client reads it: add what is missing to %T in %s (-golden +client):\n%s", name, frame, clientFrames, diff)
		}
	}
	for _, p := range frames() {
		frame := reflect.New(reflect.TypeOf(p.client)).Interface().(waggle.Frame)
		if !read[frame.FrameType()] {
			t.Errorf("no golden frame of type %q: add one to internal/protocol/testdata", frame.FrameType())
		}
	}
}

// motion has every field set.
func motion() (m waggle.Motion) {
	i := 1.5
	for _, v := range reflect.ValueOf(&m).Elem().Fields() {
		v.Set(reflect.ValueOf(new(i)))
		i++
	}
	return m
}

// The messages have every field set, so that none is left out on the way.
func TestTheServerAcceptsEveryMessageOfTheClient(t *testing.T) {
	for _, full := range []struct {
		action string
		client waggle.Message
	}{
		{protocol.ActionHello, &waggle.Hello{ID: "i"}},
		{protocol.ActionPing, &waggle.Ping{ID: "i"}},
		{protocol.ActionLocation, &waggle.Location{
			ID: "i", Lat: 37.7749, Lng: -122.4194, At: new(int64(1795396500000)), Seq: 7, Motion: motion(),
			Points:    []waggle.Fix{{Lat: 1, Lng: 2, At: 3, Seq: 4, Motion: motion()}, {Lat: 37.7749, Lng: -122.4194, At: 1795396500000, Seq: 7, Motion: motion()}},
			Available: new(true), Tags: &[]string{"bike", "xl"},
		}},
		{protocol.ActionLocate, &waggle.Locate{ID: "i"}},
		{protocol.ActionMatch, &waggle.Match{ID: "i", Radius: 2000, Point: &waggle.Point{Lat: 1, Lng: 2}, Tags: []string{"xl"}, Wait: 60, WidenTo: 5000, WidenSeconds: 40, Share: true, Confirm: 15, Avoid: []string{"m1"}}},
		{protocol.ActionAccept, &waggle.Accept{ID: "i", Match: "m"}},
		{protocol.ActionDecline, &waggle.Decline{ID: "i", Match: "m"}},
		{protocol.ActionCancel, &waggle.Cancel{ID: "i", Request: "r"}},
		{protocol.ActionEnd, &waggle.End{ID: "i", Match: "m", Reason: waggle.Cancelled}},
		{protocol.ActionNearby, &waggle.Nearby{ID: "i"}},
		{protocol.ActionSay, &waggle.Say{ID: "i", Match: "m", Data: json.RawMessage(`{"a":[1,"<&>"]}`)}},
	} {
		for f, value := range reflect.ValueOf(full.client).Elem().Fields() {
			if value.IsZero() {
				t.Errorf("this test leaves %s of %T empty: set it above", f.Name, full.client)
			}
		}
		text := waggle.EncodeMessage(full.client)
		message, refused := protocol.Decode(full.action, text)
		if refused != nil {
			t.Errorf("the server refuses %s: %s", text, refused.Message)
			continue
		}
		if diff := cmp.Diff(full.client, toClient(t, message)); diff != "" {
			t.Errorf("%T changes on its way to the server: write it in clients/go/waggle/encode.go, read it in Decode of internal/protocol (-client +server):\n%s",
				full.client, diff)
		}
	}
}

func TestTheServerAcceptsEveryGoldenMessageAsTheClientWritesIt(t *testing.T) {
	for name, text := range golden(t) {
		message, refused := protocol.Decode(action(text), text)
		if refused != nil {
			continue // a frame
		}
		again := decodeAgain(t, message)
		if diff := cmp.Diff(message, again); diff != "" {
			t.Errorf("%s (-golden +client):\n%s", name, diff)
		}
	}
}

// FuzzWhatTheServerAccepts holds that the client can write every message that
// the server accepts.
func FuzzWhatTheServerAccepts(f *testing.F) {
	for _, text := range golden(f) {
		f.Add(action(text), text)
	}
	f.Add("match", []byte(`{"action":"match","lat":-0,"lng":180,"wait":1e2,"tags":["b","a","b"]}`))
	f.Add("say", []byte(`{"action":"say","match":"m","data": [ 1e2, {"a" : null}, "\u2028<&>" ] }`))
	f.Fuzz(func(t *testing.T, route string, text []byte) {
		message, refused := protocol.Decode(route, text)
		if refused != nil {
			return
		}
		if diff := cmp.Diff(message, decodeAgain(t, message)); diff != "" {
			t.Errorf("changed by writing and reading (-before +after):\n%s", diff)
		}
	})
}

// decodeAgain has the client write a message and the server read it.
func decodeAgain(t *testing.T, message protocol.Message) protocol.Message {
	t.Helper()
	text := waggle.EncodeMessage(toClient(t, message))
	again, refused := protocol.Decode(action(text), text)
	if refused != nil {
		t.Fatalf("%+v, written as %s, is refused: %s", message, text, refused.Message)
	}
	return again
}

// toClient returns the client's form of a message, field by field.
func toClient(t *testing.T, message protocol.Message) waggle.Message {
	t.Helper()
	for _, p := range messages() {
		if reflect.PointerTo(reflect.TypeOf(p.server)) != reflect.TypeOf(message) {
			continue
		}
		to := reflect.New(reflect.TypeOf(p.client))
		copyFields(to.Elem(), reflect.ValueOf(message).Elem())
		return to.Interface().(waggle.Message)
	}
	t.Fatalf("%T has no pair: add it to messages above, and the type to %s", message, clientMessages)
	return nil
}

// copyFields copies fields by name. TestBothSidesHaveTheSameFields finds those
// that are missing.
func copyFields(to, from reflect.Value) {
	for f, value := range from.Fields() {
		target := to.FieldByName(f.Name)
		switch {
		case !target.IsValid() && f.Anonymous:
			copyFields(to, value)
		case !target.IsValid():
		case target.Type() == value.Type():
			target.Set(value)
		case value.Kind() == reflect.Struct:
			copyFields(target, value)
		case value.Kind() == reflect.Pointer && !value.IsNil():
			target.Set(reflect.New(target.Type().Elem()))
			copyFields(target.Elem(), value.Elem())
		case value.Kind() == reflect.Slice && !value.IsNil():
			target.Set(reflect.MakeSlice(target.Type(), value.Len(), value.Len()))
			for i := range value.Len() {
				copyFields(target.Index(i), value.Index(i))
			}
		}
	}
}

// golden reads the golden files, white space taken out.
func golden(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("../../internal/protocol/testdata/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	texts := map[string][]byte{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		texts[strings.TrimPrefix(filepath.ToSlash(path), "../../")] = compact.Bytes()
	}
	return texts
}

// action is the route by which API Gateway would send a message, or "".
func action(text []byte) string {
	var m map[string]json.RawMessage // the fields of a struct would match in any case
	var name string
	if json.Unmarshal(text, &m) != nil || json.Unmarshal(m["action"], &name) != nil {
		return ""
	}
	return name
}
