package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"waggle/clients/go/waggle"
	"waggle/localstack/apigateway"
)

// observeFrames feeds frames to metrics. Each line is "ms connection in|out payload".
func observeFrames(t *testing.T, lines ...string) snapshot {
	t.Helper()
	m, start := newMetrics(), time.Unix(1_700_000_000, 0)
	for _, line := range lines {
		var ms int
		var connection, direction string
		if _, err := fmt.Sscan(line, &ms, &connection, &direction); err != nil {
			t.Fatal(err)
		}
		_, payload, _ := strings.Cut(line, direction+" ")
		m.observe(apigateway.Frame{ConnectionID: connection, Direction: apigateway.Direction(direction),
			Time: start.Add(time.Duration(ms) * time.Millisecond), Payload: []byte(payload)})
	}
	return m.read(start)
}

func TestMetricsCountFrames(t *testing.T) {
	const (
		asked   = `in {"action":"match","id":"m"}`
		matched = `out {"type":"matched","id":"m","match":"x","role":"matcher"}`
	)
	for name, test := range map[string]struct {
		lines []string
		want  string // reports, matches, errors, samples, median
	}{
		"reports":               {[]string{`0 a in {"action":"location"}`, `1 b in {"action":"location"}`, `2 a in {"action":"ping"}`}, "2 0 0 0 0s"},
		"a match":               {[]string{"0 a " + asked, "4 a " + matched}, "0 1 0 1 4ms"},
		"to both, and a repeat": {[]string{"0 a " + asked, "4 a " + matched, `4 b out {"type":"matched","match":"x","role":"matchee"}`, "9 a " + asked, "11 a " + matched}, "0 1 0 2 4ms"},
		"nobody found":          {[]string{"0 a " + asked, `7 a out {"type":"no_match","id":"m"}`}, "0 0 0 1 7ms"},
		"waiting is no sample":  {[]string{"0 a " + asked, `2 a out {"type":"waiting","id":"m"}`, "9000 a " + matched}, "0 1 0 0 0s"},
		"refused":               {[]string{"0 a " + asked, `2 a out {"type":"error","id":"m","code":"conflict"}`}, "0 0 1 0 0s"},
		"another's reply":       {[]string{"0 a " + asked, "4 b " + matched}, "0 0 0 0 0s"},
		"another message's":     {[]string{"0 a " + asked, `4 a out {"type":"error","id":"l"}`, "6 a " + matched}, "0 1 1 1 6ms"},
		"asked while matched":   {[]string{`0 a in {"action":"match"}`, `3 a out {"type":"matched","match":"x","role":"matchee"}`}, "0 0 0 0 0s"},
		"no JSON, wrong types":  {[]string{"0 a in {", `0 a in {"action":"location","id":5}`, "0 a in [1]", `0 a out {"message":"Internal server error"}`}, "0 0 0 0 0s"},
		"the median of several": {[]string{"0 a " + asked, "9 a " + matched, "10 a " + asked, "12 a " + matched, "20 a " + asked, "23 a " + matched}, "0 1 0 3 3ms"},
	} {
		s := observeFrames(t, test.lines...)
		if got := fmt.Sprint(s.reports, s.matches, s.errors, s.samples, " ", s.median); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

func TestMetricsStayBounded(t *testing.T) {
	m, now := newMetrics(), time.Unix(1_700_000_000, 0)
	for i := range 2 * latencySamples {
		now = now.Add(forgetAfter / 100)
		id := fmt.Sprint("connection-", i)
		m.observe(apigateway.Frame{ConnectionID: id, Direction: apigateway.In, Time: now, Payload: []byte(`{"action":"match"}`)})
		took := time.Duration(i) * time.Microsecond
		m.observe(apigateway.Frame{ConnectionID: id, Direction: apigateway.Out, Time: now.Add(took), Payload: []byte(`{"type":"no_match"}`)})
	}
	if got := len(m.requesters); got > 110 {
		t.Errorf("%d requesters are kept", got)
	}
	s := m.read(now)
	if s.samples != latencySamples || s.median != (latencySamples+latencySamples/2)*time.Microsecond {
		t.Errorf("got %d samples, median %v: want the latest %d", s.samples, s.median, latencySamples)
	}
}

func TestTheStackMeasuresItsTraffic(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := start(ctx, config{Addr: "127.0.0.1:0", Cache: embeddedCache, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	r := &testStack{t: t, api: s.url("ws", "/"+stage), base: s.url("http", "")}
	ana, ben := r.join("ana"), r.join("ben")
	pair(t, ana, ben)
	if _, err := ana.Match(t.Context(), waggle.Match{Radius: 1}); err == nil {
		t.Error("a radius of 1 m is accepted")
	}
	got := s.read()
	if got.members != 2 || got.reports != 2 || got.matches != 1 || got.errors != 1 || got.samples != 1 || got.median <= 0 {
		t.Errorf("got %+v, want 2 members, 2 reports, 1 match with its time, 1 error", got)
	}
	// What the work came to is counted after the replies.
	until(t, "the match is counted", func() bool {
		_, page := r.get("/metrics")
		return strings.Contains(page, "\nwaggle_request_match_duration_seconds_count 1\n")
	})
	_, page := r.get("/metrics")
	for _, want := range []string{"waggle_connections 2", `waggle_messages_total\{action="location"\} 2`, `waggle_request_outcomes_total\{outcome="matched"\} 1`,
		`waggle_messages_refused_total\{code="invalid_message"\} 1`, `waggle_pushes_total\{result="ok"\} \d+`, `waggle_cache_trips_total\{result="ok"\} \d+`,
		"waggle_request_match_duration_seconds_count 1", "waggle_search_cells_sum 1", "waggle_search_candidates_sum 1", "waggle_throttled_total 0",
		`waggle_invocations_total\{function="match"\} \d+`, `waggle_cache_keys \d+`, `go_goroutines \d+`, `go_gc_heap_live_bytes \S+`, `process_resident_memory_bytes \S+`} {
		if !regexp.MustCompile(`(?m)^` + want + `$`).MatchString(page) {
			t.Errorf("/metrics has no line %s:\n%s", want, page)
		}
	}
	if line := got.statusLine(snapshot{}); !regexp.MustCompile(`^members 2 · .* · matches 1 · match p50 \d+\.\d ms · errors 1$`).MatchString(line) {
		t.Errorf("got %q", line)
	}
}
