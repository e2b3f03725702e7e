package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"waggle/cmd/waggle/endpoint"
	"waggle/test/kit"
)

// The demo runs on the local stack that it starts itself.
func TestDemoOnAStackOfItsOwn(t *testing.T) {
	kit.Command(t, "go", "Go, with its command on the path")
	t.Chdir("../..")
	out, errs, err := typed(t.Context(), "", "demo", "-start", "-pace", "1ms")
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, errs)
	}
	for _, want := range []string{"Matched after", "I see him move", "I am back, on another socket", "It has ended: completed.", "Both are free again."} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}

func TestDemoSaysWhyNot(t *testing.T) {
	if _, _, err := typed(t.Context(), "", "demo", "-url", "http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "make run") {
		t.Errorf("nobody there: got %v, want the next step", err)
	}
	t.Chdir(t.TempDir())
	if _, _, err := typed(t.Context(), "", "demo", "-start"); err == nil || !strings.Contains(err.Error(), "top of a checkout") {
		t.Errorf("no checkout: got %v, want the next step", err)
	}
	// The API accepts, but never sends what the demo waits for.
	_, _, err := typed(t.Context(), "", "demo", "-url", echo(t), "-timeout", "300ms")
	if err == nil || !strings.Contains(err.Error(), "no welcome") || !strings.Contains(err.Error(), "-timeout 300ms is over") {
		t.Errorf("a silent API: got %v, want what was waited for", err)
	}
	// Between two steps the demo waits only for the reader.
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err = newDemoPlay(io.Discard, endpoint.Endpoint{}, time.Hour).step(ctx)
	if err == nil || !strings.Contains(err.Error(), "-pace of 1h0m0s") {
		t.Errorf("out of time between steps: got %v, want what was waited for", err)
	}
}
