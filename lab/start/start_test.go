package main

import (
	"strings"
	"testing"

	"waggle/lab/scope"
	"waggle/test/kit/caches"
)

func TestEveryFunctionStartsAndAnswers(t *testing.T) {
	cache := caches.Server(t).URL
	var out strings.Builder
	if err := scope.In(func(s *scope.Scope) error { return run(s, 1, cache, "", &out) }); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{"| a function that does nothing |", "| one PING and one POST |", "| location |"} {
		if !strings.Contains(out.String(), row) {
			t.Errorf("got\n%s\nwithout the row %q", &out, row)
		}
	}
}

func TestAFunctionThatExitsIsAnError(t *testing.T) {
	f := &subject{program: "false", event: func() []byte { return nil }}
	if err := f.measure(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "exited") {
		t.Errorf("got %v, want that the function exited", err)
	}
}
