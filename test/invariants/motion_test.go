package invariants_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/protocol"
)

// TestTheMatcherGetsAllThatTheDeviceKnows of a fix: every field of a Motion is pushed as it
// was reported, and stored for locate.
func TestTheMatcherGetsAllThatTheDeviceKnows(t *testing.T) {
	var known protocol.Motion
	for _, field := range reflect.ValueOf(&known).Elem().Fields() {
		field.Set(reflect.ValueOf(new(1.5)))
	}
	text, err := json.Marshal(known)
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Trim(string(text), "{}")
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana, ben := be.join("ana"), be.join("ben")
		ben.at(lat, lng)
		ana.send("match", `"lat":`+number(lat)+`,"lng":`+number(lng))
		want[*protocol.Matched](ana)
		ben.at(lat, lng, fields)
		pushed := want[*protocol.LocationFrame](ana)
		if diff := cmp.Diff(known, pushed.Motion); diff != "" {
			t.Errorf("the push (-reported +pushed)\n%s", diff)
		}
		ana.send("locate", "")
		if diff := cmp.Diff(known, want[*protocol.LocationFrame](ana).Motion); diff != "" {
			t.Errorf("the answer to locate (-reported +stored)\n%s", diff)
		}
	})
}
