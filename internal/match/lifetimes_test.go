package match

import (
	"fmt"
	"math/bits"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"waggle/internal/pool"
	"waggle/internal/topology"
)

// longestSetting is the most that a pool may set for its locationTTL and its grace.
const longestSetting = 2 * time.Hour

// longestCoolDown is the most that a pool may set for its coolDown.
const longestCoolDown = 10 * time.Minute

// longestWait is the longest time that a request may ask to wait.
const longestWait = 10 * time.Minute

// TestEachLifetimeAllowsForTheOthers holds the lifetimes to each other. Those of the handler
// and of the store are held to these in their own packages.
func TestEachLifetimeAllowsForTheOthers(t *testing.T) {
	function := longestTimeout()
	for _, r := range []struct {
		shorter string
		a       time.Duration
		longer  string
		b       time.Duration
		why     string
	}{
		{"a function's timeout", function, "Lease", Lease + 1, "else a second attempt begins while the first one runs, and a cell left behind is unlisted during a search"},
		{"abandoned", abandoned, "Lease", Lease, "once a lease has lapsed, anybody may release its claim"},
		{"slow", slow, "abandoned", abandoned, "a process that is slow, and still notifies, does so before others repeat it"},
		{"the slow reads of one message", maxSlowReads * slow, "a function's timeout", function, "the message is answered unavailable within its time"},
		{"the pauses of one say", maxPeerReads * pushPause, "slow", slow, "what it has read is not too old for a push"},
		{"firstPause", firstPause, "pause", pause, "of two rivals one asks first, or they block each other again and again"},
		{"SearchAgain", SearchAgain, "Lease", Lease, "a hello after a lapsed lease searches"},
		{"slow", slow, "NotifyAgain", NotifyAgain, "the process that pushes a notice has pushed it by then"},
		{"CheckMatch", CheckMatch, "Lease", Lease, "a match that was lost is told soon after its half is repaired"},
		{"RefusalsIn", RefusalsIn, "KeptOut", KeptOut, "a member that comes back has all its refusals again"},
		{"pause", pause, "patience", patience, "something undecided is looked at more than once"},
		{"patience", patience, "a function's timeout", function, "a message that waits for a decision is answered within its time"},
		{"patience", patience, "Lease", Lease, "a request that does not wait has expired when its lease lapses"},
		{"patience", patience, "forOthers", forOthers, "a message that waits for its own request still serves others"},
		{"forOthers", forOthers, "a function's timeout", function, "a message that serves others is answered within its time"},
		{"AskAgain", AskAgain, "the default locationTTL", pool.Default().LocationTTL, "a member who stays where it is meets waiting requests more than once"},
		{"pushPause", pushPause, "slow", slow, "a repeated push shows nothing that is much older"},
		{"a function's timeout", function, "justConnected", justConnected + 1, "until $connect has returned, API Gateway takes its connection for gone"},
		{"Lease", Lease, "EndRemembered", EndRemembered, "a client that repeats its end after a lapsed lease gets the reason"},
		{"EndRemembered", EndRemembered, "OutcomeRemembered", OutcomeRemembered, "a repeated request id learns of its match's end at least as long as a repeated end"},
		{"OutcomeRemembered", OutcomeRemembered, "Kept", Kept, "outcomes are in the member's record"},
		{"the longest coolDown", longestCoolDown, "OutcomeRemembered", OutcomeRemembered + 1, "a cool-down is kept with the outcomes"},
		{"Early", Early, "Kept", Kept, "the record still has when the match began"},
		{"the longest wait", longestWait, "Kept", Kept, "a request waits in its route and its cells"},
		{"the longest locationTTL or grace", longestSetting, "Kept", Kept, "a member's record and its cell's keys outlive its location"},
		{"Kept", Kept, "ChoiceKept", ChoiceKept, "what a member chose outlives its record"},
		{"Advised", Advised, "the default locationTTL", pool.Default().LocationTTL, "who reports as advised is fresh"},
		{"ClockOff", ClockOff, "MaxAhead", MaxAhead, "a member is told before its times are replaced"},
		{"MaxAhead", MaxAhead, "the default locationTTL", pool.Default().LocationTTL, "with a gateway's clock that far behind, reports without at are not stale"},
	} {
		if r.a >= r.b {
			t.Errorf("%s is %v and %s %v, want it shorter: %s", r.shorter, r.a, r.longer, r.b, r.why)
		}
	}
	for setting, longest := range map[string]time.Duration{"locationTTL": longestSetting, "grace": longestSetting, "coolDown": longestCoolDown} {
		if _, err := pool.Parse(fmt.Appendf(nil, `{"pools":{"default":{"%s":%g}}}`, setting, longest.Seconds()+0.001)); err == nil {
			t.Errorf("a pool may set its %s to more than %v", setting, longest)
		}
	}
}

