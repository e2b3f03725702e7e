package store_test

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/store"
	"waggle/test/kit/caches"
	"waggle/test/mutation/active"
)

func TestAScriptRefusesAWrongNumberOfArguments(t *testing.T) {
	scripts := store.Texts(active.Script)
	caches.Each(t, func(t *testing.T, c caches.Cache) {
		client, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{strings.TrimPrefix(c.URL, "redis://")},
			DisableCache: true, ForceSingleClient: true})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		for name, text := range scripts {
			checked := regexp.MustCompile(`\barguments\((\d+)\)`).FindStringSubmatch(text)
			if checked == nil {
				t.Errorf("%s does not check the number of its arguments", name)
				continue
			}
			want, err := strconv.Atoi(checked[1])
			if err != nil {
				t.Fatal(err)
			}
			for _, got := range []int{want - 1, want + 1} {
				if got < 0 {
					continue
				}
				args := append([]string{"0", "60000", "60000"}, slices.Repeat([]string{"1"}, got)...)
				err := client.Do(t.Context(), client.B().Eval().Script(text).Numkeys(8).Key("{a}1", "{a}2", "{a}3", "{a}4", "{a}5", "{a}6", "{a}7", "{a}8").Arg(args...).Build()).Error()
				if refusal := fmt.Sprintf("wants %d arguments, got %d", want, got); err == nil || !strings.Contains(err.Error(), refusal) {
					t.Errorf("%s with %d arguments: got %v, want an error with %q", name, got, err, refusal)
				}
			}
		}
	})
}

func TestEveryScriptStartsWithTheLifetimesOfTheDomain(t *testing.T) {
	want := map[string]time.Duration{"LEASE": match.Lease, "KEEP": match.Kept, "REMEMBER_END": match.EndRemembered,
		"REMEMBER_OUTCOME": match.OutcomeRemembered, "MAX_AHEAD": match.MaxAhead, "ASK_AGAIN": match.AskAgain,
		"SEARCH_AGAIN": match.SearchAgain, "EARLY": match.Early, "NOTIFY_AGAIN": match.NotifyAgain, "CHECK_MATCH": match.CheckMatch, "REFUSALS": match.Refusals * time.Millisecond, "COUNT_KEPT": match.CountKept, "WIDEN_STEPS": match.WidenSteps * time.Millisecond,
		"REFUSALS_IN": match.RefusalsIn, "KEEP_OUT": match.KeptOut,
		"KEEP_CHOICE": match.ChoiceKept, "ADVISED": match.Advised, "CLOCK_OFF": match.ClockOff}
	for name, text := range store.Texts(active.Script) {
		line, _, _ := strings.Cut(text, "\n")
		names, values, _ := strings.Cut(strings.TrimPrefix(line, "local "), " = ")
		got := make(map[string]time.Duration)
		for i, value := range strings.Split(values, ", ") {
			ms, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				t.Fatalf("%s starts with %q: %v", name, line, err)
			}
			got[strings.Split(names, ", ")[i]] = time.Duration(ms) * time.Millisecond
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// These numbers stand in several files, which cannot share them.
func TestConstantsAreTheSameInEveryFile(t *testing.T) {
	for _, c := range []struct {
		file, where string
		want        float64
	}{
		{"scripts/common.lua", `2 \* ([\d.]+) \* math\.asin`, geo.Distance(geo.Point{}, geo.Point{Lng: 180}) / math.Pi},
		{"scripts/common.lua", `by more than (\d+) s`, match.MaxAhead.Seconds()},
		{"scripts/cell.lua", `BITS = (\d+)`, math.Log2(geo.PlaneSide)},
		{"scripts/cell.lua", `WIDE, HIGH = ([\d.]+),`, geo.PlaneX},
		{"scripts/cell.lua", `WIDE, HIGH = [\d.]+, ([\d.]+)`, geo.PlaneY},
		{"scripts/cell.lua", `MOST_WAITING = (\d+)`, mostWaiting},
		{"../match/lifetimes.go", `maxWoken\s+= (\d+)`, mostWaiting},
		{"scripts/member/report.lua", `UNKNOWN_ACCURACY = (\d+)`, 500},
		{"../match/points.go", `unknownAccuracy = (\d+)`, 500},
		{"../../docs/protocol.md", `may be (\d+) metres out`, 500},
		{"../match/request.go", `within (\d+) km of your own last location`, store.RemoteMeters / 1000},
		{"../match/end.go", `ended more than (\d+) s ago`, match.EndRemembered.Seconds()},
		{"../pool/schema.go", `more than (\d+) km from the member's own location`, store.RemoteMeters / 1000},
		{"../../infra/config/settings.go", `more than (\d+) km from the member's last location`, store.RemoteMeters / 1000},
	} {
		text, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(c.where).FindStringSubmatch(string(text))
		if found == nil {
			t.Errorf("%s has no %s", c.file, c.where)
			continue
		}
		if got, err := strconv.ParseFloat(found[1], 64); err != nil || math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%s: got %s for %s, want %v", path.Base(c.file), found[1], c.where, c.want)
		}
	}
}
