package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// typed runs a command line with some input.
func typed(ctx context.Context, input string, args ...string) (out, errs string, err error) {
	var o, e bytes.Buffer
	err = run(ctx, console{in: strings.NewReader(input), out: &o, err: &e}, args)
	return o.String(), e.String(), err
}

func TestHelpTeaches(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"-h"}, {"help", "shell"}, {"demo", "-h"}, {"replay", "-help"}, {"judge", "-h"}, {"doctor", "-h"}} {
		out, errs, err := typed(t.Context(), "", args...)
		if err != nil || errs != "" {
			t.Errorf("%q: got %q, %v, want no error", args, errs, err)
		}
		if !strings.Contains(out, "waggle "+"shell -as ana") && !strings.Contains(out, "Flags:") {
			t.Errorf("%q: got %q, want an example or the flags", args, out)
		}
		// Without the pool at its speed a replay is of no use.
		if strings.Contains(out, "waggle replay -from") && !strings.Contains(out, "-print-pools") {
			t.Errorf("%q: got %q, with a replay but nothing of -print-pools", args, out)
		}
	}
}

func TestWrongUseSaysWhatIsRight(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"", "Commands:"},
		{"dance", `there is no command "dance"`},
		{"replay", "takes FILE, and got nothing"},
		{"demo now", `takes nothing but flags, and got ["now"]`},
		{"replay a b", `got ["a" "b"]`},
		{"judge a", "takes TRACE RECORD, and got [\"a\"]"},
		{"judge -zone Mars a b", "America/Los_Angeles"},
		{"shell -loud", "-loud"},
		{"demo -start -url http://x", "not both"},
		{"demo -timeout 0", "above 0"},
		{"demo -url nowhere", "is no URL"},
		{"demo -url wss://api.example/prod", "-token-command"},
		{"shell -url wss://api.example/prod", "-token-command"},
		{"shell -url ws://10.0.0.1:8080/prod", "-token-command"},
		{"doctor now", `takes nothing but flags, and got ["now"]`},
		{"doctor -url wss://api.example/prod", "-token-command"},
		{"doctor -url nowhere -token a.b.c", "is no URL"},
		{"doctor -token a -token b -token c", "two tokens at most, not 3"},
		{"doctor -token a -token-command x", "not both"},
		{"doctor -as ana", "two members, such as ana,ben"},
		{"doctor -patience 0s", "above 0"},
		{"shell -pool Bad", "1 to 32 of a-z"},
		{"shell -as=", "1 to 128 bytes, not 0"},
		{"shell -as " + strings.Repeat("é", 65), "1 to 128 bytes, not 130"},
		{"replay -print-pools -pool A", "1 to 32 of a-z"},
		{"replay -print-pools -speed 1000000", "grace"},
	} {
		_, errs, err := typed(t.Context(), "", strings.Fields(tt.args)...)
		if !errors.Is(err, errUsage) || !strings.Contains(errs, tt.want) {
			t.Errorf("%q: got %q, %v, want %q", tt.args, errs, err, tt.want)
		}
	}
}

func TestReplayErrorsSayWhatToDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cabs.csv")
	if err := os.WriteFile(file, []byte("unix_s,cab,lat,lng,occupied\n1212195600,a,37,-122,0\n1212195620,a,37,-122,0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ args, want string }{
		{"-speed 0", "-speed must be above 0"},
		{"-radius 5", "100 to 20000"},
		{"-wait 60000", "600 s at most"},
		{"-zone Mars", "America/Los_Angeles"},
		{"-from noon", "18:00"},
		{"-from 03:00 -for 1h", "goes from 2008-05-30T18:00:00-07:00 to 2008-05-30T18:00:20-07:00"},
		{"-from 0", "-from 1969-12-31T16:00:00-08:00 is outside"},
		{"-from 17:59", "is outside"},
		{"-from 18:00:21", "is outside"},
		{"-from 18:00:05 -for 10s", "has nothing from 2008-05-30T18:00:05-07:00"},
		{"-radius NaN", "100 to 20000"},
		{"-pool sf.old", "1 to 32 of a-z"},
		{"-url wss://api.example/prod", "-token-command"},
		{"-url nowhere", "is no URL"},
	} {
		_, errs, err := typed(t.Context(), "", append([]string{"replay", file}, strings.Fields(tt.args)...)...)
		if !errors.Is(err, errUsage) || !strings.Contains(errs, tt.want) {
			t.Errorf("%s: got %q, %v, want %q", tt.args, errs, err, tt.want)
		}
	}
	if _, _, err := typed(t.Context(), "", "replay", file, "-url", "http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "make run") {
		t.Errorf("nobody there: got %v, want the next step", err)
	}
	if _, _, err := typed(t.Context(), "", "replay", file+".not"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v", err)
	}
	if _, _, err := typed(t.Context(), "", "replay", file, "-record", filepath.Join(file, "x")); err == nil || !strings.Contains(err.Error(), "-record: ") {
		t.Errorf("no place for the record: got %v", err)
	}
}

