// Package model is the match protocol as an explicit-state model: members with a
// record and a routing-table entry each, processes that drive requests, resolve and
// end matches, and everything that can go wrong between two steps. Explore visits
// every state that some order of events leads to, and checks the rules in each.
//
// A step is one Lua script on one member's slot, in Call.Apply; the test of
// internal/store replays each transition met here on the scripts themselves. The
// processes are in process.go, the rules in rules.go, and what is left out of the
// model in docs/model.md.
package model

import "fmt"

// A Member is 1, 2 or 3; 0 is nobody.
type Member uint8

func (m Member) String() string { return [...]string{"nobody", "Ana", "Ben", "Cem"}[m] }

// A Match is the id of one search of a member, and of the match that comes of it:
// (matcher, Match) is unique as long as anything remembers it. 0 is none.
type Match uint8

// A Route is the state of a routing-table entry.
type Route uint8

// The states of a routing-table entry.
const (
	None Route = iota
	Waiting
	Searching
	Active
	Ended
)

func (r Route) String() string {
	return [...]string{"none", "waiting", "searching", "active", "ended"}[r]
}

// An Outcome is what the record remembers of the member's last request id.
type Outcome uint8

// The outcomes of a request id.
const (
	Nothing   Outcome = iota // never asked, or forgotten
	Open                     // under way
	Matched                  // by its own search, or as somebody's matchee
	NoMatch                  // nobody was found in time
	Cancelled                // withdrawn
	Over                     // the match it came to has ended
)

func (o Outcome) String() string {
	return [...]string{"", "open", "matched", "no_match", "cancelled", "ended"}[o]
}

// A Slot is what the cache keeps of one member: record and routing-table entry,
// which every script changes as one.
type Slot struct {
	Route   Route
	Match   Match  // of the route, where searching, active or ended
	Matchee Member // of the route, where active or ended

	Matcher   Member // of the claim on this member, 0 if there is none
	Claimed   Match  // of the claim
	Confirmed bool   // the claim is final

	Asked Outcome // of the last request id
	Due   bool    // its owner is yet to be told a no_match
}

func (s Slot) String() string {
	text := s.Route.String()
	if s.Match != 0 {
		text += fmt.Sprintf("(%d)", s.Match)
	}
	if s.Matchee != 0 {
		text += " with " + s.Matchee.String()
	}
	if s.Matcher != 0 {
		text += fmt.Sprintf(", claimed by %v(%d)", s.Matcher, s.Claimed)
		if !s.Confirmed {
			text += " unconfirmed"
		}
	}
	if s.Asked != Nothing {
		text += ", request " + s.Asked.String()
	}
	if s.Due {
		text += ", no_match due"
	}
	return text
}

// unclaimed returns the slot without the claim.
func (s Slot) unclaimed() Slot {
	s.Matcher, s.Claimed, s.Confirmed = 0, 0, false
	return s
}

// closed returns the slot without its request, whose id gets its outcome.
func (s Slot) closed(outcome Outcome) Slot {
	s.Route, s.Match, s.Matchee = None, 0, 0
	return s.answered(outcome)
}

// answered gives an open request id its outcome.
func (s Slot) answered(outcome Outcome) Slot {
	if s.Asked == Open {
		s.Asked = outcome
	}
	return s
}

// parted notes that the member's match is over.
func (s Slot) parted() Slot {
	if s.Asked == Matched {
		s.Asked = Over
	}
	return s
}

// forgotten returns the slot without what is remembered for telling alone: whether
// a route has ended or never was changes no step.
func forgotten(s Slot) Slot {
	if s.Route == Ended {
		s.Route, s.Match, s.Matchee = None, 0, 0
	}
	if s.Asked > Matched {
		s.Asked = Nothing
	}
	s.Due = false
	return s
}

// A Clock says which deadlines of a slot have passed when a script looks. A passed
// one is written down by whoever finds it, so no state has to tell: any script
// may find any of them passed.
type Clock uint8

// The conditions of the clock.
const (
	InTime  Clock = iota
	Lapsed        // the lease's, not the request's
	Late          // the request's, not the lease's
	Expired       // both; for an ended match, what it was remembered for
)

func (c Clock) String() string {
	return [...]string{"", " (the lease has lapsed)", " (the request's time is up)", " (time is up)"}[c]
}

// settle writes what passed deadlines mean.
func (s Slot) settle(clock Clock) Slot {
	switch {
	case s.Route == Searching && clock == Lapsed:
		s.Route, s.Match = Waiting, 0
	case s.Route == Searching && clock == Expired, s.Route == Waiting && clock >= Late:
		s = s.closed(NoMatch)
		s.Due = true
	case s.Route == Ended && (clock == Lapsed || clock == Expired):
		s.Route, s.Match, s.Matchee = None, 0, 0
	}
	return s
}

// clocks returns the conditions that a script can tell apart on the slot.
func (s Slot) clocks(script Script) []Clock {
	switch {
	case s.Route == Searching && script == Fall:
		return []Clock{InTime, Lapsed, Late, Expired}
	case s.Route == Searching:
		return []Clock{InTime, Lapsed, Expired}
	case s.Route == Waiting || s.Route == Ended:
		return []Clock{InTime, Expired}
	}
	return []Clock{InTime}
}
