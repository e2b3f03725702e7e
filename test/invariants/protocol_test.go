package invariants_test

import (
	"fmt"
	"testing"
	"time"

	"waggle/internal/protocol"
	"waggle/internal/token"
)

// The tests of this file go through docs/protocol.md point by point.

const lat, lng = 37.7749, -122.4194

func TestMatchIsIdempotentByID(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana, ben, cid := be.join("ana"), be.join("ben"), be.join("cid")
		ana.at(lat, lng)
		ana.send("match", `"id":"none"`)
		want[*protocol.NoMatch](ana)
		ben.at(lat, lng)
		ana.send("match", `"id":"none"`)
		if n := want[*protocol.NoMatch](ana); n.ID != "none" || n.Radius != 3000 {
			t.Errorf("a repeat after no_match: %+v", n)
		}
		ana.send("match", `"id":"m"`)
		first := want[*protocol.Matched](ana)
		ana.send("match", `"id":"m"`)
		if m := want[*protocol.Matched](ana); m.Match != first.Match || m.ID != "m" {
			t.Errorf("a repeat in the match: %+v", m)
		}
		ana.send("match", `"id":"other"`)
		if m := want[*protocol.Matched](ana); m.Match != first.Match || m.ID != "other" {
			t.Errorf("another request in a match: %+v", m)
		}
		cid.at(lat, lng)
		ben.send("end", `"match":"`+first.Match+`","reason":"cancelled"`)
		if e := want[*protocol.Ended](ana); e.Match != first.Match || e.ID != "m" || e.Reason != protocol.ReasonCancelled {
			t.Errorf("the matcher was notified of the end by %+v", e)
		}
		for _, id := range []string{"m", "other"} {
			ana.send("match", `"id":"`+id+`"`)
			if e := want[*protocol.Ended](ana); e.ID != id || e.Match != first.Match || e.Reason != protocol.ReasonCancelled {
				t.Errorf("a repeat of %s after the end: %+v", id, e)
			}
		}
		be.advance(9 * time.Minute)
		ana.send("match", `"id":"m"`)
		want[*protocol.Ended](ana)
		be.advance(2 * time.Minute)
		ana.at(lat, lng)
		cid.at(lat, lng)
		ana.send("match", `"id":"m"`)
		if m := want[*protocol.Matched](ana); m.Match == first.Match {
			t.Error("an id was remembered for more than 10 minutes")
		}
	})
}

func TestAMatchWhileWaitingReturnsTheOpenRequest(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana, ben := be.join("ana"), be.join("ben")
		ana.at(lat, lng)
		ana.send("match", `"id":"m","wait":60`)
		first := want[*protocol.Waiting](ana)
		if d := first.ExpiresAt - be.now().Add(time.Minute).UnixMilli(); d < -2000 || d > 0 {
			t.Errorf("a wait of 60 s ends %d ms off", d)
		}
		for _, id := range []string{"m", "n"} {
			ana.send("match", `"wait":600,"id":"`+id+`"`)
			if repeat := want[*protocol.Waiting](ana); repeat.ID != id || repeat.ExpiresAt != first.ExpiresAt {
				t.Errorf("a repeat: %+v, want the request of %+v", repeat, first)
			}
		}
		ben.at(lat, lng)
		m := want[*protocol.Matched](ana)
		for _, id := range []string{"m", "n"} {
			ana.send("match", `"id":"`+id+`"`)
			if repeat := want[*protocol.Matched](ana); repeat.Match != m.Match || repeat.ID != id {
				t.Errorf("a repeat of %s: %+v", id, repeat)
			}
		}
	})
}

func TestAnExpiredRequestEndsWithNoMatch(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana, ben := be.join("ana"), be.join("ben")
		for _, next := range [][2]string{{"ping", ""}, {"hello", ""}, {"location", `"lat":37.7749,"lng":-122.4194`}, {"match", `"id":"m"`}} {
			ana.at(lat, lng)
			ana.send("match", `"id":"m","wait":20,"radius":1500`)
			want[*protocol.Waiting](ana)
			be.advance(21 * time.Second)
			ben.at(lat, lng)
			if _, ok := last[*protocol.Matched](ben); ok {
				t.Fatal("an expired request was served")
			}
			ana.send(next[0], next[1])
			if n := want[*protocol.NoMatch](ana); n.ID != "m" || n.Radius != 1500 {
				t.Errorf("%s: %+v", next[0], n)
			}
			ben.at(lat, lng, `"available":false`)
			ben = ben.reconnect()
			be.advance(11 * time.Minute)
		}
	})
}

