// Package model is the match protocol as an explicit-state model: members with a
// record and a route each, processes that make assignment attempts, repair and end
// matches, and every fault that can happen between two steps. Explorer.Explore is
// where to start: it visits every state that some order of events leads to, and
// checks the rules in each.
//
// A step is one Lua script on one member's slot: see Call.Apply. A test of
// internal/store runs the scripts themselves on each slot that an exploration meets,
// so that model and scripts cannot differ. The processes are in process.go and the
// rules in rules.go; docs/model.md lists what the model leaves out.
package model

import "fmt"

// A Member is 1, 2 or 3; 0 is nobody.
type Member uint8

func (m Member) String() string { return [...]string{"nobody", "Ana", "Ben", "Cem"}[m] }

// A Match is the id of a member's search, and of the match that results:
// (matcher, Match) is unique as long as a slot or a process has it. 0 is none.
type Match uint8

// A Route is the state of a member's route.
type Route uint8

// The states of a route.
const (
	None Route = iota
	Waiting
	Searching
	Active
	Ended
	Offered // the matchee is asked whether it accepts
)

func (r Route) String() string {
	return [...]string{"none", "waiting", "searching", "active", "ended", "offered"}[r]
}

// An Outcome is the outcome of a member's last request, as its record has it.
type Outcome uint8

// The outcomes of a request.
const (
	NoRequest  Outcome = iota // there was none, or its outcome has expired
	Open                      // waiting or searching
	Matched                   // by its own search, or as somebody's matchee
	NoMatch                   // nobody was found in time
	Cancelled                 // by the member
	MatchEnded                // the resulting match has ended
	Retracted                 // its message failed: a repeat of its id begins anew
)

func (o Outcome) String() string {
	return [...]string{"", "open", "matched", "no_match", "cancelled", "ended", "retracted"}[o]
}

// A Slot holds what the cache keeps of one member: its record and its route. A
// script changes both in one step.
type Slot struct {
	Route   Route
	Match   Match  // of the route, where searching, offered, active or ended
	Matchee Member // of the route, where offered, active or ended
	Asks    bool   // the request, or the match that it led to, needs the matchee's consent

	Matcher   Member // of the claim on this member, 0 if there is none
	Claimed   Match  // of the claim
	Confirmed bool   // the claim is final
	Offer     bool   // the claim is an offer, or came of one
	Accepted  bool   // the member has accepted it

	Left bool // the member was away from its match for longer than the grace time

	Outcome Outcome // of the last request
	Due     bool    // the member is not yet told the no_match of that request
	Untold  Notices // what else the member is not yet told
}

// Notices are a set of what a member is not yet told: bit 0 is its match, bit 7 the no_match of
// an earlier request, bit 8 an offer, and bit i the end of the match or the offer with the id i.
type Notices uint16

// The notices that have no id of their own.
const (
	UntoldMatch   Notices = 1
	UntoldNoMatch Notices = 1 << 7
	UntoldOffer   Notices = 1 << 8
)

// UntoldEnd is the end of the match with that id.
func UntoldEnd(id Match) Notices { return 1 << id }

func (s Slot) String() string {
	text := s.Route.String()
	if s.Match != 0 {
		text += fmt.Sprintf("(%d)", s.Match)
	}
	if s.Matchee != 0 {
		text += " with " + s.Matchee.String()
	}
	if s.Asks {
		text += " by consent"
	}
	if s.Matcher != 0 {
		text += fmt.Sprintf(", claimed by %v(%d)", s.Matcher, s.Claimed)
		if s.Offer {
			text += map[bool]string{true: " as accepted", false: " as offered"}[s.Accepted]
		}
		if !s.Confirmed {
			text += " unconfirmed"
		}
	}
	if s.Left {
		text += ", has left"
	}
	if s.Outcome != NoRequest {
		text += ", request " + s.Outcome.String()
	}
	if s.Due {
		text += ", no_match due"
	}
	if s.Untold != 0 {
		text += fmt.Sprintf(", untold %09b", s.Untold)
	}
	return text
}

