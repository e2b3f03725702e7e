package invariants_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"waggle/internal/match"
	"waggle/internal/protocol"
	"waggle/test/kit/caches"
)

// actions are all that a client may send, with fields that are allowed.
var actions = map[string]string{"hello": "", "ping": "", "locate": "", "cancel": "", "end": `"match":"m"`, "say": `"match":"m","data":1`, "nearby": "",
	"match": `"lat":37.7749,"lng":-122.4194`, "location": `"lat":37.7749,"lng":-122.4194`}

func TestARefusedMessageCostsOneCommand(t *testing.T) {
	onEach(t, `{"pools":{"default":{"messagesPerSecond":1,"messagesBurst":2}}}`, func(t *testing.T, be *backend) {
		for action, fields := range actions {
			ana := be.join("ana-" + action)
			ana.send("ping", "")
			ana.send("ping", "")
			ana.send(action, fields) // from here on the cache knows the script
			ana.take()
			_, trips, commands := be.count(0, func() { ana.send(action, fields) })
			if trips != 1 || commands != 1 {
				t.Errorf("%s: got %d trips of %d commands, want 1 of 1", action, trips, commands)
			}
			e := ana.wantError(protocol.CodeRateLimited)
			if !e.Retryable || e.RetryAfter <= 0 || e.RetryAfter > 1 || be.isClosed(ana) {
				t.Errorf("%s: got %+v, closed %t, want an answer that says when to retry", action, e, be.isClosed(ana))
			}
			be.advance(time.Duration(e.RetryAfter * float64(time.Second)))
			ana.send("ping", "")
			want[*protocol.Pong](ana)
		}
	})
}

func TestAServedMessageIsCountedOnce(t *testing.T) {
	onEach(t, `{"pools":{"default":{"messagesPerSecond":0.01,"messagesBurst":10}}}`, func(t *testing.T, be *backend) {
		ana, ben := be.join("ana"), be.join("ben")
		ana.at(lat, lng)
		ben.at(lat, lng)
		ana.send("match", `"id":"r"`)
		m := want[*protocol.Matched](ana)
		// These make several steps on the sender's record.
		ana.send("match", `"id":"r"`)
		want[*protocol.Matched](ana)
		ana.hello()
		ana.send("locate", "")
		want[*protocol.LocationFrame](ana)
		ana.send("say", `"id":"s","data":1,"match":"`+m.Match+`"`)
		want[*protocol.Said](ana)
		ana.send("nearby", "")
		want[*protocol.NearbyFrame](ana)
		ana.send("end", `"match":"`+m.Match+`"`)
		want[*protocol.Ended](ana)
		for range 2 {
			ana.send("ping", "")
			want[*protocol.Pong](ana)
		}
		ana.send("ping", "")
		ana.wantError(protocol.CodeRateLimited)
	})
}

func TestAMemberThatIsRefusedTooOftenIsKeptOut(t *testing.T) {
	onEach(t, `{"pools":{"default":{"messagesPerSecond":1,"messagesBurst":1}}}`, func(t *testing.T, be *backend) {
		ana, ben := be.join("ana"), be.join("ben")
		for range 1 + match.Refusals {
			ana.send("ping", "")
		}
		if be.isClosed(ana) {
			t.Fatal("the connection is closed already")
		}
		ana.send("ping", `"id":"last"`)
		e := ana.wantError(protocol.CodeRateLimited)
		if e.ID != "last" || e.RetryAfter != match.KeptOut.Seconds() || !strings.HasSuffix(e.Message, "connect again in 30 seconds") || !be.isClosed(ana) {
			t.Errorf("got %+v, closed %t, want a close that says until when", e, be.isClosed(ana))
		}
		ana.disconnect()
		next := ana.next()
		if status := next.connect(); status != http.StatusTooManyRequests {
			t.Errorf("got status %d, want 429", status)
		}
		be.advance(match.KeptOut)
		ana.reconnect().hello()
		ben.send("ping", "")
		want[*protocol.Pong](ben)
	})
}

