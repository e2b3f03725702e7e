package main

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func TestTheGreetingIsComplete(t *testing.T) {
	s := &stack{address: "127.0.0.1:9000", open: true, loopback: true}
	want := `Waggle started in 0.31 s.

The map:
http://127.0.0.1:9000/

Two members, one tab each:
http://127.0.0.1:9000/?me=ana
http://127.0.0.1:9000/?me=ben

A token for a member:
http://127.0.0.1:9000/token?member=ana
  curl '127.0.0.1:9000/token?member=ana'

The WebSocket API:
ws://127.0.0.1:9000/prod

If your browser is on another machine, run this there first:
  ssh -L 9000:127.0.0.1:9000 this-machine

`
	if got := s.greeting(312*time.Millisecond, terminal{}); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	s.loopback = false
	if got := s.greeting(0, terminal{}); strings.Contains(got, "ssh") || !strings.Contains(got, "-allow-host NAME") {
		t.Errorf("other machines can reach the stack, so they need no ssh, but may need -allow-host:\n%s", got)
	}
}

func TestTheSSHCommandLeadsToThisMachine(t *testing.T) {
	for _, test := range []struct {
		from terminal
		want string
	}{
		{terminal{User: "bea"}, "ssh -L 80:127.0.0.1:80 this-machine"},
		{terminal{User: "bea", SSH: "10.0.0.9 51234 10.0.0.7 22"}, "ssh -L 80:127.0.0.1:80 bea@10.0.0.7"},
		{terminal{SSH: "fe80::1 51234 fe80::2 2222"}, "ssh -p 2222 -L 80:127.0.0.1:80 fe80::2"},
	} {
		if got := test.from.forward("127.0.0.1:80"); got != test.want {
			t.Errorf("%+v: got %q, want %q", test.from, got, test.want)
		}
	}
	if got, want := (terminal{}).forward("[::1]:80"), "ssh -L 80:[::1]:80 this-machine"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
