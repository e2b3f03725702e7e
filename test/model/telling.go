package model

import (
	"cmp"
	"fmt"
	"time"
)

// A tellingState is a state of the exploration of Told. Beside the slots of two members it has
// what their clients believe. Pushes reach a client in any order, and only if they are to its
// current connection. A client drops a push of a match that it knows to have ended.
type tellingState struct {
	State
	Belief    [members + 1]Notices // the matches that a client believes to be in, a bit each
	Offers    [members + 1]Notices // the offers that a client believes to stand
	Over      [members + 1]Notices // the ends that a client knows
	Connected [members + 1]uint8   // how often a member has connected again
	Last      Match                // the last id that was used
	Tellers   [2]teller
}

// A teller is a process that completes or ends a match, or that tells a member of one.
type teller struct {
	Phase            tellerPhase
	Matcher, Matchee Member
	Match            Match
	Kind             Kind   // of the notice
	To               Member // who is told
	Connection       uint8  // to which it pushes
}

type tellerPhase uint8

const (
	toldAll tellerPhase = iota
	toMakeFinal
	toAgree // to an offer that was accepted
	toDecline
	toFinish
	toRelease
	toPush
	toClear
)

func (p teller) String() string {
	return fmt.Sprintf("%s of %v(%d) with %v, to %v", [...]string{"nothing", "the confirm", "the commit", "the decline", "the finish", "the release", "the push", "the note of the push"}[p.Phase],
		p.Matcher, p.Match, p.Matchee, p.To)
}

// mostMatches is a bound of this exploration.
const mostMatches = 2

// ExploreTelling explores whether members are told of their matches and ends: every push may
// fail or be late, every process may die, and both members may connect so often again. With offers
// each match begins with one. It ends at a state from which the members' own messages do not lead to
// clients that know how things stand.
func ExploreTelling(f Fault, again uint8, offers bool) Result {
	start := time.Now()
	type link struct {
		from, depth int
		text        string
	}
	states, links := []tellingState{{}}, []link{{from: -1}}
	seen := map[tellingState]bool{{}: true}
	var result Result
	for at := 0; at < len(states) && result.Violation == nil; at++ {
		result.Depth = links[at].depth
		if result.Violation = cmp.Or(states[at].untold(f), states[at].shown(f)); result.Violation != nil {
			for i := at; links[i].from >= 0; i = links[i].from {
				result.Counterexample = append([]PathStep{{Text: links[i].text, After: states[i].State}}, result.Counterexample...)
			}
			break
		}
		states[at].next(f, again, offers, func(text string, after tellingState) {
			result.Steps++
			after.sortTellers()
			if !seen[after] {
				seen[after] = true
				states, links = append(states, after), append(links, link{at, links[at].depth + 1, text})
			}
		})
	}
	result.States, result.Took = len(states), time.Since(start)
	return result
}

// next emits every step that can follow s.
func (s tellingState) next(f Fault, again uint8, offers bool, emit func(string, tellingState)) {
	free := func(x Member) bool {
		return s.at(x).Matcher == 0 && s.at(x).Route != Active && s.at(x).Route != Offered
	}
	for x := Member(1); x <= 2; x++ {
		y := 3 - x
		t := s
		if s.Last < mostMatches && free(x) && free(y) {
			t.Last++
			p := teller{Phase: toMakeFinal, Matcher: x, Matchee: y, Match: t.Last}
			third := Commit
			if offers {
				third, p.Kind = Offer, OfferedNotice
			}
			for _, script := range []Script{Begin, Claim, third} {
				t.run(script, p, f)
			}
			if offers {
				t.pushLater(p, OfferedNotice, x)
				t.pushLater(p, OfferedNotice, y)
			} else {
				t = t.started(p)
			}
			emit(fmt.Sprintf("%v matches %v(%d)", x, y, t.Last), t)
		}
		if r := *s.at(x); r.Route == Offered {
			p := teller{Matcher: x, Matchee: y, Match: r.Match}
			t = s
			t.run(Accept, p, f)
			p.Phase = toAgree
			emit(fmt.Sprintf("%v accepts (%d)", y, r.Match), t.started(p))
			p.Phase = toDecline
			emit(fmt.Sprintf("%v declines (%d)", y, r.Match), s.started(p))
			t = s
			slot := t.at(x)
			*slot = slot.applyDeadlines(LeaseExpired)
			emit(fmt.Sprintf("the offer (%d) expires", r.Match), t)
		}
		if r := *s.at(x); r.Route == Active {
			emit(fmt.Sprintf("%v(%d) is ended", x, r.Match), s.started(teller{Phase: toFinish, Matcher: x, Matchee: r.Matchee, Match: r.Match}))
		}
		t = s
		t.message(x, f)
		emit(fmt.Sprintf("%v sends a message", x), t)
		if t = s; s.Connected[x] < again {
			t.Connected[x]++
			emit(fmt.Sprintf("%v connects again", x), t)
		}
	}
	for i, p := range s.Tellers {
		if p.Phase == toldAll {
			continue
		}
		t := s
		t.Tellers[i] = teller{}
		emit(fmt.Sprintf("%v fails, or its process dies", p), t)
		if p.Phase == toPush && f == ClearedUnpushed {
			t.Tellers[i] = p
			t.Tellers[i].Phase = toClear
			emit(fmt.Sprintf("%v fails", p), t)
		}
		t = s
		t.advance(i, f)
		emit(fmt.Sprintf("%v is done", p), t)
	}
}

