package invariants_test

import (
	"fmt"
	"testing"
	"time"

	"waggle/internal/protocol"
)

func TestWhoIsAvoidedIsNotFound(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana, ben, cem := be.join("ana"), be.join("ben"), be.join("cem")
		ana.at(lat, lng)
		ben.at(lat+0.001, lng)
		ana.send("match", `"id":"r1"`)
		m := want[*protocol.Matched](ana)
		if got := want[*protocol.Matched](ben); got.Match != m.Match {
			t.Fatalf("ben is in %s, ana in %s", got.Match, m.Match)
		}
		ana.send("end", fmt.Sprintf(`"match":%q`, m.Match))
		want[*protocol.Ended](ana)
		want[*protocol.Ended](ben)

		avoid := fmt.Sprintf(`"avoid":["unknown",%q]`, m.Match)
		ana.send("match", `"id":"r2",`+avoid)
		want[*protocol.NoMatch](ana)
		ana.send("match", `"id":"r3","wait":60,`+avoid)
		want[*protocol.Waiting](ana)
		be.advance(time.Second)
		ben.at(lat+0.001, lng)
		for _, f := range append(ana.take(), ben.take()...) {
			if m, ok := f.(*protocol.Matched); ok {
				t.Errorf("the two were matched: %+v", m)
			}
		}
		cem.report(lat+0.003, lng)
		if a, c := want[*protocol.Matched](ana), want[*protocol.Matched](cem); a.Match != c.Match {
			t.Errorf("ana is in %s, cem in %s", a.Match, c.Match)
		}
	})
}
