package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"waggle/cmd/waggle/cli"
	"waggle/internal/protocol"
)

func TestAdminSendsAVerbAndPrintsTheAnswer(t *testing.T) {
	var sent string
	status, answer, failed := http.StatusOK, "", ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent = r.Method + " " + r.URL.Path + " " + string(body)
		if failed != "" {
			w.Header().Set("X-Amz-Function-Error", failed)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer s.Close()
	for name, test := range map[string]struct {
		args, sent     string
		status         int
		failed, answer string
		out, complaint string
	}{
		"an answer": {"member.get member=ana position=true", `{"verb":"member.get","pool":"default","member":"ana","position":true}`, 200, "",
			`{"type":"member","member":"ana"}`, "{\n  \"type\": \"member\",\n  \"member\": \"ana\"\n}\n", ""},
		"another pool, and an id of digits": {"-pool taxi match.end match=7 member=8", `{"verb":"match.end","pool":"taxi","match":"7","member":"8"}`, 200, "",
			`{}`, "{}\n", ""},
		"a point": {"match.create matcher=true matchee=ben lat=1.5 lng=-2", `{"verb":"match.create","pool":"default","matcher":"true","matchee":"ben","lat":1.5,"lng":-2}`, 200, "",
			`{}`, "{}\n", ""},
		"an error": {"member.get member=a", `{"verb":"member.get","pool":"default","member":"a"}`, 200, "",
			`{"type":"error","code":"not_found","message":"nothing is known"}`, "", "not_found: nothing is known"},
		"a refusal": {"member.get", `{"verb":"member.get","pool":"default"}`, 404, "", "404 page not found", "",
			"404 Not Found: 404 page not found; only a local stack that listens on loopback takes verbs"},
		"a failure": {"member.get", `{"verb":"member.get","pool":"default"}`, 200, "Unhandled", `{"errorMessage":"boom"}`, "", "boom"},
		"no JSON":   {"member.get", `{"verb":"member.get","pool":"default"}`, 200, "", `hello`, "", `"hello", which is not JSON`},
	} {
		t.Run(name, func(t *testing.T) {
			status, failed, answer = test.status, test.failed, test.answer
			out, _, err := typed(t.Context(), "", append([]string{"admin", "-url", s.URL}, strings.Fields(test.args)...)...)
			if sent != "POST /2015-03-31/functions/match/invocations "+test.sent || out != test.out {
				t.Errorf("sent %s and printed %q", sent, out)
			}
			if (err == nil) != (test.complaint == "") || err != nil && !strings.Contains(err.Error(), test.complaint) {
				t.Errorf("got %v, want %q", err, test.complaint)
			}
		})
	}
	s.Close()
	if _, _, err := typed(t.Context(), "", "admin", "-url", s.URL, "member.get"); err == nil || !strings.Contains(err.Error(), "make run") {
		t.Errorf("without a stack: got %v", err)
	}
}

func TestTheHelpOfAdminTeachesEachVerb(t *testing.T) {
	out, _, err := typed(t.Context(), "", "admin", "-h")
	names, fields := protocol.Verbs()
	for _, name := range names {
		if err != nil || !strings.Contains(out, "\n  "+name+" ") || !strings.Contains(out, strings.Join(fields[name], ", ")) {
			t.Errorf("%s: got %v and\n%s", name, err, out)
		}
	}
	for _, args := range []string{"", "member.get ana", "member.get =ana", "-url nowhere member.get"} {
		if _, _, err := typed(t.Context(), "", append([]string{"admin"}, strings.Fields(args)...)...); !errors.Is(err, cli.ErrUsage) {
			t.Errorf("%q: got %v", args, err)
		}
	}
}