// advance makes the next step of teller i.
func (s *tellingState) advance(i int, f Fault) {
	p := s.Tellers[i]
	s.Tellers[i] = teller{}
	both := func(kind Kind) {
		for _, m := range []Member{p.Matcher, p.Matchee} {
			s.pushLater(p, kind, m)
		}
	}
	switch p.Phase {
	case toMakeFinal:
		if s.run(Confirm, p, f).Status == Yours {
			both(MatchedNotice)
		}
	case toAgree:
		p.Phase = toRelease
		if s.run(Commit, p, f).Status == Yours {
			p.Phase = toMakeFinal
		}
		s.Tellers[i] = p
	case toDecline:
		if s.run(Decline, p, f).Status != IsActive {
			p.Phase = toRelease
			s.Tellers[i] = p
		}
	case toFinish:
		s.run(Finish, p, f)
		p.Phase = toRelease
		s.Tellers[i] = p
	case toRelease:
		s.run(Release, p, f)
		both(EndedNotice)
	case toPush:
		if p.Connection == s.Connected[p.To] { // else it went to a connection that nobody reads
			s.tell(p.To, p.Kind, p.Match)
		}
		p.Phase = toClear
		s.Tellers[i] = p
	case toClear:
		if p.Connection == s.Connected[p.To] || f == ClearsOtherConnection {
			s.run(Told, p, f)
		}
	}
}

// pushLater starts a teller that pushes a notice of p's match, if the member is not yet told.
// Without room for it, its process has died.
func (s *tellingState) pushLater(p teller, kind Kind, to Member) {
	untold := s.at(to).Untold
	if kind == MatchedNotice && untold&UntoldMatch == 0 || kind == EndedNotice && untold&UntoldEnd(p.Match) == 0 ||
		kind == OfferedNotice && untold&UntoldOffer == 0 {
		return
	}
	p.Phase, p.Kind, p.To, p.Connection = toPush, kind, to, s.Connected[to]
	*s = s.started(p)
}

// message is any message of x: it repairs what it meets, and pushes what x is not yet told.
func (s *tellingState) message(x Member, f Fault) {
	for _, p := range s.repairs(x) {
		*s = s.started(p)
	}
	for _, p := range s.news(x, f) {
		*s = s.started(p)
	}
}

// repairs returns the processes that repair x's half of a match.
func (s *tellingState) repairs(x Member) (all []teller) {
	slot := *s.at(x)
	if slot.Matcher != 0 {
		p := teller{Matcher: slot.Matcher, Matchee: x, Match: slot.Claimed}
		switch r := s.at(slot.Matcher); {
		case r.Match == slot.Claimed && r.Route == Offered:
			if slot.Accepted {
				p.Phase = toAgree
				all = append(all, p)
			}
		case r.Route != Active || r.Match != slot.Claimed:
			p.Phase = toRelease
			all = append(all, p)
		case !slot.Confirmed:
			p.Phase = toMakeFinal
			all = append(all, p)
		}
	}
	if p := (teller{Matcher: x, Matchee: slot.Matchee, Match: slot.Match}); slot.Route == Offered {
		if peer := s.at(slot.Matchee); peer.Matcher != x || peer.Claimed != slot.Match {
			p.Phase = toDecline
			all = append(all, p)
		} else if peer.Accepted {
			p.Phase = toAgree
			all = append(all, p)
		}
	}
	if slot.Route == Active && !s.at(slot.Matchee).Confirmed {
		all = append(all, teller{Phase: toMakeFinal, Matcher: x, Matchee: slot.Matchee, Match: slot.Match})
	}
	return all
}

// news returns the pushes of what x is not yet told. Of its match it is told once that is final.
func (s *tellingState) news(x Member, f Fault) (all []teller) {
	p := teller{Phase: toPush, To: x, Connection: s.Connected[x]}
	untold := s.run(Read, teller{Matcher: x}, f).Untold
	for id := Match(1); id <= s.Last; id++ {
		if untold&UntoldEnd(id) != 0 {
			p.Kind, p.Match = EndedNotice, id
			all = append(all, p)
		}
	}
	slot := *s.at(x)
	if id := s.offer(x); id != 0 && untold&UntoldOffer != 0 {
		p.Kind, p.Match = OfferedNotice, id
		all = append(all, p)
	}
	switch {
	case untold&UntoldMatch == 0:
		return all
	case slot.Confirmed && s.isMatchee(x):
		p.Match = slot.Claimed
	case s.isMatcher(x) && s.at(slot.Matchee).Confirmed:
		p.Match = slot.Match
	default:
		return all
	}
	p.Kind = MatchedNotice
	return append(all, p)
}

