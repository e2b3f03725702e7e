package model

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// small are explorations that a test has time for; `make model` runs the full ones.
func small() []Bounds {
	return []Bounds{
		{Members: 2, Processes: 2, Attempts: 2, Workers: 2},
		{Members: 3, Processes: 2, Attempts: 1, Workers: 2, ForgetOutcomes: true},
		{Members: 2, Processes: 2, Attempts: 1, Workers: 2, ForgetOutcomes: true, Failover: true},
		{Members: 2, Processes: 2, Attempts: 1, Workers: 2, ForgetOutcomes: true, Offers: true},
		{Members: 2, Processes: 2, Attempts: 1, Workers: 2, ForgetOutcomes: true, Leaving: true},
	}
}

func TestTheProtocolHolds(t *testing.T) {
	for _, bounds := range small() {
		result, err := Explorer{Bounds: bounds}.Explore(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if result.Violation != nil {
			t.Errorf("%+v:\n%v", bounds, result)
		}
		if result.States < 1000 {
			t.Errorf("%+v: got %d states, want thousands", bounds, result.States)
		}
	}
}

func TestWaitingRequestsAreWoken(t *testing.T) {
	if result := ExploreWaking(NoFault); result.Violation != nil {
		t.Errorf("got\n%v", result)
	}
}

func TestMembersAreToldWhatStands(t *testing.T) {
	if result := ExploreTelling(NoFault, 0, false); result.Violation != nil || result.States < 1000 {
		t.Errorf("got\n%d states, %v", result.States, result)
	}
}

func TestMembersAreToldWhoIsAway(t *testing.T) {
	if result := ExplorePresence(NoFault); result.Violation != nil || result.States < 1000 {
		t.Errorf("got\n%d states, %v", result.States, result)
	}
}

func TestEveryPlantedFaultIsFound(t *testing.T) {
	for _, f := range Faults() {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			result, err := Find(t.Context(), f, 1)
			if err != nil {
				t.Fatal(err)
			}
			if result.Violation == nil || result.Violation.Rule != f.Breaks() {
				t.Fatalf("got %v, want %v", result.Violation, f.Breaks())
			}
			if len(result.Counterexample) != result.Depth {
				t.Errorf("got a counterexample of %d steps, want %d", len(result.Counterexample), result.Depth)
			}
			if text := result.String(); text == "" {
				t.Error("the counterexample has no text")
			}
		})
	}
}

// An exploration in which nothing goes wrong because nothing happens is worthless:
// every script must have given each of its replies.
func TestEveryReplyOccurs(t *testing.T) {
	want := map[Script][]Status{
		Begin:   {OK, IsClaimed, IsWaiting, IsSearching, IsActive},
		Lease:   {OK, IsClaimed, IsSearching, Other},
		Claim:   {Yours, IsClaimed, Taken, Busy},
		Commit:  {Yours, Refused},
		Confirm: {Yours, Refused},
		Release: {Released, Other},
		GiveUp:  {IsWaiting, IsNoMatch, Other},
		Finish:  {IsEnded, Other},
		Cancel:  {IsCancelled, IsActive, Other},
		Retract: {OK, Other},
		Watch:   {IsActive, IsSearching, Other},
		Read:    {OK},
		Told:    {OK},
	}
	met := map[Script]map[Status]bool{}
	explorer := Explorer{Bounds: small()[0], Observe: func(c Call, _, _ Slot, r Reply) {
		if met[c.Script] == nil {
			met[c.Script] = map[Status]bool{}
		}
		met[c.Script][r.Status] = true
	}}
	if _, err := explorer.Explore(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := map[Script]map[Status]bool{}
	for script, statuses := range want {
		all[script] = map[Status]bool{}
		for _, status := range statuses {
			all[script][status] = true
		}
	}
	if diff := cmp.Diff(all, met); diff != "" {
		t.Errorf("replies (-want +got)\n%s", diff)
	}
}

// States that differ only in names have one key, and packing loses nothing.
func TestPackingIsLosslessAndIgnoresNames(t *testing.T) {
	states := map[State]bool{{}: true, {Slots: [members]Slot{{Route: Active, Match: 1, Matchee: 2, Left: true, Outcome: Matched},
		{Matcher: 1, Claimed: 1, Confirmed: true, Left: true}}}: true}
	for len(states) < 3000 {
		before := len(states)
		for s := range states {
			m := machine{bounds: Full(1), emit: func(_ Step, after State) {
				after.forgetOutcomes()
				states[after.canonical(3).unpack()] = true
			}}
			m.next(s)
			if len(states) >= 3000 {
				break
			}
		}
		if len(states) == before {
			t.Fatal("nothing more to visit")
		}
	}
	for s := range states {
		if got := (&s).pack().unpack(); got != s {
			t.Fatalf("packed %+v, unpacked %+v", s, got)
		}
		for _, order := range orders() {
			other := s.renamed(order)
			if got, want := other.canonical(3), s.canonical(3); got != want {
				t.Fatalf("%+v\nrenamed by %v: got\n%+v, want\n%+v", s, order, got.unpack(), want.unpack())
			}
		}
	}
}

// No run leads to these wrong states; the rules must refuse them all the same.
func TestRulesRefuseWrongStates(t *testing.T) {
	match := Slot{Route: Active, Match: 1, Matchee: 2, Outcome: Matched}
	tests := []struct {
		name  string
		slots [members]Slot
		want  Rule
	}{
		{"a match", [members]Slot{match, {Matcher: 1, Claimed: 1, Confirmed: true}}, ""},
		{"a match not confirmed yet", [members]Slot{match, {Matcher: 1, Claimed: 1}}, ""},
		{"a claim without a match", [members]Slot{{}, {Matcher: 1, Claimed: 1}}, ""},
		{"with itself", [members]Slot{{Route: Active, Match: 1, Matchee: 1, Outcome: Matched}}, Exclusive},
		{"two matchers", [members]Slot{match, {Matcher: 1, Claimed: 1, Confirmed: true}, match}, Exclusive},
		{"a chain", [members]Slot{match, {Route: Active, Match: 1, Matchee: 3, Outcome: Matched, Matcher: 1, Claimed: 1},
			{Matcher: 2, Claimed: 1}}, Exclusive},
		{"a waiting request without an outcome", [members]Slot{{Route: Waiting}}, Once},
		{"an open outcome without a request", [members]Slot{{Outcome: Open}}, Once},
		{"a request beside the match", [members]Slot{match, {Route: Waiting, Outcome: Open, Matcher: 1, Claimed: 1,
			Confirmed: true}}, Once},
	}
	for _, test := range tests {
		s := State{Slots: test.slots}
		var got Rule
		if v := (Explorer{Bounds: Full(1)}).checkState(&s); v != nil {
			got = v.Rule
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
