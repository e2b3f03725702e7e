package main

import (
	"fmt"
	"net/http"
	"testing"

	"waggle/internal/protocol"
	"waggle/localstack/faults"
	"waggle/test/kit"
	"waggle/test/kit/caches"
)

// TestEachFaultBefallsTheStack: each by itself, and whenever it can.
func TestEachFaultBefallsTheStack(t *testing.T) {
	const ping = `{"action":"ping","id":"p"}`
	tests := map[string]struct {
		chance string
		shows  func(s *testStack, f *faults.Faults)
	}{
		"lost-disconnect": {"1", func(s *testStack, f *faults.Faults) {
			ben := s.dial("ben")
			ben.report(lat, lng)
			_ = ben.ws.CloseNow()
			waitForFaults(s.t, f, 1)
			f.Stop()
			if !s.isFoundAt(lat, lng) {
				s.t.Error("ben is not found: his $disconnect has come")
			}
		}},
		"late-disconnect": {"1:20s", func(s *testStack, f *faults.Faults) {
			ben := s.dial("ben")
			ben.report(lat, lng)
			_ = ben.ws.CloseNow()
			waitForFaults(s.t, f, 1)
			if !s.isFoundAt(lat, lng) {
				s.t.Error("ben is not found: his $disconnect has come already")
			}
			f.Stop()
			until(s.t, "the $disconnect", func() bool { return !s.isFoundAt(lat, lng) })
		}},
		"duplicate": {"1", func(s *testStack, f *faults.Faults) {
			ana := s.dial("ana")
			ana.sendText(ping)
			for range 2 {
				if p := receive[*protocol.Pong](ana); p.ID != "p" {
					s.t.Errorf("got %+v", p)
				}
			}
			waitForFaults(s.t, f, 1)
		}},
		"reorder": {"1:20s", func(s *testStack, f *faults.Faults) {
			ana := s.dial("ana")
			for range 4 {
				ana.sendText(ping)
				ana.sendText(ping)
				receive[*protocol.Pong](ana)
				receive[*protocol.Pong](ana)
			}
			waitForFaults(s.t, f, 4) // each second one lets the first go
		}},
		"gone": {"1", func(s *testStack, f *faults.Faults) {
			ana := s.dial("ana")
			ana.sendText(ping)
			waitForFaults(s.t, f, 2) // a young connection is tried again
			f.Stop()
			ana.stillWorks()
		}},
		"limit": {"1", func(s *testStack, f *faults.Faults) {
			ana := s.dial("ana")
			ana.sendText(ping)
			waitForFaults(s.t, f, 1)
			f.Stop()
			ana.stillWorks()
		}},
		"lost-reply": {"1", func(s *testStack, f *faults.Faults) {
			if got := s.refused(s.token("member", "ana")); got != http.StatusServiceUnavailable {
				s.t.Errorf("$connect: got %d, want 503", got)
			}
			waitForFaults(s.t, f, 15) // $connect tries again for as long as a failover may take
			f.Stop()
			s.dial("ana").stillWorks()
		}},
		"slow-cache": {"1:1ms", func(s *testStack, f *faults.Faults) {
			s.dial("ana").stillWorks()
			waitForFaults(s.t, f, 4) // of $connect and of the ping: the first run of a script takes two
		}},
	}
	for _, fault := range faults.All() {
		name := fault.Name
		t.Run(name, func(t *testing.T) {
			test, ok := tests[name]
			if !ok {
				t.Fatal("it has no test here")
			}
			f := parseFaults(t, name+"="+test.chance)
			s := startStack(t, config{Cache: caches.Embedded(t).URL, Faults: f})
			test.shows(s, f)
		})
	}
}

func parseFaults(t *testing.T, text string) *faults.Faults {
	t.Helper()
	f, err := faults.New(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// befallen waits until the one fault that is on has befallen so often, which it
// did each time that it could.
func waitForFaults(t *testing.T, f *faults.Faults, times int) {
	t.Helper()
	until(t, fmt.Sprintf("%d faults: %s", times, f.Summary()), func() bool {
		c := f.Counts()[0]
		if c.Befell != c.Asked || c.Befell > times {
			t.Fatalf("got %+v, want %d", c, times)
		}
		return c.Befell == times
	})
}

// TestNobodyIsStuckAfterFaults: a dozen members report, ask, wait, cancel, end,
// drop and open second tabs while everything goes wrong. Then it does no more, and
// each connects again: who is in a match is in that one with one other, and
// everybody else is found.
func TestNobodyIsStuckAfterFaults(t *testing.T) {
	first := kit.Seed(t)
	for round := range uint64(kit.Times(1, 30)) {
		t.Run(fmt.Sprint("round ", round), func(t *testing.T) {
			caches.Each(t, func(t *testing.T, cache caches.Cache) {
				f := parseFaults(t, fmt.Sprintf("lost-disconnect=0.4,late-disconnect=0.5:50ms,duplicate=0.2,reorder=0.2:20ms,"+
					"gone=0.1,limit=0.1,lost-reply=0.04,slow-cache=0.2:5ms,seed=%d", first+round))
				c := newRandomMembers(t, config{Cache: cache.URL, Faults: f}, first+round)
				c.act(30)
				f.Stop()
				t.Logf("%s; %d matches, %d calls without an answer", f.Summary(), c.matches.Load(), c.unanswered.Load())
				for _, count := range f.Counts() {
					if count.Befell == 0 {
						t.Errorf("%s never befell in %d times", count.Name, count.Asked)
					}
				}
				if c.matches.Load() == 0 {
					t.Error("nobody was ever matched")
				}
				c.wantNobodyStuck()
			})
		})
	}
}
