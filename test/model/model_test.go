package model

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// small is what fits into a test; `make model` explores the rest.
func small() []Bounds {
	return []Bounds{
		{Members: 2, Processes: 2, Drivers: 2, Workers: 2},
		{Members: 3, Processes: 2, Drivers: 1, Workers: 2, Forget: true},
		{Members: 2, Processes: 2, Drivers: 1, Workers: 2, Forget: true, Failover: true},
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

func TestThoseWhoWaitAreWoken(t *testing.T) {
	if result := Seek(Correct); result.Violation != nil {
		t.Errorf("got\n%v", result)
	}
}

func TestEveryPlantedFaultIsFound(t *testing.T) {
	for _, v := range Variants() {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			result, err := Find(t.Context(), v, 1)
			if err != nil {
				t.Fatal(err)
			}
			if result.Violation == nil || result.Violation.Rule != v.Breaks() {
				t.Fatalf("got %v, want %v", result.Violation, v.Breaks())
			}
			if len(result.Trace) != result.Depth {
				t.Errorf("got a trace of %d steps, want %d", len(result.Trace), result.Depth)
			}
			if text := result.String(); text == "" {
				t.Error("the trace has no words")
			}
		})
	}
}

// An exploration in which nothing goes wrong because nothing happens is worthless:
// every script must have been answered in each of its ways.
func TestEveryAnswerIsMet(t *testing.T) {
	want := map[Script][]Status{
		Begin:   {OK, IsClaimed, IsWaiting, IsSearching, IsActive},
		Lease:   {OK, IsClaimed, IsSearching, Other},
		Claim:   {Yours, IsClaimed, Taken, Busy},
		Commit:  {Yours, Refused},
		Confirm: {Yours, Refused},
		Release: {Released, Other},
		Fall:    {IsWaiting, IsNoMatch, Other},
		Finish:  {IsEnded, Other},
		Cancel:  {IsCancelled, IsActive, Other},
		Watch:   {IsActive, IsSearching, Other},
		Read:    {OK},
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
		t.Errorf("answers (-want +got)\n%s", diff)
	}
}

// States that differ only in names are one, and none is lost in packing.
func TestStatesArePackedAndNamesDoNotMatter(t *testing.T) {
	states := map[State]bool{{}: true}
	for len(states) < 3000 {
		before := len(states)
		for s := range states {
			m := machine{bounds: Wide(1), emit: func(_ Step, after State) {
				after.forget()
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

// Wrong states that no run leads to are recognised as such.
func TestRulesRefuse(t *testing.T) {
	match := Slot{Route: Active, Match: 1, Matchee: 2, Asked: Matched}
	tests := []struct {
		name  string
		slots [members]Slot
		want  Rule
	}{
		{"a match", [members]Slot{match, {Matcher: 1, Claimed: 1, Confirmed: true}}, ""},
		{"a match not confirmed yet", [members]Slot{match, {Matcher: 1, Claimed: 1}}, ""},
		{"a claim left over", [members]Slot{{}, {Matcher: 1, Claimed: 1}}, ""},
		{"with itself", [members]Slot{{Route: Active, Match: 1, Matchee: 1, Asked: Matched}}, Exclusive},
		{"two matchers", [members]Slot{match, {Matcher: 1, Claimed: 1, Confirmed: true}, match}, Exclusive},
		{"a chain", [members]Slot{match, {Route: Active, Match: 1, Matchee: 3, Asked: Matched, Matcher: 1, Claimed: 1},
			{Matcher: 2, Claimed: 1}}, Exclusive},
		{"a request without an id", [members]Slot{{Route: Waiting}}, Once},
		{"an id without a request", [members]Slot{{Asked: Open}}, Once},
		{"a request beside the match", [members]Slot{match, {Route: Waiting, Asked: Open, Matcher: 1, Claimed: 1,
			Confirmed: true}}, Once},
	}
	for _, test := range tests {
		s := State{Slots: test.slots}
		var got Rule
		if v := (Explorer{Bounds: Wide(1)}).checkState(&s); v != nil {
			got = v.Rule
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
