package invariants_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// numbers returns every number in a frame, at any depth.
func numbers(f protocol.Frame) (all []float64) {
	var v any
	if err := json.Unmarshal(protocol.Encode(f), &v); err != nil {
		return []float64{math.NaN()}
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case float64:
			all = append(all, v)
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return all
}

// noPosition wants no coordinate of the places in any frame, to within some ten metres.
func noPosition(t *testing.T, what string, frames []protocol.Frame, places ...geo.Point) {
	t.Helper()
	if len(frames) == 0 {
		t.Errorf("%s: no frame was sent, so this shows nothing", what)
	}
	for _, f := range frames {
		for _, n := range numbers(f) {
			for _, p := range places {
				if !(math.Abs(n-p.Lat) > 1e-4) || !(math.Abs(n-p.Lng) > 1e-4) {
					t.Errorf("%s: %s shows %v", what, protocol.Encode(f), p)
				}
			}
		}
	}
}

// TestRule7Private: before a match and after its end nobody learns where another member
// is. In the match the matchee learns only the point of the request.
func TestRule7Private(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		anaHome, anaMoved := geo.Point{Lat: 37.7712345, Lng: -122.4112345}, geo.Point{Lat: 37.7723456, Lng: -122.4123456}
		benHome, benMoved, benLater := geo.Point{Lat: 37.7734567, Lng: -122.4134567}, geo.Point{Lat: 37.7745678, Lng: -122.4145678},
			geo.Point{Lat: 37.7756789, Lng: -122.4156789}
		meeting := geo.Point{Lat: 37.7667891, Lng: -122.4067891}

		ana, ben, eve := be.join("ana"), be.join("ben"), be.join("eve")
		ana.at(anaHome.Lat, anaHome.Lng)
		eve.send("match", fmt.Sprintf(`"id":"e","lat":%v,"lng":%v,"tags":["tall"],"wait":300`, benHome.Lat+0.001, benHome.Lng))
		ben.at(benHome.Lat, benHome.Lng, `"tags":["calm"]`)
		ana.send("match", `"id":"n","radius":100`) // nobody is so near
		ana.send("match", `"id":"w","tags":["tall"],"wait":300`)
		ana.send("hello", "")
		ana.send("locate", "")
		ana.send("cancel", "")
		noPosition(t, "before a match", ana.sent(), benHome)
		ben.send("hello", "")
		ben.send("locate", "")
		noPosition(t, "before a match", ben.sent(), anaHome)

		// The point of ana's request is not where ana is.
		ana.send("match", fmt.Sprintf(`"id":"m","lat":%v,"lng":%v`, meeting.Lat, meeting.Lng))
		id := want[*protocol.Matched](ana).Match
		ana.report(anaMoved.Lat, anaMoved.Lng)
		seen := len(ben.sent())
		ana.report(anaHome.Lat, anaHome.Lng)
		if got := ben.sent()[seen:]; len(got) != 0 {
			t.Errorf("the matcher's move was shown to the matchee: %v", got)
		}
		ben.report(benMoved.Lat, benMoved.Lng)
		ben.send("hello", "")
		ben.send("locate", "")
		ben.send("match", `"id":"x"`)
		if l := want[*protocol.Matched](ben); l.Peer.Lat != meeting.Lat {
			t.Errorf("the matchee was shown %+v, want the point of the request", l.Peer)
		}
		noPosition(t, "the matchee in a match", ben.sent(), anaHome, anaMoved)
		noPosition(t, "a third member", eve.sent(), anaHome, anaMoved, benMoved)

		// The end, and a report after it.
		ana.send("end", `"match":"`+id+`"`)
		seen = len(ana.sent())
		ben.report(benLater.Lat, benLater.Lng)
		ana.send("locate", "")
		ana.send("hello", "")
		ana.send("match", `"id":"m"`)
		ana.send("end", `"match":"`+id+`"`)
		noPosition(t, "after the end", ana.sent()[seen:], benHome, benMoved, benLater)
		seen = len(ben.sent())
		ben.send("locate", "")
		ben.send("hello", "")
		ben.send("end", `"match":"`+id+`"`)
		noPosition(t, "after the end", ben.sent()[seen:], anaHome, anaMoved, meeting)

		// A report of the matchee that the end overtakes, at any of its trips.
		for n, more := 0, true; more; n++ {
			ben.report(benHome.Lat, benHome.Lng)
			ana.send("match", fmt.Sprintf(`"id":"m%d","lat":%v,"lng":%v`, n, benHome.Lat, benHome.Lng))
			id := want[*protocol.Matched](ana).Match
			var then int
			more = be.between(n, func() { ben.report(benLater.Lat, benLater.Lng) }, func() {
				ben.send("end", `"match":"`+id+`"`)
				ana.send("hello", "")
				then = len(ana.sent())
			})
			ana.send("hello", "")
			noPosition(t, fmt.Sprintf("a report overtaken at trip %d", n), ana.sent()[then:], benLater)
		}
	})
}

