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

// The tests of several tabs of one member, with real clients, which reconnect by
// themselves.

// wantReplaced wants a client to end with ErrReplaced.
func wantReplaced(t *testing.T, c *waggle.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		if _, err := c.Next(ctx); errors.Is(err, waggle.ErrReplaced) {
			return
		} else if err != nil {
			t.Fatalf("got %v, want ErrReplaced", err)
		}
	}
}

// wantOneTab wants ana to have connected so often in all, and no more. One tab stays
// connected, and the others do not reconnect.
func (s *controlledStack) wantOneTab(connects int, living *waggle.Client, others ...*waggle.Client) {
	s.t.Helper()
	until(s.t, "ana to connect", func() bool { return s.count(connectEvent, "ana") == connects })
	for range 15 {
		if _, err := living.Ping(s.t.Context()); err != nil {
			s.t.Fatalf("the newest tab: %v", err)
		}
		for _, c := range others {
			if _, err := c.Ping(s.t.Context()); !errors.Is(err, waggle.ErrReplaced) {
				s.t.Fatalf("a replaced tab: got %v, want ErrReplaced", err)
			}
		}
	}
	if now := s.count(connectEvent, "ana"); now != connects {
		s.t.Errorf("ana connected %d times, want %d", now, connects)
	}
}

func TestTwoTabsDoNotReplaceEachOtherForever(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		first, second := s.join("ana"), s.join("ana")
		wantReplaced(t, first)
		s.wantOneTab(2, second, first)
		second.Drop()
		s.wantOneTab(3, second, first)
	})
}

// The error replaced to the first tab is lost. So that tab reconnects, and replaces the
// second one, which ends.
func TestOneTabRemainsWhenTheErrorReplacedIsLost(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		first := s.join("ana")
		silent := s.connectionOf("ana")
		var reconnect *held
		s.onPost(func(connection string) int {
			if connection != silent {
				return 0
			}
			reconnect = s.hold(connectEvent, "ana", "")
			return http.StatusTooManyRequests
		})
		second := s.join("ana")
		reconnect.release()
		wantReplaced(t, second)
		s.wantOneTab(3, first, second)
	})
}

// The $connect of an older connection may be handled after that of a newer one.
func TestATabWhoseConnectIsLateIsReplaced(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		first := s.join("ana")
		late := s.hold(connectEvent, "ana", "")
		first.Drop() // it reconnects
		late.waitUntilHeld(t)
		s.advance(time.Millisecond)
		second := s.join("ana")
		late.release()
		wantReplaced(t, first)
		s.wantOneTab(3, second, first)
	})
}

func TestOfTenTabsAtOnceOneRemains(t *testing.T) {
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
						t.Errorf("got %v, want success or ErrReplaced", err)
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
		until(t, "one tab to remain", func() bool { return len(living()) == 1 })
		last := living()[0]
		s.wantOneTab(s.count(connectEvent, "ana"), last, slices.DeleteFunc(slices.Clone(tabs), func(c *waggle.Client) bool { return c == last })...)
	})
}