// unclaimed returns the slot without the claim.
func (s Slot) unclaimed() Slot {
	s.Matcher, s.Claimed, s.Confirmed, s.Offer, s.Accepted = 0, 0, false, false, false
	return s
}

// inMatch reports whether the member is in a match, as far as its slot shows.
func (s Slot) inMatch() bool { return s.Route == Active || s.Confirmed }

// closed returns the slot without its request, which gets its outcome.
func (s Slot) closed(outcome Outcome) Slot {
	if s.Route == Offered {
		s.Untold &^= UntoldOffer
	}
	s.Route, s.Match, s.Matchee, s.Asks = None, 0, 0, false
	return s.withOutcome(outcome)
}

// withOutcome gives an open request its outcome.
func (s Slot) withOutcome(outcome Outcome) Slot {
	if s.Outcome == Open {
		s.Outcome = outcome
	}
	return s
}

// takenBack returns the slot with the request of an offer that is over. It waits.
func (s Slot) takenBack() Slot {
	s = s.matchEnded(s.Match)
	s.Route, s.Match, s.Matchee = Waiting, 0, 0
	return s
}

// matched notes that the member has a match, and is not yet told.
func (s Slot) matched() Slot {
	s.Untold = s.Untold&^UntoldOffer | UntoldMatch
	return s
}

// matchEnded notes that the member's match or offer has ended, and that the member is not yet told.
func (s Slot) matchEnded(id Match) Slot {
	s.Untold, s.Left = s.Untold&^(UntoldMatch|UntoldOffer)|UntoldEnd(id), false
	if s.Outcome == Matched {
		s.Outcome = MatchEnded
	}
	return s
}

// withoutOutcomes returns the slot without those outcomes that only replies and
// pushes depend on: whether a route has ended or never was changes no step.
func (s Slot) withoutOutcomes() Slot {
	if s.Route == Ended {
		s.Route, s.Match, s.Matchee = None, 0, 0
	}
	if s.Outcome > Matched {
		s.Outcome = NoRequest
	}
	s.Due, s.Untold = false, 0
	return s
}

// A Clock says which deadlines of a slot have passed when a script runs. The script
// that finds a deadline passed writes the consequence, so a state has no clock: any
// script may find any deadline passed.
type Clock uint8

// The deadlines that have passed.
const (
	InTime         Clock = iota // none
	LeaseExpired                // the lease's or the offer's, not the request's
	RequestExpired              // the request's, not the lease's
	BothExpired                 // both; for an ended match, the time that it is kept
	GraceExpired                // the grace time of a member who is away from its match
)

func (c Clock) String() string {
	return [...]string{"", " (the lease has expired)", " (the request has expired)", " (all has expired)", " (the grace time is over)"}[c]
}

// applyDeadlines writes the consequences of passed deadlines.
func (s Slot) applyDeadlines(clock Clock) Slot {
	switch {
	case clock == GraceExpired:
		s.Left = s.Left || s.inMatch()
	case s.Route == Searching && clock == LeaseExpired:
		s.Route, s.Match = Waiting, 0
	case s.Route == Offered && clock == LeaseExpired:
		s = s.takenBack()
	case (s.Route == Searching || s.Route == Offered) && clock == BothExpired, s.Route == Waiting && clock >= RequestExpired:
		if s.Route == Offered {
			s = s.takenBack()
		}
		s = s.closed(NoMatch)
		s.Due = true
	case s.Route == Ended && (clock == LeaseExpired || clock == BothExpired):
		s.Route, s.Match, s.Matchee = None, 0, 0
	}
	return s
}

// clocks returns the clocks that make a difference to a script on the slot.
func (s Slot) clocks(script Script) []Clock {
	all := []Clock{InTime}
	switch {
	case s.Route == Searching && script == GiveUp:
		all = []Clock{InTime, LeaseExpired, RequestExpired, BothExpired}
	case s.Route == Searching || s.Route == Offered:
		all = []Clock{InTime, LeaseExpired, BothExpired}
	case s.Route == Waiting || s.Route == Ended:
		all = []Clock{InTime, BothExpired}
	}
	if !s.Left && (s.inMatch() || s.Matcher != 0 && script == Confirm) {
		all = append(all, GraceExpired)
	}
	return all
}
