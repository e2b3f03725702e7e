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

// A outage is what the cache does from some trip on.
type outage string

const (
	// It cannot be reached any more.
	unreachable outage = "without a cache"
	// This one command cannot be delivered, as often as it is tried.
	oneUndelivered outage = "without the command"
	// It is done, and nobody hears of it.
	oneUnanswered outage = "without the answer"
)

// lose runs an operation whose n-th trip, from 0, meets the outage, and returns how many
// trips it came to.
func (be *backend) withOutage(n int, l outage, operation func()) int {
	made := 0
	var struck store.Command
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	hook := store.Hook(func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
		be.mu.Lock()
		if made == n {
			struck = commands[0]
		}
		lost := made >= n && (l == unreachable || repeats(commands[0], struck))
		made++
		be.mu.Unlock()
		if lost && l == oneUnanswered {
			send(ctx)
		}
		if lost {
			ctx = ended
		}
		send(ctx)
	})
	be.hook.Store(&hook)
	operation()
	be.hook.Store(nil)
	return made
}

// TestUnavailable loses the cache, or a part of it, at every trip of every message.
// Whoever sent it is answered all the same: as it would be otherwise, or with an error
// after which it may ask again, but never that there is nobody or nothing because nobody
// could look. What was lost is in the log. When the cache is back everything goes on.
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
		right          func(*scene, frame) bool // tells whether an answer is
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
					s := be.newScene(fmt.Sprint("lost-", scenes))
					m.prepare(s)
					s.a.take()
					logged := len(be.log.text())
					fields := strings.Replace(`"id":"x",`+m.fields, "MATCH", s.match, 1)
					more = be.withOutage(n, l, func() { s.a.send(m.action, strings.TrimSuffix(fields, ",")) }) > n
					what := fmt.Sprintf("%s %s %s of trip %d", m.action, m.fields, l, n)
					if lost := strings.Contains(be.log.text()[logged:], "the cache cannot be reached"); lost != more {
						t.Errorf("%s: in the log: %v, want %v", what, lost, more)
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
						t.Errorf("%s: no answer", what)
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

// is tells whether a frame is of that type, and as it must be.
func is[F protocol.Frame](f protocol.Frame, must func(F) bool) bool {
	frame, ok := f.(F)
	return ok && (must == nil || must(frame))
}
