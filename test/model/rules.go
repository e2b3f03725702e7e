package model

import "fmt"

// A Rule must hold whatever happens. Its text is its name in docs/model.md.
type Rule string

// The rules.
const (
	// Exclusive holds in every state. A match (x, id, y) exists exactly when x's
	// route is active with this id and y, and the claim on y names (x, id). No member
	// is in two matches, in either role, or in a match with itself. No two active
	// routes name one matchee. No member with a confirmed claim has an active route.
	Exclusive Rule = "exclusive"
	// Durable holds in every step. A match that exists ends only by the script finish.
	Durable Rule = "durable"
	// Confirmed holds in every step. Both members are notified of a match only after
	// confirm has answered `yours` and while the claim is confirmed. They are never
	// notified of a match that the matcher's route contradicts: a route that is active
	// with this id and another matchee, or that still searches under this id.
	Confirmed Rule = "confirmed"
	// Once holds in every state. A request is open exactly while its route is waiting
	// or searching, and matched while its member is in that match. It gets one
	// outcome, which is sent once. A member with a confirmed claim has no open request.
	Once Rule = "once"
	// Repaired holds in every state. Let every process die and every deadline pass. A
	// member who then says hello is in a confirmed match that both members see, or is
	// free: a begin by it and a claim on it succeed. The same holds for both members
	// of a half-done match or end once both have said hello, in either order.
	Repaired Rule = "repaired"
	// Consented holds in every state and step. A match of a request that asks exists only if its
	// matchee has accepted this match. A matchee is told of an offer only while it stands.
	Consented Rule = "consented"
	// Departed holds in every state and step. That a member has left is said of the match that it is
	// in, and of no later one. A match is ended as left only if one of its members has left it. Let
	// every process die: once either member of such a match says hello, it is over.
	Departed Rule = "left"
	// Woken holds at the end of every run in which no process dies: no request waits
	// on while a free or waiting member is there to be found. See ExploreWaking.
	Woken Rule = "woken"
	// TellsAll holds in every state. Let every process die, and let each member send two
	// messages. Then its client knows the match that the member is in, or that it is in none.
	// See ExploreTelling.
	TellsAll Rule = "told"
	// Shown holds in every state. If the matchee reports, its location goes to the matcher only
	// if the matcher's client knows of the match. If a matcher that shares its moves has reported,
	// its location goes to the matchee only if the matchee's client knows of the match, and does
	// not know that it is over. See ExploreTelling.
	Shown Rule = "shown"
	// Present holds in every state. Let every process die, and let each member send two messages, if
	// it is there. Then its client knows whether its peer is away. See ExplorePresence.
	Present Rule = "present"
)

// A Violation is a rule that a step or the state it leads to breaks.
type Violation struct {
	Rule Rule
	What string
}

func (v Violation) String() string { return fmt.Sprintf("%s: %s", v.Rule, v.What) }

func violated(rule Rule, format string, args ...any) *Violation {
	return &Violation{Rule: rule, What: fmt.Sprintf(format, args...)}
}

// isMatcher reports whether x is the matcher of a match or an offer that exists.
func (s *State) isMatcher(x Member) bool {
	r := s.at(x)
	if r.Route != Active && r.Route != Offered {
		return false
	}
	y := s.at(r.Matchee)
	return y.Matcher == x && y.Claimed == r.Match
}

// isMatchee reports whether y is the matchee of a match or an offer that exists.
func (s *State) isMatchee(y Member) bool {
	x := s.at(y).Matcher
	return x != 0 && s.at(x).Matchee == y && s.isMatcher(x)
}

// exclusive checks Exclusive.
func exclusive(s *State, count int) *Violation {
	var named [members + 1]Member
	for m := Member(1); m <= Member(count); m++ {
		slot := s.at(m)
		if s.isMatcher(m) && s.isMatchee(m) {
			return violated(Exclusive, "%v is in two matches or offers, with %v and with %v", m, slot.Matchee, slot.Matcher)
		}
		if slot.Route != Active {
			continue
		}
		y := slot.Matchee
		switch {
		case y == m || slot.Matcher == m:
			return violated(Exclusive, "%v is matched with itself", m)
		case named[y] != 0:
			return violated(Exclusive, "%v is the matchee of both %v and %v", y, named[y], m)
		case slot.Confirmed:
			return violated(Exclusive, "%v is notified of two matches, with %v and with %v", m, y, slot.Matcher)
		}
		named[y] = m
	}
	return nil
}

