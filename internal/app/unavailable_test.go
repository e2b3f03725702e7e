package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"waggle/internal/protocol"
	"waggle/internal/store"
)

// withoutCache runs an operation from whose n-th trip on, from 0, the cache cannot be
// reached, and returns how many trips it came to.
func (w *world) withoutCache(n int, operation func()) int {
	made := 0
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	hook := store.Hook(func(ctx context.Context, _ []store.Command, send func(context.Context, ...int)) {
		w.mu.Lock()
		lost := made >= n
		made++
		w.mu.Unlock()
		if lost {
			ctx = ended
		}
		send(ctx)
	})
	w.hook.Store(&hook)
	operation()
	w.hook.Store(nil)
	return made
}

// TestUnavailable loses the cache at every trip of every message, for good. Whoever
// sent it is answered all the same: with what it asked for, if that was done, or with
// an error after which it may ask again; and what was lost is in the log. When the
// cache is back everything goes on.
func TestUnavailable(t *testing.T) {
	near := func(s *scene) { s.b.at(s.q.Lat, s.q.Lng) }
	away := func(s *scene) { s.b.at(s.far.Lat, s.far.Lng) }
	waits := func(s *scene) {
		away(s)
		s.a.send("match", `"id":"w","wait":60`)
	}
	const place = `"lat":37.7749,"lng":-122.4194,"seq":1000000`
	messages := []struct {
		action, fields string
		prepare        func(*scene)
	}{
		{"hello", ``, away}, {"hello", ``, waits}, {"hello", ``, (*scene).pair},
		{"ping", ``, away}, {"ping", ``, waits},
		{"location", place, away}, {"location", place, waits}, {"location", place, (*scene).pair},
		{"locate", ``, (*scene).pair},
		{"match", ``, near}, {"match", ``, away}, {"match", `"wait":60`, away}, {"match", `"wait":60`, waits}, {"match", ``, (*scene).pair},
		{"cancel", ``, waits},
		{"end", `"match":"MATCH"`, (*scene).pair},
	}
	onEach(t, unlimited, func(t *testing.T, w *world) {
		scenes := 0
		for _, m := range messages {
			for n, more := 0, true; more; n++ {
				w.empty()
				scenes++
				s := w.newScene(fmt.Sprint("lost-", scenes))
				m.prepare(s)
				s.a.take()
				logged := len(w.logged())
				fields := strings.Replace(`"id":"x",`+m.fields, "MATCH", s.match, 1)
				more = w.withoutCache(n, func() { s.a.send(m.action, strings.TrimSuffix(fields, ",")) }) > n
				what := fmt.Sprintf("%s %s without a cache from trip %d on", m.action, m.fields, n)
				answered := false
				for _, f := range s.a.take() {
					text := string(protocol.Encode(f))
					if e, ok := f.(*protocol.Error); ok && (e.Code != protocol.CodeUnavailable || !e.Retryable) {
						t.Errorf("%s: got %s", what, text)
					}
					answered = answered || strings.Contains(text, `"id":"x"`)
				}
				if !answered {
					t.Errorf("%s: no answer", what)
				}
				if lost := strings.Contains(w.logged()[logged:], "the cache cannot be reached"); lost != more {
					t.Errorf("%s: in the log: %v, want %v", what, lost, more)
				}
				w.pass(16 * time.Second)
				if err := s.heals(n%2 == 0); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
		}
	})
}
