package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// local runs the local stack, which behaves as AWS is believed to.
func local(t *testing.T, flags ...string) *target {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "localstack")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./localstack")
	build.Dir = "../.."
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, said)
	}
	c := exec.CommandContext(context.WithoutCancel(t.Context()), binary, append(flags, "-addr", "127.0.0.1:0")...)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		_ = c.Wait() // fails, by the signal
	})
	s := &target{network: "none"}
	for lines := bufio.NewScanner(out); s.url == "" && lines.Scan(); {
		if u, err := url.Parse(lines.Text()); err == nil && u.Scheme == "ws" {
			s.url = u.String()
		}
	}
	if s.url == "" {
		t.Fatal("the local stack did not start")
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // until it ends
	for _, member := range []string{"ana", "ben"} {
		resp, err := http.Get("http" + strings.TrimSuffix(strings.TrimPrefix(s.url, "ws"), "/prod") + "/token?member=" + member)
		if err != nil {
			t.Fatal(err)
		}
		token, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		s.tokens = append(s.tokens, strings.TrimSpace(string(token)))
	}
	return s
}

// The local stack is built after docs/aws-behaviour.md, so every fact must hold on it. Facts
// that need an AWS account are not tried.
func TestEveryFactHoldsOnTheLocalStack(t *testing.T) {
	s := local(t)
	if f := s.pushes(t.Context()); f.status != holds {
		t.Errorf("got %v", f)
	}
	account := 0
	for _, check := range facts() {
		f := check.on(t.Context(), s)
		t.Log(f)
		if f.status == untried {
			account++
		} else if f.status != holds {
			t.Errorf("got %v", f)
		}
	}
	if account != 5 { // cold starts, two-way routes, the throttled function, sign-ins, and ten idle minutes
		t.Errorf("got %d facts not tried, want 5", account)
	}
}

func TestAnEmptyResponseIsSeen(t *testing.T) {
	for want, flags := range map[string][]string{"brought no frame": nil, "brought an empty frame": {"-two-way"}} {
		found, ok, err := responses(t.Context(), local(t, flags...))
		if err != nil || !ok || !strings.Contains(found, want) || !strings.Contains(found, "unknown_action") {
			t.Errorf("got %q, %v, %v, want that it %s", found, ok, err, want)
		}
	}
}

func TestAFactThatDoesNotHoldDiffers(t *testing.T) {
	half := func(context.Context, *target) (string, bool, error) { return "half of it", true, io.ErrUnexpectedEOF }
	if f := (check{fact: "a check that broke off", run: half}).on(t.Context(), nil); f.status != differs {
		t.Errorf("got %v, want that it differs", f)
	}
	s := local(t)
	stranger := *s
	stranger.tokens = []string{"nonsense", "nonsense"}
	if f := stranger.pushes(t.Context()); f.status != differs || !strings.Contains(f.found, "403") {
		t.Errorf("got %v, want that it differs with 403", f)
	}
	f := check{"a binary frame closes with 1009", nil, closes(binaryFrame, 1009)}.on(t.Context(), s)
	if f.status != differs || f.found != "1003" {
		t.Errorf("got %v, want that it differs with 1003", f)
	}
}

// Every row of the document that is not verified has a check, or a reason for having none.
func TestEveryUnverifiedRowHasACheckOrAReason(t *testing.T) {
	text, err := os.ReadFile("../../docs/aws-behaviour.md")
	if err != nil {
		t.Fatal(err)
	}
	var beginnings []string
	for _, check := range facts() {
		beginnings = append(beginnings, check.rows...)
	}
	for row := range unchecked() {
		beginnings = append(beginnings, row)
	}
	rows := regexp.MustCompile(`(?m)^\| (.+?) \| .*not verified.*\|$`).FindAllStringSubmatch(string(text), -1)
	if len(rows) < 10 {
		t.Fatalf("got %d rows that are not verified: the document was not read", len(rows))
	}
	for _, row := range rows {
		if !slices.ContainsFunc(beginnings, func(beginning string) bool { return strings.HasPrefix(row[1], beginning) }) {
			t.Errorf("%q has neither a check nor a reason for having none", row[1])
		}
	}
	for _, beginning := range beginnings {
		if !strings.Contains(string(text), "\n| "+beginning) {
			t.Errorf("docs/aws-behaviour.md has no row that begins with %q", beginning)
		}
	}
}

// unchecked are the rows of docs/aws-behaviour.md that are not verified and that no check is
// about, each with the reason.
func unchecked() map[string]string {
	return map[string]string{
		"A `$connect` that takes longer than 29 s":           "none of our functions takes so long",
		"A refused upgrade is followed by no":                "an event that never comes cannot be seen",
		"A request that is not a WebSocket upgrade gets 426": "no code of ours depends on it",
		"Its context may hold strings":                       "our context holds strings only",
		"Each message has the time of its arrival":           "clients do not see the events",
		"At most 32 messages of one connection":              "finding the bound would be a load test",
		"A client whose message is refused so":               "it needs a function without concurrency, which would stop the stack that is checked",
		"A client that has not read what was sent to it":     "the buffer of the gateway for a slow client cannot be seen from outside",
		"After 2 hours": "it takes two hours",
		"`$disconnect` has `disconnectStatusCode`":     "clients do not see the events",
		"When the gateway goes away":                   "AWS does not stop a gateway on demand",
		"A request that is not signed":                 "our functions sign every request",
		"While a cluster changes its number of shards": "it would change the cluster of the stack that is checked, which takes an hour",
		"A client that does not read what is sent:":    "the buffer of the gateway for a slow client cannot be seen from outside",
	}
}
