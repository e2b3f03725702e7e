package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"waggle/clients/go/waggle"
	"waggle/test/kit/caches"
)

const unavailable = "the service cannot do this right now: try again in a moment"

// sendCommands sends commands to a real server, each of which must succeed.
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

// wantUnavailable wants the error unavailable for every action, since all need the cache.
func wantUnavailable(s *testStack, ana *rawConn) {
	s.t.Helper()
	for _, action := range []string{"hello", "ping", "locate", "match", "cancel"} {
		ana.sendText(`{"action":"` + action + `","id":"i"}`)
		ana.wantError(waggle.CodeUnavailable, "i", unavailable)
	}
	ana.sendText(at(`"lat":37.7764,"lng":-122.4172`))
	ana.wantError(waggle.CodeUnavailable, "i", unavailable)
	if got := s.handshakeStatus(s.token("member", "ben")); got != http.StatusServiceUnavailable {
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
		ana.wantError(waggle.CodeUnavailable, "i", unavailable)
		ana.sendText(`{"action":"match","id":"m","lat":37.7764,"lng":-122.4172}`)
		ana.wantError(waggle.CodeUnavailable, "m", unavailable)
		if got := s.handshakeStatus(s.token("member", "ben")); got != http.StatusServiceUnavailable {
			t.Errorf("$connect: got %d, want 503", got)
		}

		sendCommands(t, cache, "CONFIG SET maxmemory 0")
		ana.stillWorks()
		for _, c := range []interface{ Drop() }{one, other} {
			c.Drop() // so that only the cache knows the match
		}
		if w := hello(t, one); w.Match == nil || w.Match.Match != match {
			t.Errorf("got %+v, want still match %s", w.Match, match)
		}
		s.stillWorks()
	})
}

func TestACacheThatGoesDownAndComesBack(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		cache := caches.Server(t)
		s := runStack(t, append(runtime, "-cache", cache.URL)...)
		ana := s.dial("ana")
		ana.stillWorks()
		shutDown(t, cache)
		wantUnavailable(s, ana)
		if status, _ := s.get("/healthz"); status != http.StatusOK {
			t.Errorf("/healthz: got %d: the stack itself runs", status)
		}

		caches.Restart(t, cache)
		until(t, "the stack to reconnect to its cache", func() bool { return s.handshakeStatus(s.token("member", "ben")) == http.StatusSwitchingProtocols })
		ana.sendText(`{"action":"ping"}`)
		if w := receiveA[*waggle.Welcome](ana); w.ID != "" {
			t.Errorf("got a welcome with the id %q, want one that comes by itself: the cache has lost the session", w.ID)
		}
		receiveA[*waggle.Pong](ana)
		ana.stillWorks()
		s.stillWorks()
		if err := s.stop(); err != nil { // before the cleanup of the test stops the cache
			t.Errorf("stop: %v", err)
		}
	})
}

// shutDown shuts a real server down.
func shutDown(t *testing.T, c caches.Cache) {
	t.Helper()
	socket, err := net.Dial("tcp", strings.TrimPrefix(c.URL, "redis://"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if _, err := socket.Write([]byte("SHUTDOWN NOSAVE\r\n")); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(socket); len(answer) > 0 {
		t.Fatalf("SHUTDOWN: got %s, %v", answer, err)
	}
}

func TestACacheThatGetsAPassword(t *testing.T) {
	cache := caches.Server(t)
	s := runStack(t, "-cache", cache.URL)
	ana := s.dial("ana")
	ana.stillWorks()
	sendCommands(t, cache, "CONFIG SET requirepass secret", "CLIENT KILL TYPE normal SKIPME yes")
	wantUnavailable(s, ana)
	sendCommands(t, cache, "AUTH secret", `CONFIG SET requirepass ""`)
	until(t, "the stack to reconnect to its cache", func() bool { return s.handshakeStatus(s.token("member", "ben")) == http.StatusSwitchingProtocols })
	ana.stillWorks()
	s.stillWorks()
}

// The tests of the flags have a cache that is unreachable.
func TestTheStackDoesNotStartWithoutTheCachePassword(t *testing.T) {
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

// A second stack on the port does not start and says what to type; the first continues.
func TestASecondStackOnThePort(t *testing.T) {
	first := runStack(t)
	ana := first.dial("ana")
	taken := strings.TrimPrefix(first.base, "http://")
	var out, log bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := run(ctx, []string{"-addr", taken}, cancelOnWrite{&out, cancel}, &log)
	if err == nil || !strings.Contains(err.Error(), taken+" is in use by another program: try -addr 127.0.0.1:") || !strings.Contains(err.Error(), ", or -addr 127.0.0.1:0 ") {
		t.Errorf("got %v, want what to type instead", err)
	}
	if out.Len() > 0 || log.Len() > 0 {
		t.Errorf("printed %q, logged %q", &out, &log)
	}
	ana.stillWorks()
	first.stillWorks()
}