// TestRule7PrivateInTheLog: the log has no token and no position, at its lowest level and
// after failures of every kind.
func TestRule7PrivateInTheLog(t *testing.T) {
	onEach(t, "", func(t *testing.T, be *backend) {
		scenes := 0
		for _, o := range operations() {
			for n := range 6 {
				for _, f := range []fault{dies, loses, misses} {
					be.flush()
					scenes++
					s := be.newScene(fmt.Sprint("log-", scenes))
					o.prepare(s)
					be.withFault(n, f, func() { o.fault(s) })
					s.a.send("location", `"lat":37.7712345,"lng":"west","id":"wrong"`)
					s.a.send("location", `"lat":37.7712345,"lng":-122.4112345,"at":1`)
					s.a.send("match", `"lat":37.7712345,"lng":-122.4112345,"radius":30000`)
				}
			}
		}
		text := be.log.text()
		if strings.Count(text, "level=ERROR") < 20 {
			t.Errorf("%d errors were logged: too few to show anything", strings.Count(text, "level=ERROR"))
		}
		for _, secret := range []string{"37.7", "122.3", "122.4", tokenText, `"ben"`} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("the log has %q: %s", secret, text[max(0, i-200):min(len(text), i+200)])
			}
		}
	})
}

// TestRule7PrivateWithShare: a matcher that shares its moves shows them to its matchee, while the
// match is active and not longer.
func TestRule7PrivateWithShare(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		home, before, moved, later, last := geo.Point{Lat: 37.7712345, Lng: -122.4112345}, geo.Point{Lat: 37.7723456, Lng: -122.4123456},
			geo.Point{Lat: 37.7734567, Lng: -122.4134567}, geo.Point{Lat: 37.7745678, Lng: -122.4145678}, geo.Point{Lat: 37.7756789, Lng: -122.4156789}
		meeting := geo.Point{Lat: 37.7667891, Lng: -122.4067891}
		ana, ben, eve := be.join("ana"), be.join("ben"), be.join("eve")
		ana.at(home.Lat, home.Lng)
		ana.send("match", fmt.Sprintf(`"id":"m","share":true,"wait":300,"lat":%v,"lng":%v`, meeting.Lat, meeting.Lng))
		want[*protocol.Waiting](ana)
		ana.report(before.Lat, before.Lng)
		ben.report(37.7667, -122.4067)
		m := want[*protocol.Matched](ben)
		if m.Peer.Lat != meeting.Lat {
			t.Errorf("the matchee was shown %+v at first, want the point of the request", m.Peer)
		}
		noPosition(t, "before the match", ben.sent(), home, before)

		shown := func(p geo.Point) {
			t.Helper()
			if f := want[*protocol.LocationFrame](ben); f.Match != m.Match || f.ID != "" || f.Lat != p.Lat || f.Lng != p.Lng {
				t.Errorf("the matchee was shown %+v, want %v", f, p)
			}
			ben.send("locate", `"id":"l"`)
			if f := want[*protocol.LocationFrame](ben); f.ID != "l" || f.Lat != p.Lat || f.Lng != p.Lng {
				t.Errorf("the matchee located %+v, want %v", f, p)
			}
			if w := ben.hello(); w.Match == nil || w.Match.Peer.Lat != p.Lat || w.Match.Peer.Distance != m.Peer.Distance {
				t.Errorf("the matchee resumed with %+v, want %v and the distance %g", w.Match, p, m.Peer.Distance)
			}
		}
		ben.take()
		ana.report(moved.Lat, moved.Lng)
		shown(moved)
		ana, ben = ana.reconnect(), ben.reconnect()
		ana.hello()
		ana.report(later.Lat, later.Lng)
		shown(later)
		ana.disconnect()
		ben.send("locate", "")
		if f := want[*protocol.LocationFrame](ben); f.Lat != meeting.Lat {
			t.Errorf("the matchee located %+v, want the point of the request while the matcher is away", f)
		}
		ana = ana.reconnect()

		ben.send("end", `"match":"`+m.Match+`"`)
		seen := len(ben.sent())
		ana.report(last.Lat, last.Lng)
		ben.send("locate", "")
		ben.hello()
		ben.send("end", `"match":"`+m.Match+`"`)
		noPosition(t, "after the end", ben.sent()[seen:], home, before, moved, later, last)
		noPosition(t, "a third member", append(eve.sent(), &protocol.Pong{}), home, before, moved, later, last)

		// A report of the matcher that the end overtakes, at any of its trips.
		for _, byMatcher := range []bool{true, false} {
			for n, more := 0, true; more; n++ {
				ben.report(meeting.Lat, meeting.Lng)
				ana.report(meeting.Lat, meeting.Lng)
				ana.send("match", fmt.Sprintf(`"id":"m%d%t","share":true`, n, byMatcher))
				id := want[*protocol.Matched](ana).Match
				var then int
				more = be.between(n, func() { ana.report(last.Lat, last.Lng) }, func() {
					if byMatcher {
						ana.send("end", `"match":"`+id+`"`)
					} else {
						ben.send("end", `"match":"`+id+`"`)
					}
					want[*protocol.Ended](ben)
					then = len(ben.sent())
				})
				ben.hello()
				noPosition(t, fmt.Sprintf("a report overtaken at trip %d", n), ben.sent()[then:], last)
			}
		}

		// The next match is without share: the choice was that of the request.
		ben.report(meeting.Lat, meeting.Lng)
		ana.report(meeting.Lat, meeting.Lng)
		ana.send("match", `"id":"without"`)
		want[*protocol.Matched](ben)
		seen = len(ben.sent())
		ana.report(last.Lat, last.Lng)
		ben.send("locate", "")
		noPosition(t, "the next match, without share", ben.sent()[seen:], last)
	})
}
