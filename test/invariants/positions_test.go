package invariants_test

import (
	"fmt"
	"math"
	"slices"
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

// A phone that comes out of a tunnel reports where it was all at once.
func TestSeveralPositionsCountAsOneReportAndReachTheMatcher(t *testing.T) {
	onEach(t, `{"pools":{"default":{"reportsBurst":2,"reportsPerSecond":0.01}}}`, func(t *testing.T, be *backend) {
		ana, ben := be.join("ana"), be.join("ben")
		ana.at(lat, lng)
		ben.at(lat, lng)
		ana.send("match", "")
		want[*protocol.Matched](ana)
		be.advance(51 * time.Second)
		var points []string
		for n := range 100 {
			points = append(points, fmt.Sprintf(`{"lat":%v,"lng":%v,"at":%d}`, number(lat+float64(n+1)/10_000), lng, be.now().UnixMilli()-int64(100-n)*500))
		}
		batch := `"points":[` + strings.Join(points, ",") + "]"
		ben.send("location", batch)
		if a := want[*protocol.Ack](ben); a.Taken == nil || *a.Taken != 100 {
			t.Errorf("%+v: want 100 taken", a)
		}
		f := want[*protocol.LocationFrame](ana)
		if near := func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }; !near(f.Lat, lat+0.01) || len(f.Points) != 99 ||
			!near(f.Points[0].Lat, lat+0.0001) || !near(f.Points[98].Lat, lat+0.0099) {
			t.Errorf("the matcher got %v with %d points before it", f.Lat, len(f.Points))
		}
		ben.send("location", batch)
		if e := ben.wantError(protocol.CodeRateLimited); e.RetryAfter == 0 {
			t.Errorf("%+v", e)
		}
	})
}

// What the peer could not be shown comes with the next push that succeeds, each position once. A
// later match does not get it.
func TestPositionsThatNoPushHasShownComeWithTheNextPush(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana, ben := be.join("ana"), be.join("ben")
		ana.at(lat, lng)
		ben.at(lat, lng)
		ana.send("match", `"share":true`)
		id := want[*protocol.Matched](ana).Match
		move := func(c *client, n int) { c.report(lat+float64(n)/10_000, lng) }
		shown := func(c *client, n int, before ...int) {
			t.Helper()
			f := want[*protocol.LocationFrame](c)
			got := []string{fmt.Sprintf("%.5f", f.Lat)}
			for _, p := range f.Points {
				got = append(got, fmt.Sprintf("%.5f", p.Lat))
			}
			places := []string{fmt.Sprintf("%.5f", lat+float64(n)/10_000)}
			for _, n := range before {
				places = append(places, fmt.Sprintf("%.5f", lat+float64(n)/10_000))
			}
			if !slices.Equal(got, places) {
				t.Errorf("%s was shown %v, want %v", c.id.Member, got, places)
			}
		}
		for _, pair := range [][2]*client{{ben, ana}, {ana, ben}} {
			from, to := pair[0], pair[1]
			move(from, 1)
			shown(to, 1)
			to.refusing(func() { move(from, 2); move(from, 3) })
			move(from, 4)
			shown(to, 4, 2, 3)
			move(from, 5)
			shown(to, 5)
		}
		ana.disconnect()
		move(ben, 6)
		ana = ana.reconnect()
		ana.hello()
		move(ben, 7)
		shown(ana, 7, 6)

		// Nothing of one match is shown in the next, and nothing stays.
		ana.refusing(func() { move(ben, 8) })
		ana.send("end", `"match":"`+id+`"`)
		move(ana, 8)
		ana.send("match", `"id":"next"`)
		want[*protocol.Matched](ana)
		move(ben, 9)
		shown(ana, 9)
	})
}