func TestAMemberCannotConnectAllTheTime(t *testing.T) {
	onEach(t, "", func(t *testing.T, be *backend) {
		ana := be.join("ana")
		for range match.ConnectsBurst - 1 {
			ana = ana.reconnect()
		}
		var status int
		_, trips, commands := be.count(0, func() { status = ana.next().connect() })
		if status != http.StatusTooManyRequests || trips != 1 || commands != 1 {
			t.Errorf("got status %d after %d trips of %d commands, want 429 after 1 of 1", status, trips, commands)
		}
		ana.hello() // the connection that it has stays
		be.advance(time.Minute / match.ConnectsPerMinute)
		ana.reconnect()
	})
}

func TestHelloSearchesForAWaitingRequestAtMostEveryThreeSeconds(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana := be.join("ana")
		ana.at(lat, lng)
		ana.send("match", `"id":"r","wait":600`)
		want[*protocol.Waiting](ana)
		trips := func() int {
			_, trips, _ := be.count(0, func() { ana.hello() })
			return trips
		}
		trips() // from here on the cache knows the scripts
		soon := trips()
		be.advance(match.SearchAgain)
		if first, second := trips(), trips(); first <= soon || second != soon {
			t.Errorf("got %d trips within three seconds of the request, then %d, and at once after that %d", soon, first, second)
		}
		// A member that comes in between is found all the same.
		ben := be.join("ben")
		ben.at(lat, lng)
		want[*protocol.Matched](ana)
	})
}

// TestNoExactPositionStaysAfterLeaving scans the whole cache.
func TestNoExactPositionStaysAfterLeaving(t *testing.T) {
	const near, far = 37.7712345, -122.4112345
	be := newBackend(t, caches.Server(t), `{"pools":{"default":{"grace":0.2,"locationTTL":7200}}}`)
	for _, leave := range []func(ana, ben *client){
		func(ana, ben *client) {},
		func(ana, ben *client) { // as a matchee whose match ends later
			ben.send("match", "")
			m := want[*protocol.Matched](ben).Match
			ana.disconnect()
			ben.send("end", `"match":"`+m+`"`)
			want[*protocol.Ended](ben)
		},
		func(ana, ben *client) { // as a matcher whose match has ended
			ana.send("match", "")
			ana.send("end", `"match":"`+want[*protocol.Matched](ana).Match+`"`)
			want[*protocol.Ended](ana)
		},
	} {
		ana, ben := be.join("ana"), be.join("ben")
		ana.at(near, far, `"speed":3.25`)
		ben.at(lat, lng)
		leave(ana, ben)
		ana.disconnect()
		ben.disconnect()
		time.Sleep(300 * time.Millisecond)
		for _, key := range be.keys("w3:*{default/ana}") {
			text := be.dump(key)
			for _, position := range []string{"37.7712", "122.4112", "377712345", "1224112345", "3.25"} {
				if strings.Contains(text, position) {
					t.Errorf("%s still has %s: %s", key, position, text)
				}
			}
		}
		be.flush()
	}
}

// keys lists the keys of every node that match.
func (be *backend) keys(pattern string) (all []string) {
	be.t.Helper()
	for _, node := range be.direct.Nodes() {
		page, err := node.Do(be.t.Context(), node.B().Scan().Cursor(0).Match(pattern).Count(100_000).Build()).AsScanEntry()
		if err != nil {
			be.t.Fatal(err)
		}
		all = append(all, page.Elements...)
	}
	if len(all) == 0 {
		be.t.Fatalf("no key matches %s, so this shows nothing", pattern)
	}
	return all
}

// dump is all that a hash holds.
func (be *backend) dump(key string) string {
	be.t.Helper()
	fields, err := be.direct.Do(be.t.Context(), be.direct.B().Hgetall().Key(key).Build()).AsStrMap()
	if err != nil {
		be.t.Fatal(err)
	}
	text, err := json.Marshal(fields)
	if err != nil {
		be.t.Fatal(err)
	}
	return string(text)
}
