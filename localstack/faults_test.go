package main

import (
	"fmt"
	"net/http"
	"testing"

	"waggle/clients/go/waggle"
	"waggle/localstack/faults"
	"waggle/test/kit/caches"
)

// TestEachFaultShowsInTheStack injects each fault alone, at every opportunity.
func TestEachFaultShowsInTheStack(t *testing.T) {
	const ping = `{"action":"ping","id":"p"}`
	tests := map[string]struct {
		chance string
		check  func(s *testStack, f *faults.Faults)
	}{
		"lost-disconnect": {"1", func(s *testStack, f *faults.Faults) {
			ben := s.dial("ben")
			ben.report(lat, lng)
			_ = ben.ws.CloseNow()
			waitForFaults(s.t, f, 1)
			f.Stop()
			if !s.isFoundAt(lat, lng) {
				s.t.Error("ben is not found: his $disconnect was handled")
			}
		}},
		"late-disconnect": {"1:20s", func(s *testStack, f *faults.Faults) {
			ben := s.dial("ben")
			ben.report(lat, lng)
			_ = ben.ws.CloseNow()
			waitForFaults(s.t, f, 1)
			if !s.isFoundAt(lat, lng) {
				s.t.Error("ben is not found: his $disconnect was handled too early")
			}
			f.Stop()
			until(s.t, "the $disconnect", func() bool { return !s.isFoundAt(lat, lng) })
		}},
		"duplicate": {"1", func(s *testStack, f *faults.Faults) {
			ana := s.dial("ana")
			ana.sendText(ping)
			for range 2 {
				if p := receiveA[*waggle.Pong](ana); p.ID != "p" {
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
				receiveA[*waggle.Pong](ana)
				receiveA[*waggle.Pong](ana)
			}
			waitForFaults(s.t, f, 4) // each second message releases the first
		}},
		"gone": {"1", func(s *testStack, f *faults.Faults) {
			ana := s.dial("ana")
			ana.sendText(ping)
			waitForFaults(s.t, f, 2) // a push to a young connection is retried
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
			if got := s.handshakeStatus(s.token("member", "ana")); got != http.StatusServiceUnavailable {
				s.t.Errorf("$connect: got %d, want 503", got)
			}
			waitForFaults(s.t, f, 15) // $connect retries for as long as a failover may take
			f.Stop()
			s.dial("ana").stillWorks()
		}},
		"slow-cache": {"1:1ms", func(s *testStack, f *faults.Faults) {
			s.dial("ana").stillWorks()
			waitForFaults(s.t, f, 3) // for $connect and for the ping: the very first takes two trips, as this cache has no functions
		}},
	}
	for _, fault := range faults.All() {
		name := fault.Name
		t.Run(name, func(t *testing.T) {
			test, ok := tests[name]
			if !ok {
				t.Fatal("there is no test for it here")
			}
			f := parseFaults(t, name+"="+test.chance)
			s := startStack(t, config{Cache: caches.Embedded(t).URL, Faults: f})
			test.check(s, f)
		})
	}
}

// parseFaults parses the value of -faults.
func parseFaults(t *testing.T, text string) *faults.Faults {
	t.Helper()
	f, err := faults.New(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// waitForFaults waits until the one fault that is on has occurred so often, at each
// opportunity.
func waitForFaults(t *testing.T, f *faults.Faults, times int) {
	t.Helper()
	until(t, fmt.Sprintf("%d faults: %s", times, f.Summary()), func() bool {
		c := f.Counts()[0]
		if c.Occurred != c.Opportunities || c.Occurred > times {
			t.Fatalf("got %+v, want %d", c, times)
		}
		return c.Occurred == times
	})
}