func TestCancel(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana, ben := be.join("ana"), be.join("ben")
		ana.at(lat, lng)
		ana.send("cancel", `"id":"c0"`)
		ana.wantError(protocol.CodeNotFound)
		ana.send("match", `"id":"m","wait":60`)
		for _, fields := range []string{`"id":"c1"`, `"id":"c2"`, ""} {
			ana.send("cancel", fields)
			e := want[*protocol.Ended](ana)
			if e.Match != "" || e.Reason != protocol.ReasonCancelled || (fields == "") != (e.ID == "m") {
				t.Errorf("cancel %s: %+v", fields, e)
			}
		}
		ben.at(lat, lng)
		if _, ok := last[*protocol.Matched](ana); ok {
			t.Error("a cancelled request was served")
		}
		ana.send("match", `"id":"m"`)
		if e := want[*protocol.Ended](ana); e.Reason != protocol.ReasonCancelled || e.ID != "m" {
			t.Errorf("a repeat of a cancelled request: %+v", e)
		}
		ana.send("match", `"id":"n"`)
		want[*protocol.Matched](ana)
		for _, c := range []*client{ana, ben} {
			c.send("cancel", "")
			if e := c.wantError(protocol.CodeConflict); e.Retryable {
				t.Error("a cancel in a match is retryable")
			}
		}
	})
}

func TestACancelRefersToTheLastRequest(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana := be.join("ana")
		ana.send("match", `"id":"one","lat":1,"lng":2,"wait":300`)
		want[*protocol.Waiting](ana)
		for range 2 {
			ana.send("cancel", "")
			if f := want[*protocol.Ended](ana); f.ID != "one" || f.Reason != protocol.ReasonCancelled {
				t.Errorf("got %+v, want the first request cancelled", f)
			}
		}
		ana.send("match", `"id":"two","lat":1,"lng":2`)
		want[*protocol.NoMatch](ana)
		ana.send("cancel", "")
		ana.wantError(protocol.CodeNotFound)
	})
}

func TestEnd(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana, ben, eve := be.join("ana"), be.join("ben"), be.join("eve")
		ben.at(lat, lng)
		ana.send("match", `"id":"m","lat":37.7749,"lng":-122.4194`)
		id := want[*protocol.Matched](ana).Match
		end := func(c *client, match string) { c.send("end", `"id":"e","match":"`+match+`"`) }
		end(eve, id)
		other := eve.wantError(protocol.CodeNotFound)
		end(ana, "never")
		if e := ana.wantError(protocol.CodeNotFound); e.Message != other.Message {
			t.Errorf("%q and %q show which matches exist", e.Message, other.Message)
		}
		if ana.hello().Match == nil {
			t.Fatal("a stranger ended the match")
		}
		end(ben, id)
		if e := want[*protocol.Ended](ben); e.ID != "e" || e.Match != id || e.Reason != protocol.ReasonCompleted {
			t.Errorf("the member who ended the match: %+v", e)
		}
		if e := want[*protocol.Ended](ana); e.ID != "m" || e.Match != id || e.Reason != protocol.ReasonCompleted {
			t.Errorf("its peer: %+v", e)
		}
		for _, c := range []*client{ana, ben} {
			c.send("end", `"id":"again","match":"`+id+`","reason":"cancelled"`)
			if e := want[*protocol.Ended](c); e.ID != "again" || e.Reason != protocol.ReasonCompleted {
				t.Errorf("a repeat: %+v, want the reason of the first end", e)
			}
		}
		if _, ok := last[*protocol.Ended](ana); ok {
			t.Error("a repeat notified the peer")
		}
		be.advance(61 * time.Second)
		for _, c := range []*client{ana, ben} {
			end(c, id)
			c.wantError(protocol.CodeNotFound)
		}
	})
}

func TestRolesAndTags(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		rider := be.joinAs(token.Identity{Member: "rider", Pool: "default", Matcher: true})
		driver := be.joinAs(token.Identity{Member: "driver", Pool: "default", Matchee: true, HasTags: true, Tags: []string{"tall", "calm"}})
		rider.at(lat, lng)
		driver.send("match", `"id":"x","lat":37.7749,"lng":-122.4194`)
		if e := driver.wantError(protocol.CodeForbidden); e.ID != "x" || e.Retryable {
			t.Errorf("%+v", e)
		}
		driver.send("location", `"id":"l","lat":37.7749,"lng":-122.4194,"tags":["tall","loud"]`)
		driver.wantError(protocol.CodeForbidden)
		rider.send("match", "")
		want[*protocol.NoMatch](rider) // that report moved nothing

		asks := func(tags string, found bool) {
			t.Helper()
			rider.send("match", `"tags":`+tags)
			m, ok := last[*protocol.Matched](rider)
			if ok != found {
				t.Errorf("with tags %s found %v, want %v", tags, ok, found)
			}
			if ok {
				rider.send("end", `"match":"`+m.Match+`"`)
			}
		}
		driver.at(lat, lng) // has no tags: those of the token count
		asks(`["calm","tall"]`, true)
		asks(`["loud"]`, false)
		driver.at(lat, lng, `"tags":["calm"]`)
		asks(`["calm","tall"]`, false)
		asks(`["calm"]`, true)
		driver.at(lat, lng) // the last ones stay
		asks(`["calm","tall"]`, false)
		asks(`[]`, true)
		// Members of other pools find nobody, and nobody finds a member who only asks.
		other := be.joinIn("elsewhere", "driver")
		other.send("match", `"lat":37.7749,"lng":-122.4194`)
		want[*protocol.NoMatch](other)
		driver.at(lat, lng, `"available":false`)
		ana := be.join("ana")
		ana.send("match", `"lat":37.7749,"lng":-122.4194`)
		want[*protocol.NoMatch](ana)
	})
}

