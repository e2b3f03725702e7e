package invariants_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// traces are the keys of the whole cache that name the member, or have it in their content,
// each with the time until it expires.
func (be *backend) traces(member string) map[string]time.Duration {
	be.t.Helper()
	found := make(map[string]time.Duration)
	names := func(text string) bool {
		return strings.Contains(text, member) || strings.Contains(text, url.PathEscape(member))
	}
	for _, node := range be.direct.Nodes() {
		keys, err := node.Do(be.t.Context(), node.B().Keys().Pattern("*").Build()).AsStrSlice()
		if err != nil {
			be.t.Fatal(err)
		}
		for _, key := range keys {
			content, err := be.content(node, key)
			if err != nil {
				be.t.Fatal(err)
			}
			if names(key) || names(content) {
				left, err := node.Do(be.t.Context(), node.B().Pttl().Key(key).Build()).AsInt64()
				if err != nil {
					be.t.Fatal(err)
				}
				found[key] = time.Duration(left) * time.Millisecond
			}
		}
	}
	return found
}

// content is all that a key holds, as text.
func (be *backend) content(node valkey.Client, key string) (string, error) {
	kind, err := node.Do(be.t.Context(), node.B().Type().Key(key).Build()).ToString()
	if err != nil {
		return "", err
	}
	switch kind {
	case "hash":
		all, err := node.Do(be.t.Context(), node.B().Hgetall().Key(key).Build()).AsStrMap()
		return fmt.Sprint(all), err
	case "zset":
		all, err := node.Do(be.t.Context(), node.B().Zrange().Key(key).Min("0").Max("-1").Build()).AsStrSlice()
		return fmt.Sprint(all), err
	case "none": // expired meanwhile
		return "", nil
	}
	return "", fmt.Errorf("%s is a %s, which this test does not read", key, kind)
}

// TestAForgottenMemberLeavesNoTrace looks at the whole cache, whatever the member was doing.
func TestAForgottenMemberLeavesNoTrace(t *testing.T) {
	const ben = "ben von Beispiel"
	past, route := "w3:past:{default/ana}", "w3:route:{default/ana}"
	record := "w3:m:{default/ben%20von%20Beispiel}"
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for name, test := range map[string]struct {
			does  func(a, b *client)
			stays []string // beside the record
		}{
			"nothing":         {func(_, b *client) {}, nil},
			"reports":         {func(_, b *client) { b.at(37.7749, -122.4194, `"tags":["van","xl"],"available":true`) }, nil},
			"crosses an edge": {func(_, b *client) { b.at(37.7749, -122.4194); b.at(37.9749, -122.4194) }, nil},
			"has left":        {func(_, b *client) { b.at(37.7749, -122.4194, `"available":true`); b.disconnect() }, nil},
			"waits": {func(_, b *client) {
				b.send("match", `"id":"n","lat":37.7749,"lng":-122.4194,"radius":5000,"wait":300,"tags":["van"]`)
			}, nil},
			"waits, and is far": {func(_, b *client) {
				b.at(37.7749, -122.4194)
				b.send("match", `"id":"n","lat":37,"lng":-122,"radius":100,"wait":300`)
				b.disconnect()
			}, nil},
			"is a matchee": {func(a, b *client) {
				b.at(37.7749, -122.4194)
				a.send("match", `"id":"m","lat":37.7749,"lng":-122.4194`)
				want[*protocol.Matched](a)
			}, []string{route, past}},
			"is a matcher": {func(a, b *client) {
				a.at(37.7749, -122.4194)
				b.send("match", `"id":"m","lat":37.7749,"lng":-122.4194`)
				want[*protocol.Matched](a)
			}, []string{past}},
			"has parted": {func(a, b *client) {
				a.at(37.7749, -122.4194)
				b.send("match", `"id":"m","lat":37.7749,"lng":-122.4194`)
				b.send("end", `"match":"`+want[*protocol.Matched](a).Match+`","reason":"cancelled"`)
			}, []string{past}},
		} {
			be.flush()
			a, b := be.join("ana"), be.join(ben)
			test.does(a, b)
			if len(be.traces(ben)) == 0 {
				t.Fatalf("%s: no trace before, so this shows nothing", name)
			}
			a.take()
			be.answers(be.ask("member.forget", `"member":"%s"`, ben), `{"type":"forgotten","pool":"default","member":"`+ben+`"}`)
			if !b.left && (b.wantError(protocol.CodeUnauthenticated).Retryable || !be.closed[b.connection]) {
				t.Errorf("%s: the session goes on", name)
			}
			if strings.HasPrefix(name, "is a") {
				if e := want[*protocol.Ended](a); e.Reason != protocol.ReasonCancelled {
					t.Errorf("%s: got %+v", name, e)
				}
			}
			longest := map[string]time.Duration{record: match.EndRemembered, past: match.Kept, route: 2 * match.EndRemembered}
			got := be.traces(ben)
			for key, left := range got {
				if left <= 0 || left > longest[key] {
					t.Errorf("%s: %s is left for %s, want %s at most", name, key, left, longest[key])
				}
			}
			for _, key := range append(test.stays, record) {
				if _, there := got[key]; !there {
					t.Errorf("%s: no %s is left: then docs/back-end.md need not say so", name, key)
				}
				delete(got, key)
			}
			if len(got) > 0 {
				t.Errorf("%s: got %v", name, got)
			}

			// A late message begins nothing, and the member is not known.
			b.send("hello", "")
			b.report(37.7749, -122.4194)
			be.answers(be.ask("member.get", `"member":"%s"`, ben), `{"code":"not_found"}`)
			be.answers(be.ask("member.forget", `"member":"%s"`, ben), `{"type":"forgotten"}`)

			// Its peer forgets it with its next connection, and with its next request.
			be.advance(10 * time.Minute)
			a = a.reconnect()
			a.send("match", `"lat":-60,"lng":0,"radius":100`)
			delete(longest, record)
			for key, left := range be.traces(ben) {
				if key != record {
					t.Errorf("%s: %s is left for %s after the peer's next connection", name, key, left)
				}
			}
		}
		if line := "msg=verb verb=member.forget pool=default member=\"" + ben + "\" outcome=ok\n"; !strings.Contains(be.log.text(), line) {
			t.Errorf("the log has no line %s", line)
		}
	})
}

// TestAMemberIsForgottenOnceTheVerbIsRepeated lets the process die at each trip and push.
func TestAMemberIsForgottenOnceTheVerbIsRepeated(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for n, events := 0, 1; n < events; n++ {
			be.flush()
			s := be.newScene("forget")
			s.pair()
			forget := func() { s.verb("member.forget", `"member":"ben"`) }
			events = max(events, be.withFault(n, dies, forget))
			be.advance(16 * time.Second)
			be.answers(be.askIn(s.pool, "member.forget", `"member":"ben"`), `{"type":"forgotten"}`)
			for key := range be.traces("ben") {
				if !strings.Contains("w3:m:{forget/ben} w3:past:{forget/ana} w3:route:{forget/ana}", key) {
					t.Errorf("the process dies at event %d: %s is left", n, key)
				}
			}
			if w := s.a.hello(); w.Match != nil {
				t.Errorf("the process dies at event %d: its peer is in the match %+v", n, w.Match)
			}
			s.b = s.b.reconnect()
			s.b.at(s.q.Lat, s.q.Lng)
			s.a.send("match", `"id":"again"`)
			if _, ok := last[*protocol.Matched](s.a); !ok {
				t.Errorf("the process dies at event %d: they are not matched anew: %s", n, s.a.all())
			}
		}
	})
}
