package invariants_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/protocol"
	"waggle/internal/token"
)

// findAt searches at a place, as a new member that cannot be found itself. It returns the
// name of the member that it found within 500 m, "" if none. Then it ends the match.
func (be *backend) findAt(lat, lng float64) string {
	be.t.Helper()
	c := be.newClient(token.Identity{Pool: "default", Matcher: true})
	c.id.Member = "probe" + c.connection
	if status := c.connect(); status != 200 {
		be.t.Fatalf("connect: status %d", status)
	}
	c.send("match", fmt.Sprintf(`"lat":%s,"lng":%s,"radius":500`, number(lat), number(lng)))
	frames := c.take()
	switch f := frames[len(frames)-1].(type) {
	case *protocol.Matched:
		c.send("end", `"match":"`+f.Match+`"`)
		return string(f.Peer.Card[1 : len(f.Peer.Card)-1])
	case *protocol.Offered: // who is asked is not said
		c.send("cancel", "")
		return "somebody"
	case *protocol.NoMatch:
		return ""
	}
	be.t.Fatalf("a search got neither matched nor no_match: %s", c.all())
	return ""
}

// TestRule4Fresh: nobody is found whose last report was heard longer ago than the TTL, or
// is older than it. Both go by the cache's clock.
func TestRule4Fresh(t *testing.T) {
	const lat, lng = 37.7749, -122.4194
	onEach(t, "", func(t *testing.T, be *backend) {
		check := func(what, want string) {
			t.Helper()
			if got := be.findAt(lat, lng); got != want {
				t.Errorf("%s: found %q, want %q", what, got, want)
			}
		}
		ben := be.join("ben")
		ben.at(lat, lng)
		be.advance(59 * time.Second)
		check("59 s after a report", "ben")
		be.advance(2 * time.Second)
		check("61 s after it", "")
		ben.send("ping", "")
		check("after a ping, which is no report", "")
		ben.at(lat, lng)
		check("after a new report", "ben")

		ben.at(lat, lng, fmt.Sprintf(`"at":%d`, be.now().Add(time.Second).UnixMilli()))
		be.advance(55 * time.Second)
		ben.at(lat, lng, fmt.Sprintf(`"at":%d`, be.now().Add(-50*time.Second).UnixMilli()))
		check("with a report 50 s old", "ben")
		be.advance(11 * time.Second)
		check("with a report 61 s old, heard 11 s ago", "")

		ben.send("match", `"id":"m"`)
		ben.wantError(protocol.CodeConflict) // its own location is stale
	})
}

// TestRule4FreshForWaitingRequests: a waiting request does not find a stale member in its
// cell until that member reports.
func TestRule4FreshForWaitingRequests(t *testing.T) {
	onEach(t, "", func(t *testing.T, be *backend) {
		p, q := acrossEdge(37.7749, -122.4194)
		ana, ben := be.join("ana"), be.join("ben")
		ben.at(q.Lat, q.Lng)
		be.advance(61 * time.Second)
		ana.at(p.Lat, p.Lng)
		ana.send("match", `"id":"m","wait":60`)
		want[*protocol.Waiting](ana)
		ben.send("hello", "")
		if m := ben.hello().Match; m != nil {
			t.Errorf("a member with no fresh report was matched: %+v", m)
		}
		ben.at(q.Lat, q.Lng)
		want[*protocol.Matched](ana)
	})
}

// TestRule4FreshKeysExpire: every key expires, whatever was done.
func TestRule4FreshKeysExpire(t *testing.T) {
	onEach(t, "", func(t *testing.T, be *backend) {
		for i, o := range operations() {
			s := be.newScene(fmt.Sprint("keys-", i))
			s.a.report(s.p.Lat, s.p.Lng, `"tags":["tall"]`)
			be.checkKeysExpire()
			o.prepare(s)
			be.checkKeysExpire()
			o.fault(s)
			be.checkKeysExpire()
			be.advance(16 * time.Second)
			s.a.send("hello", "")
			s.b.send("hello", "")
		}
		if keys := be.checkKeysExpire(); keys < 3*len(operations()) {
			t.Errorf("%d keys are stored: too few to show anything", keys)
		}
	})
}

// TestRule4FreshKeysOutliveTheirEntries: the keys that a report takes its member into live at
// least for as long as the member is to be found.
func TestRule4FreshKeysOutliveTheirEntries(t *testing.T) {
	onEach(t, `{"pools":{"default":{"locationTTL":7200}}}`, func(t *testing.T, be *backend) {
		be.join("ben").at(lat, lng)
		found := 0
		for _, generation := range []string{"0", "1"} {
			for _, kind := range []string{"near", "seen"} {
				key := "w3:" + kind + generation + ":{default/" + string(geo.ShardCell(geo.Point{Lat: lat, Lng: lng})) + "}"
				left, err := be.direct.Do(t.Context(), be.direct.B().Pttl().Key(key).Build()).AsInt64()
				if err == nil && left == -2 {
					continue // no such key
				}
				found++
				if err != nil || left < (2*time.Hour).Milliseconds() || left > (4*time.Hour).Milliseconds() {
					t.Errorf("%s lives for %d ms, %v, want 2 to 4 h", key, left, err)
				}
			}
		}
		if found != 2 {
			t.Errorf("found %d keys of the cell, want 2", found)
		}
	})
}

// checkKeysExpire wants every key to expire. It returns how many keys there are.
func (be *backend) checkKeysExpire() (keys int) {
	be.t.Helper()
	var cursor uint64
	for {
		page, err := be.direct.Do(be.t.Context(), be.direct.B().Scan().Cursor(cursor).Count(1000).Build()).AsScanEntry()
		if err != nil {
			be.t.Fatal(err)
		}
		for _, key := range page.Elements {
			left, err := be.direct.Do(be.t.Context(), be.direct.B().Pttl().Key(key).Build()).AsInt64()
			if err != nil && !valkey.IsValkeyNil(err) {
				be.t.Fatal(err)
			}
			longest := 3 * time.Hour
			if strings.HasPrefix(key, "w3:chosen:") {
				longest = match.ChoiceKept
			}
			if left == -1 || left > longest.Milliseconds() { // 0 is now, and -2 gone meanwhile
				be.t.Errorf("%s expires in %d ms", key, left)
			}
		}
		keys += len(page.Elements)
		if cursor = page.Cursor; cursor == 0 {
			return keys
		}
	}
}

// TestRule4FreshWhenClaimed lets a candidate become stale between the search that saw it
// and the claim.
func TestRule4FreshWhenClaimed(t *testing.T) {
	onEach(t, `{"pools":{"default":{"locationTTL":5}}}`, func(t *testing.T, be *backend) {
		for range 2 { // in the second run the cache knows the scripts
			be.flush()
			ana, ben := be.join("ana"), be.join("ben")
			ben.at(37.7749, -122.4194)
			// The time passes after the search was sent, and before the claim.
			be.between(0, func() { ana.send("match", `"lat":37.7749,"lng":-122.4194`) }, func() { be.advance(6 * time.Second) })
			want[*protocol.NoMatch](ana)

			ben.at(37.7749, -122.4194)
			ana.send("match", `"lat":37.7749,"lng":-122.4194`)
			want[*protocol.Matched](ana)
		}
	})
}
