package invariants_test

import (
	"testing"
	"time"

	"waggle/internal/protocol"
)

// TestRule6TheRightSession: the newest connection counts. Messages and a $disconnect of
// an older one change nothing.
func TestRule6TheRightSession(t *testing.T) {
	const lat, lng, elsewhere = 37.7749, -122.4194, 37.7949
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		found := func(what string, at float64, want string) {
			t.Helper()
			if got := be.findAt(at, lng); got != want {
				t.Errorf("%s: found %q, want %q", what, got, want)
			}
		}

		old := be.join("ben")
		old.at(lat, lng)
		ben := old.reconnect()
		if e := old.wantError(protocol.CodeReplaced); e.Retryable {
			t.Error("replaced is retryable")
		}
		if !be.isClosed(old) {
			t.Error("the connection that was replaced is not closed")
		}
		found("a replaced session", lat, "ben")

		frames := len(old.sent())
		for _, m := range [][2]string{{"location", `"lat":37.7949,"lng":-122.4194,"available":false`}, {"match", `"id":"m","wait":60`},
			{"hello", ""}, {"cancel", ""}, {"location", `"lat":37.7949,"lng":-122.4194`}} {
			old.send(m[0], m[1])
		}
		if got := old.sent()[frames:]; len(got) != 0 {
			t.Errorf("a closed connection was sent %v", got)
		}
		found("after messages of the replaced one", lat, "ben")
		found("after messages of the replaced one", elsewhere, "")
		if r := ben.hello().Request; r != nil {
			t.Errorf("a replaced session asked: %+v", r)
		}

		old.disconnect()
		found("after the late $disconnect of the replaced one", lat, "ben")

		late, newer := ben.next(), ben.next()
		if status := newer.connect(); status != 200 {
			t.Fatalf("connect: status %d", status)
		}
		if status := late.connect(); status != 409 {
			t.Errorf("an older $connect after a newer one: status %d, want 409", status)
		}
		if newer.take(); be.isClosed(newer) || newer.hello().Member != "ben" {
			t.Error("the newer session is gone")
		}
		if status := newer.connect(); status != 200 || be.isClosed(newer) {
			t.Errorf("the same $connect twice: status %d", status)
		}

		newer.disconnect()
		found("after a $disconnect", lat, "")
		newer.take()
		newer.report(elsewhere, lng)
		newer.send("match", `"id":"m","wait":60`)
		newer.send("hello", "")
		if got := newer.take(); len(got) != 0 {
			t.Errorf("a connection that has disconnected was answered %v", got)
		}
		found("a report after the $disconnect", elsewhere, "")
		if r := newer.reconnect().hello().Request; r != nil {
			t.Errorf("a session asked after its $disconnect: %+v", r)
		}
		found("after a new connect", lat, "ben")
	})
}

// TestRule6GoneConnections: a push that finds a connection gone ends it, if it is the
// current one and older than 10 s. To a younger one the push is repeated once.
func TestRule6GoneConnections(t *testing.T) {
	const lat, lng = 37.7749, -122.4194
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		pair := func() (ana, ben *client) {
			be.flush()
			ana, ben = be.join("ana"), be.join("ben")
			ben.at(lat, lng)
			ana.send("match", `"lat":37.7749,"lng":-122.4194`)
			want[*protocol.Matched](ana)
			return ana, ben
		}
		lose := func(c *client, pushes int) {
			be.mu.Lock()
			defer be.mu.Unlock()
			be.gone[c.connection], be.pushes[c.connection] = pushes, 0
		}
		pushes := func(c *client) int {
			be.mu.Lock()
			defer be.mu.Unlock()
			return be.pushes[c.connection]
		}

		ana, ben := pair()
		lose(ana, 1)
		ben.report(lat, lng)
		want[*protocol.LocationFrame](ana)
		if n := pushes(ana); n != 2 {
			t.Errorf("got %d pushes to a young connection that was gone once, want 2", n)
		}
		lose(ana, 2)
		ben.report(lat, lng)
		if n := pushes(ana); n != 2 {
			t.Errorf("got %d pushes to a young connection that is gone, want 2", n)
		}
		ben.report(lat, lng)
		want[*protocol.LocationFrame](ana)

		ana, ben = pair()
		be.advance(11 * time.Second)
		lose(ana, 1)
		ben.report(lat, lng)
		ben.report(lat, lng)
		if n := pushes(ana); n != 1 {
			t.Errorf("got %d pushes to an old connection that is gone, want 1", n)
		}
		ana = ana.reconnect()
		if m := ana.hello().Match; m == nil || m.Role != protocol.RoleMatcher {
			t.Errorf("the match was lost with a connection: %+v", m)
		}
		ben.report(lat, lng)
		want[*protocol.LocationFrame](ana)

		ana, ben = pair()
		be.advance(11 * time.Second)
		lose(ben, 1)
		ana.send("end", `"match":"`+ana.hello().Match.Match+`"`)
		if got := be.findAt(lat, lng); got != "" {
			t.Errorf("%s is found though its connection is gone", got)
		}

		// The member connects anew at any moment while a push finds the old connection gone.
		for n, more := 0, true; more; n++ {
			ana, ben = pair()
			be.advance(11 * time.Second)
			lose(ana, 1)
			var next *client
			more = be.between(n, func() { ben.report(lat, lng) }, func() { next = ana.reconnect() })
			ben.report(lat, lng)
			want[*protocol.LocationFrame](next)
		}
	})
}

