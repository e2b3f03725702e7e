package main

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"waggle/internal/protocol"
	"waggle/test/kit/caches"
)

const unavailable = "the service cannot do this right now: try again in a moment"

// tell gives a real server commands, one a line, and wants +OK for each.
func sendCommands(t *testing.T, cache caches.Cache, commands ...string) {
	t.Helper()
	socket, err := net.Dial("tcp", strings.TrimPrefix(cache.URL, "redis://"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	answers := bufio.NewReader(socket)
	for _, command := range commands {
		if _, err := socket.Write([]byte(command + "\r\n")); err != nil {
			t.Fatal(err)
		}
		if answer, err := answers.ReadString('\n'); answer != "+OK\r\n" && !strings.HasPrefix(answer, ":") {
			t.Fatalf("%s: got %q, %v", command, answer, err)
		}
	}
}

// wantUnavailable wants every action that needs the cache to be answered so.
func wantUnavailable(s *testStack, ana *rawConn) {
	s.t.Helper()
	for _, action := range []string{"hello", "ping", "locate", "match", "cancel"} {
		ana.sendText(`{"action":"` + action + `","id":"i"}`)
		ana.wantError(protocol.CodeUnavailable, "i", unavailable)
	}
	ana.sendText(at(`"lat":37.7764,"lng":-122.4172`))
	ana.wantError(protocol.CodeUnavailable, "i", unavailable)
	if got := s.refused(s.token("member", "ben")); got != http.StatusServiceUnavailable {
		s.t.Errorf("$connect: got %d, want 503", got)
	}
}

func TestAFullCache(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		cache := caches.Server(t, "--maxmemory-policy", "noeviction")
		s := runStack(t, append(runtime, "-cache", cache.URL)...)
		one, other := s.join("one"), s.join("other")
		match := pair(t, one, other)
		ana := s.dial("ana")
		ana.stillWorks()

		sendCommands(t, cache, "CONFIG SET maxmemory 1")
		ana.sendText(at(`"lat":37.7764,"lng":-122.4172`))
		ana.wantError(protocol.CodeUnavailable, "i", unavailable)
		ana.sendText(`{"action":"match","id":"m","lat":37.7764,"lng":-122.4172}`)
		ana.wantError(protocol.CodeUnavailable, "m", unavailable)
		if got := s.refused(s.token("member", "ben")); got != http.StatusServiceUnavailable {
			t.Errorf("$connect: got %d, want 503", got)
		}

		sendCommands(t, cache, "CONFIG SET maxmemory 0")
		ana.stillWorks()
		for _, c := range []interface{ Drop() }{one, other} {
			c.Drop() // what they heard is as nothing: only the cache knows
		}
		if w := hello(t, one); w.Match == nil || w.Match.Match != match {
			t.Errorf("got %+v, want match %s still", w.Match, match)
		}
		s.stillWorks()
	})
}

func TestACacheThatIsGoneForAWhile(t *testing.T) {
	cache := caches.Server(t)
	s := runStack(t, "-cache", cache.URL)
	ana := s.dial("ana")
	ana.stillWorks()
	shutDown(t, cache)
	wantUnavailable(s, ana)

	caches.Restart(t, cache)
	until(t, "the stack to find its cache again", func() bool { return s.refused(s.token("member", "ben")) == http.StatusSwitchingProtocols })
	ana.stillWorks()
	s.stillWorks()
	if err := s.end(); err != nil { // while this cache is there, which it is not when the test is over
		t.Errorf("the end: %v", err)
	}
}

func TestACacheThatWantsAPasswordMeanwhile(t *testing.T) {
	cache := caches.Server(t)
	s := runStack(t, "-cache", cache.URL)
	ana := s.dial("ana")
	ana.stillWorks()
	sendCommands(t, cache, "CONFIG SET requirepass secret", "CLIENT KILL TYPE normal SKIPME yes")
	wantUnavailable(s, ana)
	sendCommands(t, cache, "AUTH secret", `CONFIG SET requirepass ""`)
	until(t, "the stack to be let in again", func() bool { return s.refused(s.token("member", "ben")) == http.StatusSwitchingProtocols })
	ana.stillWorks()
	s.stillWorks()
}

// TestCachesThatTheStackDoesNotStartOn: unreachable ones are among the flags' tests.
func TestCachesThatTheStackDoesNotStartOn(t *testing.T) {
	cache := caches.Server(t, "--requirepass", "secret")
	host := strings.TrimPrefix(cache.URL, "redis://")
	for name, test := range map[string]struct{ url, want string }{
		"it wants a password": {cache.URL, "it wants a password: redis://:password@host:port, or redis://user:password@host:port"},
		"a wrong password":    {"redis://:barley@" + host, "it takes neither this user nor this password, or not together: redis://user:password@host:port"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, log bytes.Buffer
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := run(ctx, []string{"-addr", "127.0.0.1:0", "-cache", test.url}, cancelOnWrite{&out, cancel}, &log)
			if err == nil || !strings.Contains(err.Error(), "-cache: cache "+host+": "+test.want) || strings.Contains(err.Error(), "barley") {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	runStack(t, "-cache", "redis://:secret@"+host).stillWorks()
}

// TestASecondStackOnThePort: it says what to type, and the first goes on.
func TestASecondStackOnThePort(t *testing.T) {
	first := runStack(t)
	ana := first.dial("ana")
	taken := strings.TrimPrefix(first.base, "http://")
	var out, log bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := run(ctx, []string{"-addr", taken}, cancelOnWrite{&out, cancel}, &log)
	if err == nil || !strings.Contains(err.Error(), taken+" is in use by another program: try -addr 127.0.0.1:") {
		t.Errorf("got %v, want what to type instead", err)
	}
	ana.stillWorks()
	first.stillWorks()
}