// longestTimeout is that of the functions that serve messages.
func longestTimeout() (longest time.Duration) {
	for _, f := range topology.Functions() {
		if !f.Authorizer {
			longest = max(longest, f.Timeout)
		}
	}
	return longest
}

func TestEachBudgetAllowsForTheOthers(t *testing.T) {
	for _, r := range []struct {
		atMost string
		a      int
		of     string
		b      int
		why    string
	}{
		{"maxRivals and the request itself", maxRivals + 1, "maxAttempts", maxAttempts, "a registration can make all its attempts"},
		{"maxRivals", maxRivals, "firstWant", firstWant, "a registration sees the rivals that it serves"},
		{"maxAttempts", maxAttempts, "maxWoken", maxWoken, "requests that are passed over leave others to be served"},
		{"maxWoken", maxWoken, "MOST_WAITING of the scripts", scriptLimit(t, "MOST_WAITING"), "no cell leaves out a request that would be served"},
		{"firstWant", firstWant, "maxClaims", maxClaims, "a search claims all that it asked for first"},
		{"maxClaims", maxClaims, "mostWanted", mostWanted, "a cell returns all that a search claims"},
		{"MOST_READ and a page of each generation", scriptLimit(t, "MOST_READ") + 2*scriptLimit(t, "PAGE"), "mostWanted", mostWanted, "a cell asked for the most says where to go on, or that there are no others"},
		{"a trip for each want up to mostWanted", 1 + bits.Len(mostWanted/firstWant), "maxSearchTrips", maxSearchTrips, "a search asks a cell for all that it may"},
		{"maxMoves", maxMoves, "maxClaims", maxClaims, "one candidate does not use up the claims"},
	} {
		if r.a > r.b {
			t.Errorf("%s is %d and %s %d, want at most that: %s", r.atMost, r.a, r.of, r.b, r.why)
		}
	}
}

// TestTheArchitecturePageListsTheLifetimes with their values.
func TestTheArchitecturePageListsTheLifetimes(t *testing.T) {
	page, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("lifetimes.go")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{"Lease": Lease, "Kept": Kept, "EndRemembered": EndRemembered, "OutcomeRemembered": OutcomeRemembered,
		"MaxAhead": MaxAhead, "ChoiceKept": ChoiceKept, "Advised": Advised, "ClockOff": ClockOff, "AskAgain": AskAgain, "SearchAgain": SearchAgain, "NotifyAgain": NotifyAgain, "CountKept": CountKept, "CheckMatch": CheckMatch, "Early": Early, "Refusals": Refusals, "RefusalsIn": RefusalsIn, "KeptOut": KeptOut,
		"ConnectsPerMinute": ConnectsPerMinute, "ConnectsBurst": ConnectsBurst, "forOthers": forOthers, "patience": patience, "firstPause": firstPause, "pause": pause, "slow": slow, "abandoned": abandoned,
		"justConnected": justConnected, "pushPause": pushPause, "firstWant": firstWant, "mostWanted": mostWanted, "maxSearchTrips": maxSearchTrips, "maxClaims": maxClaims, "maxMoves": maxMoves,
		"maxAttempts": maxAttempts, "maxWoken": maxWoken, "maxRivals": maxRivals, "maxSlowReads": maxSlowReads, "maxPeerReads": maxPeerReads, "maxForgets": maxForgets}
	for _, found := range regexp.MustCompile(`(?m)^\t(\w+)\s+= `).FindAllSubmatch(source, -1) {
		name := string(found[1])
		if row := fmt.Sprintf("| `%s` | %v |", name, values[name]); !strings.Contains(string(page), row) {
			t.Errorf("docs/architecture.md has no row %s: add it to the lifetimes, and %s to this test", row, name)
		}
	}
}

// scriptLimit is a limit that the scripts of a cell set themselves.
func scriptLimit(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile("../store/scripts/cell.lua")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^local ` + name + ` = (\d+)`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("cell.lua has no %s", name)
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
