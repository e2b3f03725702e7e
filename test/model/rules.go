package model

import "fmt"

// A Rule is what must hold.
type Rule string

// The rules.
const (
	// Exclusive holds in every state. A match (x, id, y) exists exactly when x's
	// entry is active with this id and y, and the claim on y is of (x, id). Nobody is
	// in two of them, in either role, or in one with itself; no two active entries
	// name one matchee; nobody with a confirmed claim has an active entry.
	Exclusive Rule = "exclusive"
	// Durable holds in every step. A match that exists ends only by its finish.
	Durable Rule = "durable"
	// Told holds in every step. Both sides are told only after confirm has answered
	// `yours`, the claim being confirmed, and of no match that the matcher's entry
	// contradicts: it is active with that id and another matchee, or still searches
	// under it.
	Told Rule = "told"
	// Once holds in every state. A request id is open exactly while its request is
	// waiting or searching, is matched while its member is in that match, and gets
	// one outcome, told once. Beside a confirmed claim no request is under way.
	Once Rule = "once"
	// Heals holds in every state. Let every process die and every deadline pass.
	// Whoever then sends a message is in a match that is confirmed and that both
	// see, or is free: a begin by it and a claim on it succeed. Once both sides of
	// anything left over have, in either order, this is so for both.
	Heals Rule = "heals"
	// Seekers holds at the end of every run in which nobody dies: nobody waits on
	// while another, free or waiting too, is there to be found. See Seek.
	Seekers Rule = "seekers"
)

// A Violation is a rule that a step or the state it leads to breaks.
type Violation struct {
	Rule Rule
	What string
}

func (v Violation) String() string { return fmt.Sprintf("%s: %s", v.Rule, v.What) }

func broken(rule Rule, format string, args ...any) *Violation {
	return &Violation{Rule: rule, What: fmt.Sprintf(format, args...)}
}

// matched reports whether x, as matcher, is in a match that exists.
func (s *State) matched(x Member) bool {
	r := s.at(x)
	if r.Route != Active {
		return false
	}
	y := s.at(r.Matchee)
	return y.Matcher == x && y.Claimed == r.Match
}

// found reports whether y, as matchee, is in a match that exists.
func (s *State) found(y Member) bool {
	x := s.at(y).Matcher
	return x != 0 && s.at(x).Matchee == y && s.matched(x)
}

// exclusive checks Exclusive.
func exclusive(s *State, count int) *Violation {
	var named [members + 1]Member
	for m := Member(1); m <= Member(count); m++ {
		slot := s.at(m)
		if s.matched(m) && s.found(m) {
			return broken(Exclusive, "%v is in two matches, with %v and with %v", m, slot.Matchee, slot.Matcher)
		}
		if slot.Route != Active {
			continue
		}
		y := slot.Matchee
		switch {
		case y == m || slot.Matcher == m:
			return broken(Exclusive, "%v is matched with itself", m)
		case named[y] != 0:
			return broken(Exclusive, "%v is the matchee of both %v and %v", y, named[y], m)
		case slot.Confirmed:
			return broken(Exclusive, "%v is told of two matches, with %v and with %v", m, y, slot.Matcher)
		}
		named[y] = m
	}
	return nil
}

// once checks Once.
func once(s *State, count int) *Violation {
	for m := Member(1); m <= Member(count); m++ {
		slot := s.at(m)
		pending := slot.Route == Waiting || slot.Route == Searching
		switch {
		case pending && slot.Confirmed:
			return broken(Once, "a request of %v is under way beside its match", m)
		case pending != (slot.Asked == Open):
			return broken(Once, "the entry of %v is %v and its request is %v", m, slot.Route, slot.Asked)
		case slot.Route == Active && slot.Asked != Matched:
			return broken(Once, "%v has a match and its request is %v", m, slot.Asked)
		case slot.Asked == Matched && slot.Route != Active && !slot.Confirmed:
			return broken(Once, "the request of %v is matched and %v has no match", m, m)
		}
	}
	return nil
}

// toldOnce checks Once in a step: nobody hears twice that nobody was found.
func toldOnce(before *State, step Step) *Violation {
	m := step.Call.On()
	if step.Reply.Told && before.at(m).Asked != Open && !before.at(m).Due {
		return broken(Once, "%v is told what became of its request, and was told before", m)
	}
	return nil
}

// durable checks Durable. Names are the same before and after.
func durable(before, after *State, step Step) *Violation {
	for x := Member(1); x <= members; x++ {
		if !before.matched(x) {
			continue
		}
		was, is := before.at(x), after.at(x)
		same := after.matched(x) && is.Match == was.Match && is.Matchee == was.Matchee
		if !same && (step.Call.Script != Finish || step.Call.Matcher != x) {
			return broken(Durable, "the match of %v and %v is gone, and nobody has ended it", x, was.Matchee)
		}
	}
	return nil
}

// told checks Told.
func told(after *State, step Step, v Variant) *Violation {
	if !step.tells(v) {
		return nil
	}
	c := step.Call
	x, y := after.at(c.Matcher), after.at(c.Matchee)
	switch {
	case y.Matcher != c.Matcher || y.Claimed != c.Match || !y.Confirmed:
		return broken(Told, "%v and %v are told of a match that is not confirmed", c.Matcher, c.Matchee)
	case x.Match == c.Match && (x.Route == Searching || x.Matchee != c.Matchee):
		return broken(Told, "%v and %v are told of a match that never was", c.Matcher, c.Matchee)
	}
	return nil
}