func TestReplayPrintsPools(t *testing.T) {
	out, _, err := typed(t.Context(), "", "replay", "-print-pools", "-speed", "60", "-ttl", "180s")
	if err != nil || !strings.Contains(out, `"locationTTL": 3,`) || !strings.Contains(out, `"sf"`) {
		t.Errorf("got %s, %v, want a TTL of 3 s in pool sf", out, err)
	}
}

// echo is an API that answers each frame with one that holds it, or closes
// when told to.
func echo(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			fmt.Fprint(w, "token-of-"+r.FormValue("member")+"-"+r.FormValue("tags"))
			return
		}
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"waggle.v1"}})
		if err != nil {
			return
		}
		defer func() { _ = ws.CloseNow() }()
		_, token, _ := strings.Cut(r.Header.Get("Sec-WebSocket-Protocol"), "bearer.")
		say := func(text string) { _ = ws.Write(context.Background(), websocket.MessageText, []byte(text)) }
		say(`{"type":"matched","match":"m 1","card":"` + token + `"}`)
		for {
			_, raw, err := ws.Read(context.Background())
			if err != nil {
				return
			}
			if strings.Contains(string(raw), "bye") {
				_ = ws.Close(websocket.StatusNormalClosure, "")
				return
			}
			say(`{"echo":` + string(raw) + `}`)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestShellWorksFromAPipe(t *testing.T) {
	// The end of input is far sooner than the answers: it lingers for them.
	out, _, err := typed(t.Context(), "location 37.77 -122.42\n\n{\"action\":\"x\",\"a\":1}\nwhat now\n",
		"shell", "-as", "ana", "-tags", "van,big", "-linger", "2s", "-url", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`→ {"action":"location","lat":37.77,"lng":-122.42}`,
		`← {"echo":{"action":"location","lat":37.77,"lng":-122.42}}`,
		`→ {"action":"x","a":1}`,
		`← {"echo":{"action":"x","a":1}}`,
		`"now" is not name=value`,
		"token-of-ana-van,big",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in:\n%s", want, out)
		}
	}
	if strings.Contains(out, "> ") {
		t.Errorf("a prompt where nobody types:\n%s", out)
	}
}

func TestShellTellsThatTheServerClosed(t *testing.T) {
	out, _, err := typed(t.Context(), "bye\n", "shell", "-linger", "1m", "-url", echo(t))
	if err != nil || !strings.Contains(out, "the server closed the connection") {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestShellEndsWithAnInterrupt(t *testing.T) {
	url := echo(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := typed(ctx, "hello\n", "shell", "-linger", "1h", "-url", url); err != nil {
		t.Error(err)
	}
}

func TestExpand(t *testing.T) {
	for in, want := range map[string]string{
		"hello":                                  `{"action":"hello"}`,
		"hello id=7":                             `{"action":"hello","id":"7"}`,
		"location 37.77 -122.42 seq=3":           `{"action":"location","lat":37.77,"lng":-122.42,"seq":3}`,
		"location lat=1 lng=2":                   `{"action":"location","lat":1,"lng":2}`,
		"match radius=3000 wait=30 tags=van,big": `{"action":"match","radius":3000,"wait":30,"tags":["van","big"]}`,
		"location 1 2 available=false tags=":     `{"action":"location","lat":1,"lng":2,"available":false,"tags":[]}`,
		"end":                                    `{"action":"end","match":"m9"}`,
		"end m1 reason=cancelled":                `{"action":"end","match":"m1","reason":"cancelled"}`,
		"end match=m2":                           `{"action":"end","match":"m2"}`,
		"dance with=me":                          `{"action":"dance","with":"me"}`,
		`{"action":`:                             `{"action":`,
		"[1]":                                    "[1]",
	} {
		got, err := expand(in, "m9")
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"end", "match radius", "hello =1"} {
		if got, err := expand(in, ""); err == nil {
			t.Errorf("%s: got %s, want an error", in, got)
		}
	}
}

func TestBaseURL(t *testing.T) {
	for in, want := range map[string]string{
		"http://127.0.0.1:41234/":                  "http://127.0.0.1:41234",
		"  http://127.0.0.1:41234/token?member=x ": "http://127.0.0.1:41234",
		"ws://127.0.0.1:41234/prod":                "",
		"The map: http://127.0.0.1:1/":             "",
		"":                                         "",
	} {
		if got, _ := baseURL(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
