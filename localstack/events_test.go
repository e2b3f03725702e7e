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
		got, lines := map[string]map[string]any{}, []string{<-s.output, <-s.output} // in either order
		for _, text := range lines {
			var e struct {
				Source     string         `json:"source"`
				DetailType string         `json:"detail-type"`
				Detail     map[string]any `json:"detail"`
			}
			if err := json.Unmarshal([]byte(text), &e); err != nil || e.Source != "waggle" {
				t.Fatalf("%s: %v", text, err)
			}
			delete(e.Detail, "time")
			got[e.DetailType] = e.Detail
		}
		want := func(change, field string, value any) map[string]any {
			return map[string]any{"id": id + "." + change, "type": "match." + change, "pool": "default", "match": id, "matcher": "ana",
				"matchee": "ben", "request": "r", field: value}
		}
		if diff := cmp.Diff(map[string]map[string]any{"match.matched": want("matched", "distance", 50.0),
			"match.ended": want("ended", "reason", "completed")}, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", lines, diff)
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
