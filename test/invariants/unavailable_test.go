package invariants_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"waggle/internal/protocol"
	"waggle/internal/store"
)

// An outage begins at some trip of an operation.
type outage string

const (
	// The cache cannot be reached any more.
	unreachable outage = "without a cache"
	// The first command of the trip cannot be delivered, and neither can its repeats.
	oneUndelivered outage = "without the command"
	// The first command of the trip happens, and so do its repeats. Their replies are lost.
	oneUnanswered outage = "without the reply"
)

// withOutage runs an operation whose outage begins at the n-th trip, from 0. It returns
// how many trips there were.
func (be *backend) withOutage(n int, l outage, operation func()) int {
	trips := 0
	var hit store.Command
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	hook := store.Hook(func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
		be.mu.Lock()
		if trips == n {
			hit = commands[0]
		}
		out := trips >= n && (l == unreachable || repeats(commands[0], hit))
		trips++
		be.mu.Unlock()
		if out && l == oneUnanswered {
			send(ctx)
		}
		if out {
			ctx = ended
		}
		send(ctx)
	})
	be.hook.Store(&hook)
	operation()
	be.hook.Store(nil)
	return trips
}

// TestUnavailable puts each outage at every trip of every message. The message is
// answered all the same: as without the outage, or with an error that is retryable. It is
// never answered that there is nobody or nothing. The outage is in the log. When the
// cache is back everything goes on.
func TestUnavailable(t *testing.T) {
	const place = `"lat":37.7749,"lng":-122.4194,"seq":1000000`
	near := func(s *scene) { s.b.at(s.q.Lat, s.q.Lng) }
	away := func(s *scene) { s.b.at(s.far.Lat, s.far.Lng) }
	waits := func(s *scene) {
		away(s)
		s.a.send("match", `"id":"w","wait":60`)
	}
	matched := func(s *scene, f protocol.Frame) bool {
		m, ok := f.(*protocol.Matched)
		return ok && (s.match == "" || m.Match == s.match)
	}
	type frame = protocol.Frame
	messages := []struct {
		action, fields string
		prepare        func(*scene)
		right          func(*scene, frame) bool // tells whether a reply is as it must be
	}{
		{"hello", ``, away, func(_ *scene, f frame) bool { return is(f, func(m *protocol.Welcome) bool { return m.Match == nil }) }},
		{"hello", ``, waits, func(_ *scene, f frame) bool {
			return is(f, func(m *protocol.Welcome) bool { return m.Request != nil && m.Request.ID == "w" })
		}},
		{"hello", ``, (*scene).pair, func(s *scene, f frame) bool {
			return is(f, func(m *protocol.Welcome) bool { return m.Match != nil && m.Match.Match == s.match })
		}},
		{"ping", ``, away, func(_ *scene, f frame) bool { return is[*protocol.Pong](f, nil) }},
		{"ping", ``, waits, func(_ *scene, f frame) bool { return is[*protocol.Pong](f, nil) }},
		{"location", place, away, func(_ *scene, f frame) bool { return is[*protocol.Ack](f, nil) }},
		{"location", place, waits, func(_ *scene, f frame) bool { return is[*protocol.Ack](f, nil) }},
		{"location", place, (*scene).pair, func(_ *scene, f frame) bool { return is[*protocol.Ack](f, nil) }},
		{"locate", ``, (*scene).pair, func(s *scene, f frame) bool {
			return is(f, func(l *protocol.LocationFrame) bool { return l.Match == s.match })
		}},
		{"match", ``, near, matched},
		{"match", `"wait":60`, near, func(s *scene, f frame) bool { return matched(s, f) || is[*protocol.Waiting](f, nil) }},
		{"match", ``, away, func(_ *scene, f frame) bool { return is[*protocol.NoMatch](f, nil) }},
		{"match", `"wait":60`, away, func(_ *scene, f frame) bool { return is[*protocol.Waiting](f, nil) }},
		{"match", `"wait":60`, waits, func(_ *scene, f frame) bool { return is[*protocol.Waiting](f, nil) }},
		{"match", ``, (*scene).pair, matched},
		{"cancel", ``, waits, func(_ *scene, f frame) bool {
			return is(f, func(e *protocol.Ended) bool { return e.Match == "" && e.Reason == "cancelled" })
		}},
		{"say", `"match":"MATCH","data":1`, (*scene).pair, func(s *scene, f frame) bool {
			return is(f, func(a *protocol.Said) bool { return a.Match == s.match && a.ID != "" && a.Data == nil })
		}},
		{"nearby", ``, away, func(_ *scene, f frame) bool {
			return is(f, func(n *protocol.NearbyFrame) bool { return len(n.Cells) == 0 })
		}},
		{"end", `"match":"MATCH"`, (*scene).pair, func(s *scene, f frame) bool {
			return is(f, func(e *protocol.Ended) bool { return e.Match == s.match && e.Reason == "completed" })
		}},
	}
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		scenes := 0
		for _, m := range messages {
			for _, l := range []outage{unreachable, oneUndelivered, oneUnanswered} {
				for n, more := 0, true; more; n++ {
					be.flush()
					scenes++
					s := be.newScene(fmt.Sprint("outage-", scenes))
					m.prepare(s)
					s.a.take()
					logged := len(be.log.text())
					fields := strings.Replace(`"id":"x",`+m.fields, "MATCH", s.match, 1)
					more = be.withOutage(n, l, func() { s.a.send(m.action, strings.TrimSuffix(fields, ",")) }) > n
					what := fmt.Sprintf("%s %s %s of trip %d", m.action, m.fields, l, n)
					if found := strings.Contains(be.log.text()[logged:], "the cache cannot be reached"); found != more {
						t.Errorf("%s: in the log: %v, want %v", what, found, more)
					}
					answered := false
					for _, f := range s.a.take() {
						text := string(protocol.Encode(f))
						if !strings.Contains(text, `"id":"x"`) {
							continue
						}
						answered = true
						refused := is(f, func(e *protocol.Error) bool { return e.Code == protocol.CodeUnavailable && e.Retryable })
						if !m.right(s, f) && !(refused && more) {
							t.Errorf("%s: got %s", what, text)
						}
					}
					if !answered {
						t.Errorf("%s: no reply", what)
					}
					if l == unreachable {
						be.advance(16 * time.Second)
						if err := s.repaired(n%2 == 0); err != nil {
							t.Errorf("%s: %v", what, err)
						}
					}
				}
			}
		}
	})
}

// is tells whether a frame is of that type, and meets the condition if there is one.
func is[F protocol.Frame](f protocol.Frame, must func(F) bool) bool {
	frame, ok := f.(F)
	return ok && (must == nil || must(frame))
}
