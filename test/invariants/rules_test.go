package invariants_test

import (
	"testing"

	"waggle/internal/protocol"
)

func TestTwoMembersFindEachOther(t *testing.T) {
	onEach(t, "", func(t *testing.T, w *world) {
		ana, ben := w.join("ana"), w.join("ben")
		ana.at(37.7749, -122.4194)
		ben.at(37.7759, -122.4194)
		ana.send("match", `"id":"m1","radius":3000`)
		m := want[*protocol.Matched](ana)
		if m.ID != "m1" || m.Role != "matcher" {
			t.Fatalf("%+v", m)
		}
		b := want[*protocol.Matched](ben)
		if b.Match != m.Match || b.Role != "matchee" {
			t.Fatalf("%+v", b)
		}
		ben.at(37.7769, -122.4194)
		l := want[*protocol.LocationFrame](ana)
		if l.Lat != 37.7769 {
			t.Fatalf("%+v", l)
		}
		ben.send("end", `"match":"`+m.Match+`"`)
		want[*protocol.Ended](ana)
		want[*protocol.Ended](ben)
		ana.send("match", `"id":"m2","radius":3000`)
		want[*protocol.Matched](ana)
	})
}
