package model

// repaired checks Repaired in a state. The scripts may find only the leases expired, or
// the requests as well, so it tries both.
func repaired(s *State, count int, f Fault) *Violation {
	for _, clock := range []Clock{LeaseExpired, BothExpired} {
		for c := Member(1); c <= Member(count); c++ {
			t := hello(*s, c, clock, f)
			if why := unrepaired(t, c, clock, f); why != "" {
				return violated(Repaired, "when all processes have died and %v says hello, %s", c, why)
			}
			for o := Member(1); o <= Member(count); o++ {
				if o == c || !s.linked(c, o) {
					continue
				}
				u := hello(t, o, clock, f)
				for _, m := range []Member{c, o} {
					if why := unrepaired(u, m, clock, f); why != "" {
						return violated(Repaired, "when all processes have died and %v, then %v say hello, %s", c, o, why)
					}
				}
				if u.linked(c, o) && (u.at(c).Matcher != o || !u.isMatchee(c)) && (u.at(o).Matcher != c || !u.isMatchee(o)) {
					return violated(Repaired, "%v and %v do not see the same match after both said hello", c, o)
				}
			}
		}
	}
	return nil
}

// linked reports whether one member's slot names the other.
func (s *State) linked(a, b Member) bool {
	x, y := s.at(a), s.at(b)
	return x.Matcher == b || y.Matcher == a || x.Matchee == b && x.Route != Ended || y.Matchee == a && y.Route != Ended
}

// hello repairs the claim on a member and its active route. Nothing else runs meanwhile.
func hello(s State, c Member, clock Clock, f Fault) State {
	run := func(call Call) Status {
		call.Clock = clock
		slot := s.at(call.On())
		post, reply := call.Apply(*slot, f)
		*slot = post
		return reply.Status
	}
	do := func(p Process, needed bool) {
		call := Call{Matcher: p.Matcher, Match: p.Match, Matchee: p.Matchee}
		switch {
		case needed && p.Phase == Recommitting:
			if call.Script = Commit; run(call) == Yours {
				call.Script = Confirm
			} else {
				call.Script = Release
			}
			run(call)
		case needed && p.Phase == Finishing:
			call.Script = Finish
			run(call)
			fallthrough
		case needed && p.Phase == Declining:
			if p.Phase == Declining {
				call.Script = Decline
				run(call)
			}
			fallthrough
		case needed:
			call.Script = Release
			run(call)
		}
	}
	run(Call{Script: Read, Matcher: c, Own: true})
	if slot := *s.at(c); slot.Matcher != 0 {
		watch := Call{Script: Watch, Matcher: slot.Matcher, Match: slot.Claimed, Matchee: c}
		do(repairClaim(watch, slot, run(watch), f))
	}
	matcher := c
	if !s.isMatcher(c) {
		matcher = s.at(c).Matcher
	}
	if matcher != 0 && s.left(matcher) && (f != LeftUnread || s.at(c).Left) {
		slot := s.at(matcher)
		do(Process{Phase: Finishing, Matcher: matcher, Match: slot.Match, Matchee: slot.Matchee}, true)
	}
	if slot := *s.at(c); slot.Route == Active || slot.Route == Offered {
		do(repairRoute(c, slot, *s.at(slot.Matchee), f))
	}
	return s
}

// unrepaired returns why a member is neither in a match that both members see nor free,
// or "" if it is one of the two.
func unrepaired(s State, c Member, clock Clock, f Fault) string {
	slot := *s.at(c)
	switch {
	case slot.Route == Active && (!s.isMatcher(c) || !s.at(slot.Matchee).Confirmed):
		return c.String() + " keeps a match that its matchee does not see"
	case slot.Matcher != 0 && (!s.isMatchee(c) || !slot.Confirmed):
		return c.String() + " keeps a claim that its matcher does not see"
	case slot.Route == Active || slot.Matcher != 0:
		return ""
	}
	request := Call{Script: Begin, Matcher: c, Match: s.unusedID(c), Clock: clock}
	if slot.Route == Waiting {
		request.Script, request.Clock = Lease, InTime
	}
	if _, reply := request.Apply(slot, f); reply.Status != OK {
		return c.String() + " cannot send a request again: " + string(reply.Status)
	}
	claim := Call{Script: Claim, Matcher: 0, Match: 1, Matchee: c, Clock: clock}
	if _, reply := claim.Apply(slot, f); reply.Status != Yours {
		return c.String() + " cannot be found: " + string(reply.Status)
	}
	return ""
}
