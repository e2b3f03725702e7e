package invariants_test

import (
	"fmt"
	"sync"
	"testing"

	"waggle/internal/handler"
	"waggle/internal/protocol"
	"waggle/test/kit"
)

// TestRule5OrderedChoices: a member reports and goes on a break right after it. Both messages are
// without a time, may arrive in one millisecond, and are served in any order or at once. It is on
// its break.
func TestRule5OrderedChoices(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		random := kit.Random(t, 6)
		const place = `"lat":37.7749,"lng":-122.4194`
		for n := range 150 {
			ben := be.join(fmt.Sprint("ben", n))
			ben.send("location", place)
			first := []string{place, place + `,"available":true`}[n%2]
			events := []handler.Event{ben.event("location", `{"action":"location",`+first+`}`),
				ben.event("location", `{"action":"location",`+place+`,"available":false}`)}
			events[1].RequestContext.RequestTimeEpoch = events[0].RequestContext.RequestTimeEpoch + int64(n/2%2)
			var all sync.WaitGroup
			for _, i := range random.Perm(2) {
				serve := func() { _, _ = be.app.Handle(t.Context(), events[i]) }
				if n/4%2 == 0 {
					all.Go(serve)
				} else {
					serve()
				}
			}
			all.Wait()
			if got := be.findAt(37.7749, -122.4194); got != "" {
				t.Fatalf("try %d: found %q on its break", n, got)
			}
		}
	})
}

// TestRule5OrderedInAnyOrderOfArrival sends the same reports in any order, one after the
// other and all at once. The clocks are right, behind, ahead or stopped, or seq starts
// anew. In the end the newest report counts in the record and in the index, and the
// matcher saw the reports in order.
func TestRule5OrderedInAnyOrderOfArrival(t *testing.T) {
	type report struct {
		at  int64
		seq int
	}
	clocks := map[string]func(i int) report{
		"right":                      func(i int) report { return report{int64(i), 0} },
		"behind":                     func(i int) report { return report{int64(i) - 40_000, 0} },
		"ahead":                      func(i int) report { return report{int64(i) + 25_000, 0} },
		"stopped":                    func(i int) report { return report{0, i} },
		"right, but seq starts anew": func(i int) report { return report{int64(i / 4), i % 4} },
	}
	const reports = 12
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		random := kit.Random(t, 5)
		place := func(i int) (float64, float64) { return 37.7749 + 0.012*float64(i), -122.4194 } // each in another shard
		for name, clock := range clocks {
			for _, together := range []bool{false, true} {
				for _, watched := range []bool{false, true} {
					be.flush()
					what := fmt.Sprintf("clock %s, all at once %v, watched %v", name, together, watched)
					ana, ben := be.join("ana"), be.join("ben")
					now := be.now().UnixMilli()
					send := func(i int) {
						r, lat, lng := clock(i), 0.0, 0.0
						lat, lng = place(i)
						ben.send("location", fmt.Sprintf(`"id":"r%d","lat":%v,"lng":%v,"at":%d,"seq":%d`, i, lat, lng, now+r.at, r.seq))
					}
					send(0)
					if watched {
						ana.send("match", `"lat":37.7749,"lng":-122.4194,"radius":20000`)
						want[*protocol.Matched](ana)
					}
					ana.take()
					var all sync.WaitGroup
					for _, i := range random.Perm(reports - 1) {
						if together {
							all.Go(func() { send(i + 1) })
						} else {
							send(i + 1)
						}
					}
					all.Wait()
					newest := clock(reports - 1)
					if watched {
						if !together { // pushes at the same time arrive in any order
							be.checkOrdered(what, ana)
						}
						ana.send("locate", "")
						l := want[*protocol.LocationFrame](ana)
						if lat, _ := place(reports - 1); l.Lat != lat || l.At != now+newest.at || l.Seq != int64(newest.seq) {
							t.Errorf("%s: the record has %+v, want the last of %d", what, l, reports)
						}
						continue
					}
					for i := range reports {
						lat, lng := place(i)
						if got := be.findAt(lat, lng); (got == "ben") != (i == reports-1) {
							t.Errorf("%s: at place %d %q was found", what, i, got)
						}
					}
				}
			}
		}
	})
}

// checkOrdered wants each location that the watcher was shown to be newer than the one
// before.
func (be *backend) checkOrdered(what string, watcher *client) {
	be.t.Helper()
	var before *protocol.LocationFrame
	for _, f := range watcher.take() {
		l, ok := f.(*protocol.LocationFrame)
		if !ok {
			continue
		}
		if before != nil && (l.At < before.At || l.At == before.At && l.Seq <= before.Seq) {
			be.t.Errorf("%s: shown %d, %d after %d, %d", what, l.At, l.Seq, before.At, before.Seq)
		}
		before = l
	}
	if before == nil {
		be.t.Errorf("%s: the watcher was shown nothing", what)
	}
}
