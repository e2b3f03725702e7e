package invariants_test

import (
	"fmt"
	"testing"
	"time"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// refusals are the reports that must change nothing after a report of that time with seq
// 5.
func refusals(now time.Time, at int64) []refusal {
	return []refusal{
		{"late", fmt.Sprintf(`"at":%d`, at-1), ""},
		{"late, though its seq is higher", fmt.Sprintf(`"at":%d,"seq":99`, at-1), ""},
		{"equal", fmt.Sprintf(`"at":%d,"seq":5`, at), ""},
		{"of the same time with a lower seq", fmt.Sprintf(`"at":%d,"seq":4`, at), ""},
		{"of the same time without seq", fmt.Sprintf(`"at":%d`, at), ""},
		{"older than the TTL", fmt.Sprintf(`"at":%d`, now.Add(-61*time.Second).UnixMilli()), protocol.CodeStale},
		{"from the beginning of time", `"at":0`, protocol.CodeStale},
	}
}

type refusal struct {
	name, fields string
	code         protocol.Code // "" for an ack
}

// TestRule5Ordered: a refused report changes neither the index nor the record, and is not
// shown to the matcher.
func TestRule5Ordered(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		home := geo.Point{Lat: 37.7749, Lng: -122.4194}
		places := map[string]geo.Point{"the same shard": {Lat: 37.7829, Lng: -122.4194}, "another shard": {Lat: 37.9, Lng: -122.4194}}
		if geo.ShardCell(home) != geo.ShardCell(places["the same shard"]) || geo.ShardCell(home) == geo.ShardCell(places["another shard"]) {
			t.Fatal("the places are in other shards than they should be")
		}
		for where, place := range places {
			for i := range refusals(be.now(), 0) {
				for _, watched := range []bool{false, true} {
					be.flush()
					ana, ben := be.join("ana"), be.join("ben")
					at := be.now().UnixMilli()
					ben.at(home.Lat, home.Lng, fmt.Sprintf(`"at":%d`, at), `"seq":5`)
					if watched {
						ana.send("match", fmt.Sprintf(`"lat":%v,"lng":%v`, home.Lat, home.Lng))
						want[*protocol.Matched](ana)
					}
					r := refusals(be.now(), at)[i]
					what := fmt.Sprintf("a report %s, from %s, watched %v", r.name, where, watched)
					ben.take()
					ben.send("location", fmt.Sprintf(`"id":"r","lat":%v,"lng":%v,%s`, place.Lat, place.Lng, r.fields))
					if r.code == "" {
						want[*protocol.Ack](ben)
					} else if e := ben.wantError(r.code); e.ID != "r" || e.Now < at || e.Now > be.now().UnixMilli() {
						t.Errorf("%s: refused with %+v, want the current time", what, e)
					}
					if watched {
						if l, ok := last[*protocol.LocationFrame](ana); ok {
							t.Errorf("%s was shown: %+v", what, l)
						}
						ana.send("locate", "")
						if l := want[*protocol.LocationFrame](ana); l.Lat != home.Lat || l.At != at || l.Seq != 5 {
							t.Errorf("%s changed the record: %+v", what, l)
						}
						continue
					}
					if got := be.findAt(place.Lat, place.Lng); got != "" {
						t.Errorf("%s: %s is found at the place of the refused report", what, got)
					}
					if got := be.findAt(home.Lat, home.Lng); got != "ben" {
						t.Errorf("%s: ben is not found at the place of its last report", what)
					}
				}
			}
		}
	})
}

// TestRule5OrderedBeyondTheRate: a report beyond the rate changes nothing either.
func TestRule5OrderedBeyondTheRate(t *testing.T) {
	onEach(t, `{"pools":{"default":{"reportsPerSecond":0.01,"reportsBurst":3,"requestsPerMinute":1000,"matchesPerHour":1000}}}`,
		func(t *testing.T, be *backend) {
			ana, ben := be.join("ana"), be.join("ben")
			place := func(i int) (float64, float64) { return 37.77 + 0.006*float64(i), -122.4194 }
			for i := range 5 {
				lat, lng := place(i)
				ben.report(lat, lng, `"id":"r"`)
				if i < 3 {
					want[*protocol.Ack](ben)
				} else {
					ben.wantError(protocol.CodeRateLimited)
				}
			}
			for i, name := range []string{"", "", "ben", "", ""} {
				if got := be.findAt(place(i)); got != name {
					t.Errorf("at place %d %q was found, want %q", i, got, name)
				}
			}
			lat, lng := place(2)
			ana.send("match", fmt.Sprintf(`"lat":%v,"lng":%v`, lat, lng))
			if m := want[*protocol.Matched](ana); m.Peer.Lat != lat {
				t.Fatalf("%+v", m)
			}
			ben.report(place(4))
			ben.wantError(protocol.CodeRateLimited)
			if l, ok := last[*protocol.LocationFrame](ana); ok {
				t.Errorf("a report beyond the rate was shown: %+v", l)
			}
			ana.send("locate", "")
			if l := want[*protocol.LocationFrame](ana); l.Lat != lat {
				t.Errorf("a report beyond the rate changed the record: %+v", l)
			}
		})
}

// TestRule5OrderedNewerReports: newer reports are accepted, and shown in order.
func TestRule5OrderedNewerReports(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana, ben := be.join("ana"), be.join("ben")
		ben.at(37.7749, -122.4194)
		ana.send("match", `"lat":37.7749,"lng":-122.4194`)
		want[*protocol.Matched](ana)
		report := func(lat float64, fields string) *protocol.LocationFrame {
			t.Helper()
			ana.take()
			ben.send("location", fmt.Sprintf(`"lat":%v,"lng":-122.4194,%s`, lat, fields))
			l := want[*protocol.LocationFrame](ana)
			if l.Lat != lat {
				t.Errorf("shown %+v, want %v", l, lat)
			}
			return l
		}
		be.advance(time.Second)
		at := be.now().UnixMilli()
		report(37.775, fmt.Sprintf(`"at":%d,"seq":1`, at))
		report(37.776, fmt.Sprintf(`"at":%d,"seq":2`, at))
		report(37.777, fmt.Sprintf(`"at":%d`, at+1))
		be.advance(5 * time.Second)
		before := be.now().UnixMilli()
		if l := report(37.778, fmt.Sprintf(`"at":%d`, be.now().Add(time.Minute).UnixMilli())); l.At < before || l.At > be.now().UnixMilli() {
			t.Errorf("a report from a minute ahead is dated %d, want its arrival, %d", l.At, before)
		}
		be.advance(time.Second)
		report(37.779, `"seq":0`) // it does not count as late because of that
		ahead := be.now().Add(20 * time.Second).UnixMilli()
		if l := report(37.780, fmt.Sprintf(`"at":%d`, ahead)); l.At != ahead {
			t.Errorf("a report from 20 s ahead is dated %d, want %d", l.At, ahead)
		}
	})
}
