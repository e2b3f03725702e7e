package model

import "fmt"

// A Script is one atomic step on a member's slot, by the name of its Lua file.
type Script uint8

// The scripts. Claim, Confirm and Release run on the matchee's slot, the others on
// the matcher's.
const (
	Begin Script = iota
	Lease
	Claim
	Commit
	Confirm
	Release
	Fall
	Finish
	Cancel
	Watch
	Read
)

func (s Script) String() string {
	return [...]string{"begin", "lease", "claim", "commit", "confirm", "release", "fall", "finish", "cancel",
		"watch", "read"}[s]
}

// A Status is what a script answers, as in the Lua.
type Status string

// The statuses. What the Lua calls `past` is Other here: they differ only in
// giving a reason.
const (
	OK          Status = "ok"
	Other       Status = "other"
	Yours       Status = "yours"
	IsClaimed   Status = "claimed"
	Taken       Status = "taken"
	Busy        Status = "busy"
	Refused     Status = "refused"
	Released    Status = "released"
	IsWaiting   Status = "waiting"
	IsSearching Status = "searching"
	IsActive    Status = "active"
	IsNoMatch   Status = "no_match"
	IsEnded     Status = "ended"
	IsCancelled Status = "cancelled"
)

// A Call is a script with its arguments and what the clock says.
type Call struct {
	Script  Script
	Clock   Clock
	Matcher Member
	Match   Match
	Matchee Member
	Wait    bool // of Fall
	Own     bool // of Read: it comes from the member, not from somebody else
}

// On returns whose slot the call changes.
func (c Call) On() Member {
	if c.Script == Claim || c.Script == Confirm || c.Script == Release {
		return c.Matchee
	}
	return c.Matcher
}

func (c Call) String() string {
	text := fmt.Sprintf("%v on %v", c.Script, c.On())
	switch {
	case c.On() == c.Matchee && c.Match != 0:
		text += fmt.Sprintf(" for %v(%d)", c.Matcher, c.Match)
	case c.Matchee != 0:
		text += fmt.Sprintf(" of (%d) with %v", c.Match, c.Matchee)
	case c.Match != 0:
		text += fmt.Sprintf(" of (%d)", c.Match)
	}
	return text + c.Clock.String()
}

// A Reply is what a script answered.
type Reply struct {
	Status    Status
	Confirmed bool // Release: the claim had been confirmed
	Told      bool // the owner is told that its request came to nothing
}

// Apply returns the slot after the script, and the answer. It is pure. Variants
// replace some lines by broken ones.
func (c Call) Apply(s Slot, v Variant) (Slot, Reply) {
	switch c.Script {
	case Begin:
		return c.begin(s, v)
	case Lease:
		return c.lease(s, v)
	case Claim:
		return c.claim(s, v)
	case Commit:
		return c.commit(s, v)
	case Confirm:
		return c.confirm(s, v)
	case Release:
		return c.release(s, v)
	case Fall:
		return c.fall(s)
	case Finish:
		return c.finish(s, v)
	case Cancel:
		return c.cancel(s)
	case Watch:
		return c.watch(s, v)
	default:
		s = s.settle(c.Clock)
		told := c.Own && s.Due
		s.Due = s.Due && !told
		return s, Reply{Status: OK, Told: told}
	}
}

func (c Call) begin(s Slot, v Variant) (Slot, Reply) {
	s = s.settle(c.Clock)
	if s.Route == Searching && s.Match == c.Match {
		return s, Reply{Status: OK}
	}
	if s.Matcher != 0 && v != BeginIgnoresClaim {
		if s.Confirmed {
			s.Asked = Matched
		}
		return s, Reply{Status: IsClaimed}
	}
	switch s.Route {
	case Active:
		s.Asked = Matched
		return s, Reply{Status: IsActive}
	case Waiting:
		s.Asked = Open
		return s, Reply{Status: IsWaiting}
	case Searching:
		s.Asked = Open
		return s, Reply{Status: IsSearching}
	}
	s.Route, s.Match, s.Matchee = Searching, c.Match, 0
	told := s.Due
	s.Asked, s.Due = Open, false
	return s, Reply{Status: OK, Told: told}
}

func (c Call) lease(s Slot, v Variant) (Slot, Reply) {
	s = s.settle(c.Clock)
	switch {
	case s.Route == Searching && s.Match == c.Match:
		return s, Reply{Status: OK}
	case s.Route == Searching:
		return s, Reply{Status: IsSearching}
	case s.Route != Waiting:
		return s, Reply{Status: Other}
	case s.Matcher != 0 && v != LeaseWhileClaimed:
		return s, Reply{Status: IsClaimed}
	}
	s.Route, s.Match = Searching, c.Match
	return s, Reply{Status: OK}
}