// offer returns the match of the offer that stands with x in either role, or 0.
func (s *tellingState) offer(x Member) Match {
	slot := s.at(x)
	if slot.Route == Offered {
		return slot.Match
	}
	if slot.Matcher != 0 && s.at(slot.Matcher).Route == Offered && s.at(slot.Matcher).Match == slot.Claimed {
		return slot.Claimed
	}
	return 0
}

// tell lets a push arrive.
func (s *tellingState) tell(to Member, kind Kind, id Match) {
	bit := Notices(1) << id
	switch kind {
	case EndedNotice:
		s.Over[to] |= bit
	case OfferedNotice:
		s.Offers[to] |= bit
	default:
		s.Belief[to] |= bit
	}
	s.Belief[to] &^= s.Over[to]
	s.Offers[to] &^= s.Over[to] | s.Belief[to]
}

// shown checks Shown.
func (s tellingState) shown(f Fault) *Violation {
	for y := Member(1); y <= 2; y++ {
		slot := *s.at(y)
		if slot.Matcher == 0 || !slot.Confirmed {
			continue
		}
		watched := s.run(Watch, teller{Matcher: slot.Matcher, Match: slot.Claimed, Matchee: y}, f)
		heard := s.Belief[slot.Matcher] | s.Over[slot.Matcher]
		if watched.Status == IsActive && !watched.Tell && heard&(1<<slot.Claimed) == 0 {
			return violated(Shown, "%v is shown %v, and has not heard of (%d)", slot.Matcher, y, slot.Claimed)
		}
	}
	return s.shared(f)
}

// shared checks Shown for a matcher that shares its moves. It has reported while its route had the
// match, and its process reads the matchee's record now: the route may have changed meanwhile.
func (s tellingState) shared(f Fault) *Violation {
	for y := Member(1); y <= 2; y++ {
		slot := *s.at(y)
		read := s.run(Read, teller{Matcher: y}, f)
		for id := Match(1); id <= s.Last; id++ {
			claimed := slot.Matcher != 0 && slot.Claimed == id && slot.Confirmed
			told := read.Untold&UntoldMatch == 0
			if !(claimed && told || claimed && f == SharedUntold || f == SharedByRoute && s.Over[y]&(1<<id) != 0) {
				continue
			}
			if s.Belief[y]&(1<<id) == 0 {
				return violated(Shown, "%v is shown its matcher of (%d), in which it does not believe to be", y, id)
			}
		}
	}
	return nil
}

// untold checks TellsAll: let every process die, and let each member send two messages whose pushes
// succeed. Then its client knows how things stand.
func (s tellingState) untold(f Fault) *Violation {
	s.Tellers = [len(s.Tellers)]teller{}
	for range 2 {
		for x := Member(1); x <= 2; x++ {
			for _, p := range s.repairs(x) {
				s.Tellers[0] = p
				s.advance(0, f)
				s.Tellers = [len(s.Tellers)]teller{}
			}
			for _, p := range s.news(x, f) {
				s.tell(x, p.Kind, p.Match)
				s.run(Told, p, f)
			}
		}
	}
	for x := Member(1); x <= 2; x++ {
		stands, slot := Notices(0), s.at(x)
		switch {
		case s.offer(x) != 0: // not yet
		case s.isMatcher(x):
			stands = 1 << slot.Match
		case s.isMatchee(x):
			stands = 1 << slot.Claimed
		}
		offered := Notices(0)
		if id := s.offer(x); id != 0 {
			offered = 1 << id
		}
		if s.Offers[x] != offered {
			return violated(TellsAll, "%v believes in the offers %08b, and %08b stand", x, s.Offers[x], offered)
		}
		if s.Belief[x] != stands {
			return violated(TellsAll, "%v believes to be in the matches %08b, and is in %08b", x, s.Belief[x], stands)
		}
	}
	return nil
}

// run runs a script of process p.
func (s *tellingState) run(script Script, p teller, f Fault) Reply {
	c := Call{Script: script, Matcher: p.Matcher, Match: p.Match, Matchee: p.Matchee, Own: true, Notice: p.Kind,
		Asks: p.Kind == OfferedNotice}
	if script == Told {
		c.Matcher = p.To
	}
	slot := s.at(c.On())
	post, reply := c.Apply(*slot, f)
	post.Outcome, post.Due = NoRequest, false
	*slot = post
	return reply
}

// started returns the state with one more process, if there is room for it.
func (s tellingState) started(p teller) tellingState {
	for i, q := range s.Tellers {
		if q == p {
			return s
		}
		if q.Phase == toldAll {
			s.Tellers[i] = p
			return s
		}
	}
	return s
}

// sortTellers puts the processes in an order of their own: they have no names.
func (s *tellingState) sortTellers() {
	rank := func(p teller) int {
		return ((((int(p.Phase)*4+int(p.Matcher))*4+int(p.Matchee))*8+int(p.Match))*4+int(p.Kind))*16 + int(p.To)*4 + int(p.Connection)
	}
	for i := 1; i < len(s.Tellers); i++ {
		for j := i; j > 0 && rank(s.Tellers[j]) > rank(s.Tellers[j-1]); j-- {
			s.Tellers[j], s.Tellers[j-1] = s.Tellers[j-1], s.Tellers[j]
		}
	}
}