// TestRule6ExpiredSessions: after its expiry a session is sent nothing but the error that says
// so, and it is closed. Its member counts as disconnected. Each case is a push to ana, which
// another member's message makes after ana's expiry.
func TestRule6ExpiredSessions(t *testing.T) {
	const lat, lng, life = 37.7749, -122.4194, 6 * time.Second
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		match := func(c *client, more string) { c.send("match", `"lat":37.7749,"lng":-122.4194,"id":"r",`+more) }
		for _, push := range []struct {
			what         string
			before, then func(ana, ben *client)
			resumes      string // what the next session finds
		}{
			{"a location of its matchee", func(ana, ben *client) { match(ana, `"radius":500`) },
				func(_, ben *client) { ben.report(lat, lng) }, "match"},
			{"the end of its match as a matcher", func(ana, ben *client) { match(ana, `"radius":500`) },
				func(_, ben *client) { ben.send("end", `"match":"`+ben.hello().Match.Match+`"`) }, ""},
			{"the end of its match as a matchee", func(ana, ben *client) { match(ben, `"radius":500`) },
				func(_, ben *client) { ben.send("end", `"match":"`+ben.hello().Match.Match+`"`) }, ""},
			{"a match for its waiting request", func(ana, ben *client) {
				ben.report(lat, lng, `"available":false`)
				match(ana, `"wait":60`)
			}, func(_, ben *client) { ben.report(lat, lng, `"available":true`) }, "match"},
			{"a newer session", func(ana, _ *client) {}, func(ana, _ *client) { ana.reconnect().hello() }, ""},
		} {
			be.flush()
			id := identity("default", "ana")
			id.Expires = be.now().Add(life)
			ana, ben := be.joinAs(id), be.join("ben")
			ana.at(lat, lng)
			ben.at(lat, lng)
			push.before(ana, ben)
			be.advance(life)
			ana.take()
			ana.id.Expires = be.now().Add(time.Hour) // of the next session
			push.then(ana, ben)
			sent := ana.take()
			if len(sent) != 1 || !be.isClosed(ana) {
				t.Errorf("%s: after its expiry the session got %d frames, and closed is %v: %s", push.what, len(sent), be.isClosed(ana), ana.all())
			} else if e, ok := sent[0].(*protocol.Error); !ok || e.Code != protocol.CodeUnauthenticated {
				t.Errorf("%s: after its expiry the session was sent %s", push.what, protocol.Encode(sent[0]))
			}
			ben.report(lat, lng)
			if more := ana.take(); len(more) > 0 {
				t.Errorf("%s: a closed session was sent more: %s", push.what, ana.all())
			}
			next := ana.reconnect()
			if m := next.hello().Match; (m != nil) != (push.resumes == "match") {
				t.Errorf("%s: the next session finds the match %+v", push.what, m)
			}
			if push.resumes == "match" {
				ben.report(lat, lng)
				want[*protocol.LocationFrame](next)
			}
		}

		be.flush()
		id := identity("default", "ana")
		id.Expires = be.now().Add(life)
		ana := be.joinAs(id)
		ana.at(lat, lng)
		be.advance(life - 2*time.Second)
		if got := be.findAt(lat, lng); got != "ana" {
			t.Errorf("just before the expiry: found %q, want ana", got)
		}
		be.advance(2 * time.Second)
		ana.take()
		if got := be.findAt(lat, lng); got != "" {
			t.Errorf("after the expiry: found %q, want nobody", got)
		}
		if sent := ana.take(); len(sent) > 0 {
			t.Errorf("a search that does not find the member sent %v", sent)
		}
	})
}