func TestCardsAreShownOnlyInAMatch(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana, ben := be.join("ana"), be.join("ben")
		ben.at(lat, lng)
		ana.send("match", `"lat":37.7749,"lng":-122.4194`)
		for c, card := range map[*client]string{ana: `"ben"`, ben: `"ana"`} {
			if m := want[*protocol.Matched](c); string(m.Peer.Card) != card {
				t.Errorf("%s was shown the card %s, want %s", c.id.Member, m.Peer.Card, card)
			}
			if m := c.hello().Match; string(m.Peer.Card) != card {
				t.Errorf("%s resumes with the card %s, want %s", c.id.Member, m.Peer.Card, card)
			}
		}
	})
}

func TestRates(t *testing.T) {
	onEach(t, `{"pools":{"default":{"requestsPerMinute":3,"matchesPerHour":2}}}`, func(t *testing.T, be *backend) {
		ana, ben, cid := be.join("ana"), be.join("ben"), be.join("cid")
		ask := func() { ana.send("match", `"lat":37.7749,"lng":-122.4194`) }
		for range 3 {
			ask()
			want[*protocol.NoMatch](ana)
		}
		ask()
		if e := ana.wantError(protocol.CodeRateLimited); !e.Retryable {
			t.Error("rate_limited is not retryable")
		}
		for i := range 3 {
			be.advance(time.Minute)
			ben.at(lat, lng)
			ask()
			if i == 2 {
				ana.wantError(protocol.CodeRateLimited) // the third match of this hour
				continue
			}
			ana.send("end", `"match":"`+want[*protocol.Matched](ana).Match+`"`)
		}
		cid.send("match", `"lat":37.7749,"lng":-122.4194`)
		want[*protocol.Matched](cid) // being found does not count
		cid.send("end", `"match":"`+cid.hello().Match.Match+`"`)
		be.advance(31 * time.Minute)
		ben.at(lat, lng)
		ask()
		want[*protocol.Matched](ana)
	})
}

func TestARateBelowOneAllowsOne(t *testing.T) {
	onEach(t, `{"pools":{"default":{"requestsPerMinute":0.5,"matchesPerHour":0.5}}}`, func(t *testing.T, be *backend) {
		ana := be.join("ana")
		ana.send("match", `"lat":1,"lng":2`)
		want[*protocol.NoMatch](ana)
		ana.send("match", `"lat":1,"lng":2`)
		ana.wantError(protocol.CodeRateLimited)
	})
}

func TestAnExpiredSessionIsRefused(t *testing.T) {
	onEach(t, "", func(t *testing.T, be *backend) {
		ana := be.join("ana")
		if got, want := ana.hello().ExpiresAt, ana.id.Expires.UnixMilli(); got != want {
			t.Errorf("the session expires at %d, want with its token at %d", got, want)
		}
		long := identity("default", "long")
		long.Expires = be.now().Add(5 * time.Hour)
		c := be.joinAs(long)
		if got, want := c.hello().ExpiresAt, c.connectedAt+2*time.Hour.Milliseconds(); got != want {
			t.Errorf("the session expires at %d, want 2 h after its connect, %d", got, want)
		}
		be.advance(61 * time.Minute)
		ana.send("ping", `"id":"p"`)
		e := ana.wantError(protocol.CodeUnauthenticated)
		if e.Retryable || !be.isClosed(ana) {
			t.Errorf("%+v, closed %v", e, be.isClosed(ana))
		}
		if pong, ok := last[*protocol.Pong](ana); ok {
			t.Errorf("an expired session was served %+v", pong)
		}
	})
}