// once checks Once.
func once(s *State, count int) *Violation {
	for m := Member(1); m <= Member(count); m++ {
		slot := s.at(m)
		pending := slot.Route == Waiting || slot.Route == Searching || slot.Route == Offered
		switch {
		case pending && slot.Confirmed:
			return violated(Once, "%v has an open request beside its match", m)
		case pending != (slot.Outcome == Open):
			return violated(Once, "the route of %v is %v and its request is %v", m, slot.Route, slot.Outcome)
		case slot.Route == Active && slot.Outcome != Matched:
			return violated(Once, "%v has a match and its request is %v", m, slot.Outcome)
		case slot.Outcome == Matched && slot.Route != Active && !slot.Confirmed:
			return violated(Once, "the request of %v is matched and %v has no match", m, m)
		}
	}
	return nil
}

// sentOnce checks Once in a step: no outcome is sent twice.
func sentOnce(before *State, step Step) *Violation {
	m := step.Call.On()
	if step.Reply.OutcomeSent && before.at(m).Outcome != Open && !before.at(m).Due {
		return violated(Once, "%v is sent the outcome of its request for the second time", m)
	}
	return nil
}

// durable checks Durable. Members and ids have the same names before and after.
func durable(before, after *State, step Step) *Violation {
	for x := Member(1); x <= members; x++ {
		if !before.isMatcher(x) || before.at(x).Route != Active {
			continue
		}
		was, is := before.at(x), after.at(x)
		same := after.isMatcher(x) && is.Route == Active && is.Match == was.Match && is.Matchee == was.Matchee
		if !same && (step.Call.Script != Finish || step.Call.Matcher != x) {
			return violated(Durable, "the match of %v and %v is gone, though nobody has ended it", x, was.Matchee)
		}
	}
	return nil
}

// confirmedFirst checks Confirmed.
func confirmedFirst(after *State, step Step, f Fault) *Violation {
	if !step.notifies(f) {
		return nil
	}
	c := step.Call
	x, y := after.at(c.Matcher), after.at(c.Matchee)
	switch {
	case y.Matcher != c.Matcher || y.Claimed != c.Match || !y.Confirmed:
		return violated(Confirmed, "%v and %v are notified of a match that is not confirmed", c.Matcher, c.Matchee)
	case x.Match == c.Match && (x.Route == Searching || x.Matchee != c.Matchee):
		return violated(Confirmed, "%v and %v are notified of a match that does not exist", c.Matcher, c.Matchee)
	}
	return nil
}

// departed checks Departed in a state.
func departed(s *State, count int, f Fault) *Violation {
	for x := Member(1); x <= Member(count); x++ {
		slot := s.at(x)
		if slot.Left && !slot.inMatch() {
			return violated(Departed, "%v has left a match that it is not in", x)
		}
		if !s.left(x) {
			continue
		}
		for _, c := range []Member{x, slot.Matchee} {
			if t := hello(*s, c, InTime, f); t.at(x).Match == slot.Match && t.at(x).Route == Active {
				return violated(Departed, "the match of %v and %v goes on when %v says hello, though one of them has left", x, slot.Matchee, c)
			}
		}
	}
	return nil
}

// endedAsLeft checks Departed in a step.
func endedAsLeft(before *State, step Step) *Violation {
	c := step.Call
	if step.Process.Phase == Leaving && c.Script == Finish && before.at(c.Matcher).Route == Active &&
		before.at(c.Matcher).Match == c.Match && !before.left(c.Matcher) {
		return violated(Departed, "%v(%d) is ended as left, and nobody has left", c.Matcher, c.Match)
	}
	return nil
}

// consented checks Consented in a state.
func consented(s *State, count int) *Violation {
	for x := Member(1); x <= Member(count); x++ {
		slot := s.at(x)
		if slot.Route == Active && slot.Asks && s.isMatcher(x) && !s.at(slot.Matchee).Accepted {
			return violated(Consented, "%v is matched with %v, who has not accepted", x, slot.Matchee)
		}
	}
	return nil
}

// answered checks Consented in a step: an answer is one to the offer that it names, and an offer
// is told while it stands.
func answered(after *State, step Step, f Fault) *Violation {
	c := step.Call
	if step.Event != Replied || step.Reply.Status != Yours || c.Matchee == 0 {
		return nil
	}
	x, y := after.at(c.Matcher), after.at(c.Matchee)
	switch {
	case c.Script == Accept && y.Claimed != c.Match:
		return violated(Consented, "%v accepts (%d), and that counts for (%d)", c.Matchee, c.Match, y.Claimed)
	case (step.Process.Phase == Offering || step.Process.Phase == Claiming && c.Asks && f == ToldBeforeOffer) &&
		(x.Route != Offered || x.Match != c.Match || x.Matchee != c.Matchee || y.Matcher != c.Matcher || y.Claimed != c.Match):
		return violated(Consented, "%v is told of an offer of %v(%d) that does not stand", c.Matchee, c.Matcher, c.Match)
	}
	return nil
}