func (c Call) claim(s Slot, v Variant) (Slot, Reply) {
	if s.Matcher != 0 && v != ClaimNotExclusive {
		if s.Matcher == c.Matcher && s.Claimed == c.Match {
			return s, Reply{Status: Yours}
		}
		return s, Reply{Status: IsClaimed}
	}
	s = s.settle(c.Clock)
	switch {
	case s.Route == Active:
		return s, Reply{Status: Taken}
	case s.Route == Searching && v != ClaimTakesSearching:
		return s, Reply{Status: Busy}
	}
	s.Matcher, s.Claimed, s.Confirmed = c.Matcher, c.Match, false
	return s, Reply{Status: Yours}
}

func (c Call) commit(s Slot, v Variant) (Slot, Reply) {
	if v != CommitUnsettled {
		s = s.settle(c.Clock)
	}
	repeated := s.Route == Active && s.Match == c.Match && (s.Matchee == c.Matchee || v == MatchIDAlone)
	if repeated && v != CommitOnce {
		return s, Reply{Status: Yours}
	}
	if (s.Route != Searching || s.Match != c.Match) && v != CommitBlind {
		return s, Reply{Status: Refused}
	}
	s.Route, s.Match, s.Matchee = Active, c.Match, c.Matchee
	return s.answered(Matched), Reply{Status: Yours}
}

func (c Call) confirm(s Slot, v Variant) (Slot, Reply) {
	if s.Matcher != c.Matcher || s.Claimed != c.Match {
		return s, Reply{Status: Refused}
	}
	if !s.Confirmed {
		s.Confirmed = true
		s = s.settle(c.Clock)
		if s.Route == Waiting && v != ConfirmKeepsRequest {
			s = s.closed(Matched)
		}
	}
	return s, Reply{Status: Yours}
}

func (c Call) release(s Slot, v Variant) (Slot, Reply) {
	if s.Matcher == 0 || (s.Matcher != c.Matcher || s.Claimed != c.Match) && v != ReleaseBlind {
		return s, Reply{Status: Other}
	}
	confirmed := s.Confirmed
	s = s.unclaimed()
	if confirmed {
		s = s.parted()
	}
	return s.settle(c.Clock), Reply{Status: Released, Confirmed: confirmed}
}

func (c Call) fall(s Slot) (Slot, Reply) {
	s = s.settle(c.Clock)
	if s.Route != Searching || s.Match != c.Match {
		if s.Route == None && s.Due {
			s.Due = false
			return s, Reply{Status: IsNoMatch, Told: true}
		}
		if s.Route == Waiting {
			return s, Reply{Status: IsWaiting}
		}
		return s, Reply{Status: Other}
	}
	if c.Wait && c.Clock == InTime {
		s.Route, s.Match = Waiting, 0
		return s, Reply{Status: IsWaiting}
	}
	return s.closed(NoMatch), Reply{Status: IsNoMatch, Told: true}
}

func (c Call) finish(s Slot, v Variant) (Slot, Reply) {
	s = s.settle(c.Clock)
	if s.Match != c.Match || (s.Matchee != c.Matchee && v != MatchIDAlone) {
		return s, Reply{Status: Other}
	}
	if s.Route == Ended {
		return s, Reply{Status: IsEnded} // repeated: the first answer may have been lost
	}
	if s.Route != Active {
		return s, Reply{Status: Other}
	}
	s.Route = Ended
	return s.parted(), Reply{Status: IsEnded}
}

func (c Call) cancel(s Slot) (Slot, Reply) {
	s = s.settle(c.Clock)
	if s.Route == Active || s.Confirmed {
		return s, Reply{Status: IsActive}
	}
	if s.Route == Waiting || s.Route == Searching {
		return s.closed(Cancelled), Reply{Status: IsCancelled, Told: true}
	}
	told := s.Due
	s.Due = false
	return s, Reply{Status: Other, Told: told}
}

func (c Call) watch(s Slot, v Variant) (Slot, Reply) {
	after := s.settle(c.Clock)
	if v == CommitUnsettled {
		s, after = after, s // it judges, and leaves the entry as it was
	} else {
		s = after
	}
	status := Other
	switch {
	case s.Route == Searching && s.Match == c.Match:
		status = IsSearching
	case s.Route == Active && s.Match == c.Match && (s.Matchee == c.Matchee || v == MatchIDAlone):
		status = IsActive
	}
	return after, Reply{Status: status}
}