func TestRequestsAreLimitedInPlaceAndRadius(t *testing.T) {
	onEach(t, `{"pools":{"default":{"maxRadius":5000,"remoteRequests":false}}}`, func(t *testing.T, be *backend) {
		ana := be.join("ana")
		ana.send("match", `"id":"m"`)
		if e := ana.wantError(protocol.CodeConflict); e.ID != "m" {
			t.Errorf("%+v", e)
		}
		ana.send("match", `"radius":5001`)
		ana.wantError(protocol.CodeInvalidMessage)
		needsReport := func() {
			t.Helper()
			ana.send("match", fmt.Sprintf(`"lat":%v,"lng":%v`, lat, lng))
			const text = "report your location first: in this pool a request needs a report of the last 60 seconds, with lat and lng too"
			if e := ana.wantError(protocol.CodeConflict); e.Message != text || e.Retryable {
				t.Errorf("%+v", e)
			}
		}
		needsReport()
		ana.at(lat, lng)
		ana.send("match", fmt.Sprintf(`"lat":%v,"lng":%v`, lat+0.19, lng))
		ana.wantError(protocol.CodeForbidden)
		ana.send("match", fmt.Sprintf(`"radius":5000,"lat":%v,"lng":%v`, lat+0.17, lng))
		want[*protocol.NoMatch](ana)
		be.advance(61 * time.Second)
		ana.send("match", "")
		ana.wantError(protocol.CodeConflict)
		needsReport()
	})
}

func TestTheDefaultRadiusIsWithinThePools(t *testing.T) {
	onEach(t, `{"pools":{"default":{"maxRadius":1000}}}`, func(t *testing.T, be *backend) {
		ana := be.joinAs(token.Identity{Member: "ana", Pool: "default", Matcher: true})
		ana.send("match", `"lat":1,"lng":2`)
		if f := want[*protocol.NoMatch](ana); f.Radius != 1000 {
			t.Errorf("searched %g m, want the pool's 1000", f.Radius)
		}
		ana.send("match", `"lat":1,"lng":2,"radius":1001`)
		ana.wantError(protocol.CodeInvalidMessage)
	})
}

func TestAnAckIsSentForAnIDOrNewAdvice(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ben := be.join("ben")
		acks := func(n int) *protocol.Ack {
			t.Helper()
			var found []*protocol.Ack
			for _, f := range ben.take() {
				if a, ok := f.(*protocol.Ack); ok {
					found = append(found, a)
				}
			}
			if len(found) != n {
				t.Errorf("%d acks, want %d", len(found), n)
			}
			if len(found) == 0 {
				return &protocol.Ack{}
			}
			return found[0]
		}
		ben.report(lat, lng)
		first := acks(1) // the first advice
		ben.report(lat, lng)
		acks(0)
		ben.report(lat, lng, `"id":"r"`)
		if a := acks(1); a.ID != "r" || a.Report != first.Report {
			t.Errorf("%+v, want the advice of %+v", a, first)
		}
		ben.report(lat, lng, `"available":false`)
		if a := acks(1); a.ID != "" || a.Report == first.Report {
			t.Errorf("%+v, want other advice than %+v", a, first)
		}
		at := be.now().Add(-time.Second).UnixMilli()
		ben.report(lat, lng, fmt.Sprintf(`"at":%d`, at))
		acks(0) // late, and without an id
		ben.report(lat, lng, fmt.Sprintf(`"at":%d,"id":"late"`, at))
		if a := acks(1); a.ID != "late" {
			t.Errorf("%+v", a)
		}
	})
}

func TestInvalidMessagesAreRefused(t *testing.T) {
	onEach(t, "", func(t *testing.T, be *backend) {
		ana := be.join("ana")
		for _, test := range []struct {
			action, fields string
			code           protocol.Code
		}{
			{"dance", `"id":"x"`, protocol.CodeUnknownAction},
			{"nearby", "", protocol.CodeConflict},
			{"match", `"radius":99`, protocol.CodeInvalidMessage},
			{"match", `"avoid":[""]`, protocol.CodeInvalidMessage},
			{"location", `"lat":86,"lng":0`, protocol.CodeInvalidMessage},
			{"location", `"lat":1,"lng":0,"lat":2`, protocol.CodeInvalidMessage},
			{"locate", "", protocol.CodeNotFound},
		} {
			ana.send(test.action, test.fields)
			if e := ana.wantError(test.code); e.Message == "" || e.Retryable {
				t.Errorf("%s %s: %+v", test.action, test.fields, e)
			}
		}
	})
}

// TestAMatchWhileOneIsUndecidedIsRetryable: a process died in the middle of a request.
// For up to 15 s the request is undecided.
func TestAMatchWhileOneIsUndecidedIsRetryable(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana := be.join("ana")
		ana.at(lat, lng)
		ana.send("match", `"id":"warm"`) // the cache knows the scripts: begin is one trip
		want[*protocol.NoMatch](ana)
		be.withFault(1, dies, func() { ana.send("match", `"id":"m"`) })
		ana.send("match", `"id":"n"`)
		if e := ana.wantError(protocol.CodeConflict); !e.Retryable || e.ID != "n" {
			t.Errorf("%+v", e)
		}
		be.advance(16 * time.Second)
		ana.send("match", `"id":"n"`)
		want[*protocol.NoMatch](ana)
	})
}
