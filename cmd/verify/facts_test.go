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

// local runs the local stack, which does what AWS is believed to do.
func local(t *testing.T) *subject {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "localstack")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./localstack")
	build.Dir = "../.."
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, said)
	}
	c := exec.CommandContext(context.WithoutCancel(t.Context()), binary, "-addr", "127.0.0.1:0")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		_ = c.Wait() // by the signal
	})
	s := &subject{egress: "none"}
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

// The local stack is made by docs/aws-behaviour.md: there each fact holds, and what
// takes an account is not tried.
func TestFactsOnTheLocalStack(t *testing.T) {
	s := local(t)
	if f := s.pushes(t.Context()); f.status != holds {
		t.Errorf("got %v", f)
	}
	account := 0
	for _, try := range facts() {
		f := try.on(t.Context(), s)
		t.Log(f)
		if f.status == untried {
			account++
		} else if f.status != holds {
			t.Errorf("got %v", f)
		}
	}
	if account != 3 { // cold starts, the throttled function, and ten idle minutes
		t.Errorf("got %d facts not tried, want 3", account)
	}
}

// What is not so must not be said to hold.
func TestFactsThatDiffer(t *testing.T) {
	s := local(t)
	stranger := *s
	stranger.tokens = []string{"nonsense", "nonsense"}
	if f := stranger.pushes(t.Context()); f.status != differs || !strings.Contains(f.found, "403") {
		t.Errorf("got %v, want it to differ by 403", f)
	}
	f := try{"a binary frame closes with 1009", nil, closes(binaryFrame, 1009)}.on(t.Context(), s)
	if f.status != differs || f.found != "1003" {
		t.Errorf("got %v, want it to differ by 1003", f)
	}
}

// Every row of the document that is not verified is tried, or said why it is not.
func TestEveryUnverifiedRowIsTried(t *testing.T) {
	text, err := os.ReadFile("../../docs/aws-behaviour.md")
	if err != nil {
		t.Fatal(err)
	}
	var begun []string
	for _, try := range facts() {
		begun = append(begun, try.rows...)
	}
	for row := range beyond() {
		begun = append(begun, row)
	}
	rows := regexp.MustCompile(`(?m)^\| (.+?) \| .*not verified.*\|$`).FindAllStringSubmatch(string(text), -1)
	if len(rows) < 10 {
		t.Fatalf("got %d rows that are not verified: the document was not read", len(rows))
	}
	for _, row := range rows {
		if !slices.ContainsFunc(begun, func(beginning string) bool { return strings.HasPrefix(row[1], beginning) }) {
			t.Errorf("nothing tries %q, nor says why not", row[1])
		}
	}
	for _, beginning := range begun {
		if !strings.Contains(string(text), "\n| "+beginning) {
			t.Errorf("docs/aws-behaviour.md has no row that begins with %q", beginning)
		}
	}
}
