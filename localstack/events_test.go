package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/clients/go/waggle"
)

// TestTheApplicationGetsEvents: from functions in this process and in their own, on standard output
// and in a file.
func TestTheApplicationGetsEvents(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		s := runStack(t, append(runtime, "-events", "-")...)
		ana, ben := s.dial("ana"), s.dial("ben")
		id := meetAndPart(ana, ben)
		for _, kind := range []string{"match.matched", "match.ended"} {
			var e struct {
				Source     string         `json:"source"`
				DetailType string         `json:"detail-type"`
				Detail     map[string]any `json:"detail"`
			}
			text := <-s.output
			if err := json.Unmarshal([]byte(text), &e); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			want := map[string]any{"id": id + strings.TrimPrefix(kind, "match"), "type": kind, "pool": "default", "match": id,
				"matcher": "ana", "matchee": "ben", "request": "r"}
			if kind == "match.ended" {
				want["reason"] = "completed"
			} else {
				want["distance"] = 50.0
			}
			delete(e.Detail, "time")
			if diff := cmp.Diff(want, e.Detail); diff != "" || e.Source != "waggle" || e.DetailType != kind {
				t.Errorf("%s (-want +got):\n%s", text, diff)
			}
		}
	})
	file := filepath.Join(t.TempDir(), "events")
	for n := range 2 {
		s := runStack(t, "-events", file)
		meetAndPart(s.dial("ana"), s.dial("ben"))
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		text, err := os.ReadFile(file)
		if lines := strings.Count(string(text), "\n"); err != nil || lines != 2*(n+1) {
			t.Errorf("the file has %d lines, %v:\n%s", lines, err, text)
		}
	}
}

// meetAndPart matches ana with ben, and ends the match, whose id it returns.
func meetAndPart(ana, ben *rawConn) string {
	ben.report(37.7764, -122.4172)
	ana.report(37.7764, -122.4172)
	ana.sendText(`{"action":"match","id":"r"}`)
	match := receiveA[*waggle.Matched](ana).Match
	receiveA[*waggle.Matched](ben)
	ana.sendText(fmt.Sprintf(`{"action":"end","match":%q}`, match))
	receiveA[*waggle.Ended](ana)
	receiveA[*waggle.Ended](ben)
	return match
}
