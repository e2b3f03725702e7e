package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"waggle/cmd/waggle/stack"
	"waggle/lab/load"
	"waggle/test/kit"
	"waggle/test/kit/caches"
)

// small is a load that a busy machine can do.
const small = "-connections 40 -follows 4 -waiting 3 -askers 6 -reports 30 -requests 3 -follow 500ms -warm-up 1s"

func startStack(t *testing.T, binary string, args ...string) *stack.Stack {
	t.Helper()
	s, err := stack.Start(t.Context(), exec.Command(binary, args...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func loadOn(t *testing.T, s *stack.Stack, args string) (out string, err error) {
	t.Helper()
	out, _, err = typed(t.Context(), append([]string{"load", "-url", s.URL}, strings.Fields(small+" "+args)...)...)
	t.Logf("load %s\n%s", args, out)
	return out, err
}

func TestLoadMeasuresAStack(t *testing.T) {
	kit.Command(t, "go", "Go, with its command on the path")
	cache := caches.Server(t).URL
	s := startStack(t, buildStack(t, nil), "-addr", "127.0.0.1:0", "-cache", cache)
	out, err := loadOn(t, s, "-for 5s -reconnect-at 1s -cache "+cache)
	if err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		"40 connections: 4 follow 4 others, 3 wait for somebody who does not come, 6 ask, 23 only report",
		`reports    \d+ \(\d+\.\d a second\); acknowledged \d+`, `requests   1\d .*: \d+ matched, \d no match, 0 unanswered`, "refused    ",
		`bare echo +\d+\.\d\d`, `report → ack +\d+\.\d\d`, `report → push +\d+\.\d\d`, `match → matched +\d+\.\d\d`, `connect → open +\d+\.\d\d .* 40\n`,
		`server +start +warm +end +closed`, `goroutines +\d+ +\d+ +\d+ +\d+`, `keys +\d+ +\d+ +\d+ +\d+`, `connections +0 +40 +40 +0`,
		"The run is too short to say", "All connections were cut at once. 40 of 40 members are back", "Lost members: 0.",
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no %q", want)
		}
	}
	out, err = loadOn(t, s, "-ramp 30,60 -step 2s")
	if err != nil {
		t.Error(err)
	}
	if !regexp.MustCompile(`\n +30 +\d+ +100 % +0 +0 .*\n +60 +\d+ +100 % +0 +0 `).MatchString(out) {
		t.Error("no two rows without a refusal")
	}
}

// A stack that is started again with its cache has lost nobody. One that has lost its state
// has lost everybody who was in a match.
func TestLoadFindsWhoIsLostByARestart(t *testing.T) {
	kit.Command(t, "go", "Go, with its command on the path")
	binary := buildStack(t, nil)
	restart := func(t *testing.T, cache string) (string, error) {
		args := []string{"-addr", fmt.Sprint("127.0.0.1:", caches.FreePort(t)), "-cache", cache}
		first := startStack(t, binary, args...)
		restarted := make(chan struct{})
		defer func() { <-restarted }()
		go func() {
			defer close(restarted)
			for u := (load.Usage{}); t.Context().Err() == nil && (u.Connections == nil || *u.Connections < 40); {
				time.Sleep(20 * time.Millisecond)
				u, _ = load.ReadUsage(t.Context(), first.URL+"/metrics", nil) // read again if it fails
			}
			time.Sleep(2 * time.Second)
			first.Stop()
			second, err := stack.Start(t.Context(), exec.Command(binary, args...))
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(second.Stop)
		}()
		return loadOn(t, first, "-for 8s")
	}
	t.Run("server", func(t *testing.T) {
		if _, err := restart(t, caches.Server(t).URL); err != nil {
			t.Errorf("got %v, want nobody lost", err)
		}
	})
	t.Run("embedded", func(t *testing.T) {
		out, err := restart(t, "embedded")
		if err == nil || !regexp.MustCompile(`wrong: \d+ members are lost`).MatchString(err.Error()) {
			t.Errorf("got %v, want lost members", err)
		}
		if !regexp.MustCompile(`follower-\d should be in \S+ at the end: it is in match ""`).MatchString(out) {
			t.Error("no follower is named")
		}
	})
}
