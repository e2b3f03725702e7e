package invariants_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"waggle/internal/protocol"
)

// A phone's bad fix must neither list its member elsewhere nor reach the matcher who follows it.
func TestAPositionThatCannotBeRightIsNotTaken(t *testing.T) {
	onEach(t, "{}", func(t *testing.T, be *backend) {
		const far = lat + 40
		ben := be.join("ben")
		report := func(why string, at float64, more ...string) {
			t.Helper()
			ben.send("location", strings.Join(append(more, fmt.Sprintf(`"id":"i","lat":%v,"lng":%v`, at, lng)), ","))
			if a := want[*protocol.Ack](ben); a.Position != why {
				t.Errorf("%+v: want the position %q", a, why)
			}
		}
		found := func(at float64, want string) {
			t.Helper()
			if got := be.findAt(at, lng); got != want {
				t.Errorf("found %q at %v, want %q", got, at, want)
			}
		}
		report("inaccurate", lat, `"accuracy":80000`)
		found(lat, "")
		report("", lat, `"accuracy":500`)
		be.advance(time.Second)
		report("inaccurate", far, `"accuracy":80000`)
		report("jump", far)
		found(far, "")
		found(lat, "ben")
		be.advance(time.Second)
		report("", far+0.001)
		found(lat, "")
		found(far, "ben")

		ana := be.join("ana")
		ana.at(far, lng)
		ana.send("match", "")
		want[*protocol.Matched](ana)
		ben.take()
		report("jump", lat)
		if frames := ana.take(); len(frames) > 0 {
			t.Errorf("the matcher got %v", frames)
		}
		ana.send("locate", "")
		if f := want[*protocol.LocationFrame](ana); f.Lat != far+0.001 {
			t.Errorf("%+v: want the last good position", f)
		}
	})
}
