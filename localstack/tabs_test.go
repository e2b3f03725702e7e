package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"waggle/clients/go/waggle"
)

// The tests of two tabs of one member: real clients, that come back by themselves
// when they lose their connection.

// ends wants a client to end because it was replaced.
func wantReplaced(t *testing.T, c *waggle.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		if _, err := c.Next(ctx); errors.Is(err, waggle.ErrReplaced) {
			return
		} else if err != nil {
			t.Fatalf("got %v, want to be replaced", err)
		}
	}
}

// settled wants ana to connect so often in all, and no more: one tab is alive and
// the others stay away.
func (s *controlledStack) wantOneTab(connects int, living *waggle.Client, others ...*waggle.Client) {
	s.t.Helper()
	until(s.t, "ana to have connected as often as she should", func() bool { return s.count(connectEvent, "ana") == connects })
	for range 20 {
		if _, err := living.Ping(s.t.Context()); err != nil {
			s.t.Fatalf("the newest tab: %v", err)
		}
		for _, c := range others {
			if _, err := c.Ping(s.t.Context()); !errors.Is(err, waggle.ErrReplaced) {
				s.t.Fatalf("a tab that was replaced: got %v, want to be replaced", err)
			}
		}
	}
	if now := s.count(connectEvent, "ana"); now != connects {
		s.t.Errorf("ana connected %d times, want %d", now, connects)
	}
}

func TestTwoTabsDoNotKickEachOther(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		first, second := s.join("ana"), s.join("ana")
		wantReplaced(t, first)
		s.wantOneTab(2, second, first)
		second.Drop()
		s.wantOneTab(3, second, first)
	})
}

// A tab that is closed without being told why comes back and is the newest: there
// it ends, since the other is told.
func TestTabsSettleWhenTheWordIsLost(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		first := s.join("ana")
		deaf := s.connectionOf("ana")
		var back *held
		s.onPost(func(connection string) int {
			if connection != deaf {
				return 0
			}
			back = s.hold(connectEvent, "ana", "")
			return http.StatusTooManyRequests
		})
		second := s.join("ana")
		back.release()
		wantReplaced(t, second)
		s.wantOneTab(3, first, second)
	})
}

// An older connection may reach its $connect after a newer one has.
func TestATabThatComesTooLateStaysAway(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		first := s.join("ana")
		late := s.hold(connectEvent, "ana", "")
		first.Drop() // and it comes back
		late.waitUntilHeld(t)
		s.advance(time.Millisecond)
		second := s.join("ana")
		late.release()
		wantReplaced(t, first)
		s.wantOneTab(3, second, first)
	})
}

func TestTenTabsAtOnceSettleOnOne(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		token := s.token("member", "ana")
		var mu sync.Mutex
		var tabs []*waggle.Client
		var opening sync.WaitGroup
		for range 10 {
			opening.Go(func() {
				c, err := s.connect(token)
				if err != nil {
					if !errors.Is(err, waggle.ErrReplaced) {
						t.Errorf("got %v, want to be let in or replaced", err)
					}
					return
				}
				mu.Lock()
				defer mu.Unlock()
				tabs = append(tabs, c)
			})
		}
		opening.Wait()
		t.Cleanup(func() {
			for _, c := range tabs {
				c.Close()
			}
		})
		living := func() (alive []*waggle.Client) {
			for _, c := range tabs {
				if _, err := c.Ping(t.Context()); err == nil {
					alive = append(alive, c)
				}
			}
			return alive
		}
		until(t, "one tab to be left", func() bool { return len(living()) == 1 })
		last := living()[0]
		s.wantOneTab(s.count(connectEvent, "ana"), last, slices.DeleteFunc(slices.Clone(tabs), func(c *waggle.Client) bool { return c == last })...)
	})
}
