package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"waggle/cmd/waggle/cli"
)

// typed runs a command line with some input.
func typed(ctx context.Context, input string, args ...string) (out, errs string, err error) {
	var o, e bytes.Buffer
	err = program().Run(ctx, cli.Console{In: strings.NewReader(input), Out: &o, Err: &e}, args)
	return o.String(), e.String(), err
}

func TestHelpHasExamplesOrFlags(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"-h"}, {"help", "shell"}, {"demo", "-h"}, {"doctor", "-help"}} {
		out, errs, err := typed(t.Context(), "", args...)
		if err != nil || errs != "" {
			t.Errorf("%q: got %q, %v, want no error", args, errs, err)
		}
		if !strings.Contains(out, "waggle "+"shell -as ana") && !strings.Contains(out, "Flags:") {
			t.Errorf("%q: got %q, want an example or the flags", args, out)
		}
	}
}

func TestAMistakeIsExplained(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"", "Commands:"},
		{"dance", `there is no command "dance"`},
		{"demo now", `takes nothing but flags, and got ["now"]`},
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
		{"doctor -token a -as ana,ben", "not both"},
		{"doctor -token a.b.c -token a.b.c", "both tokens are the same"},
		{"doctor -token \"a.b.c\"", `it has the character '"', which no token has`},
		{"doctor -token \ufeffa.b.c", "it begins with a byte order mark"},
		{"doctor -token=", "-token: it is empty"},
		{"doctor -token-command token", "-token-command must have {member} in it: more than one member connects"},
		{"demo -token-command token", "-token-command must have {member} in it"},
		{"doctor -as ana,ana", `"ana" is there twice`},
		{"doctor -as ana,", "1 to 128 bytes, not 0"},
		{"shell -token-command 'get-token", "has a quote before get-token: it is run without a shell"},
		{"shell -tags a,,b", `-tags: "" is no tag, which is 1 to 32 of a-z`},
		{"shell -tags ,", `-tags: "" is no tag`},
		{"shell -tags VAN", `-tags: "VAN" is no tag`},
		{"shell -tags a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "at most 16 tags, not 17"},
		{"shell -tags a,b,a", `-tags: "a" is there more than once`},
		{"shell -linger -1s", "-linger must not be below 0"},
		{"doctor -as ana", "two members, such as ana,ben"},
		{"doctor -patience 0s", "above 0"},
		{"shell -pool Bad", "1 to 32 of a-z"},
		{"shell -as=", "1 to 128 bytes, not 0"},
		{"shell -as " + strings.Repeat("é", 65), "1 to 128 bytes, not 130"},
	} {
		_, errs, err := typed(t.Context(), "", strings.Fields(tt.args)...)
		if !errors.Is(err, cli.ErrUsage) || !strings.Contains(errs, tt.want) {
			t.Errorf("%q: got %q, %v, want %q", tt.args, errs, err, tt.want)
		}
	}
}

func TestBlanksAtTheEndsAreExplained(t *testing.T) {
	for want, args := range map[string][]string{
		`-as " ben": the name begins or ends with a blank`: {"doctor", "-as", "ana, ben"},
		`-tags: " big" is no tag`:                          {"shell", "-tags", "van, big"},
		`it has the character ' ', which no token has`:     {"doctor", "-token", "Bearer a.b.c"},
	} {
		if _, errs, err := typed(t.Context(), "", args...); !errors.Is(err, cli.ErrUsage) || !strings.Contains(errs, want) {
			t.Errorf("%q: got %q, %v, want %q", args, errs, err, want)
		}
	}
}

// echo starts an API that answers each frame with a copy of it, and closes after "bye".
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
	// The input ends long before the replies come: the shell waits for them.
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
		t.Errorf("a prompt though the input is a pipe:\n%s", out)
	}
}

func TestShellSaysThatTheServerClosed(t *testing.T) {
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
		`location 1 2 id="7" tags=null`:          `{"action":"location","lat":1,"lng":2,"id":"7","tags":null}`,
		`cancel id=null request=7`:               `{"action":"cancel","id":null,"request":"7"}`,
		"end":                                    `{"action":"end","match":"m9"}`,
		"end m1 reason=cancelled":                `{"action":"end","match":"m1","reason":"cancelled"}`,
		"accept":                                 `{"action":"accept","match":"m9"}`,
		"decline m1 id=7":                        `{"action":"decline","match":"m1","id":"7"}`,
		"end match=m2":                           `{"action":"end","match":"m2"}`,
		"say  on my  way":                        `{"action":"say","match":"m9","data":"on my  way"}`,
		`say {"a": 1}`:                           `{"action":"say","match":"m9","data":{"a": 1}}`,
		"say match=m2 data=1 id=7":               `{"action":"say","match":"m2","data":1,"id":"7"}`,
		"dance with=me":                          `{"action":"dance","with":"me"}`,
		`{"action":`:                             `{"action":`,
		"[1]":                                    "[1]",
	} {
		got, err := expand(in, "m9")
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"end", "accept", "say hi", "match radius", "hello =1", "\ufeffhello"} {
		if got, err := expand(in, ""); err == nil {
			t.Errorf("%s: got %s, want an error", in, got)
		}
	}
}
