package model

// heals checks Heals in a state. Each script may find a lease lapsed or the
// request's time up as well, so both are tried.
func heals(s *State, count int, v Variant) *Violation {
	for _, clock := range []Clock{Lapsed, Expired} {
		for c := Member(1); c <= Member(count); c++ {
			t := hello(*s, c, clock, v)
			if why := unwell(t, c, clock, v); why != "" {
				return broken(Heals, "when all processes are gone and %v says hello, %s", c, why)
			}
			for o := Member(1); o <= Member(count); o++ {
				if o == c || !s.tied(c, o) {
					continue
				}
				u := hello(t, o, clock, v)
				for _, m := range []Member{c, o} {
					if why := unwell(u, m, clock, v); why != "" {
						return broken(Heals, "when all processes are gone and %v, then %v say hello, %s", c, o, why)
					}
				}
				if u.tied(c, o) && (u.at(c).Matcher != o || !u.found(c)) && (u.at(o).Matcher != c || !u.found(o)) {
					return broken(Heals, "%v and %v do not see the same after both said hello", c, o)
				}
			}
		}
	}
	return nil
}

// tied reports whether one of the two is on the other's slot.
func (s *State) tied(a, b Member) bool {
	x, y := s.at(a), s.at(b)
	return x.Matcher == b || y.Matcher == a || x.Route == Active && x.Matchee == b ||
		y.Route == Active && y.Matchee == a
}

// hello resolves the claim on a member and its active entry, undisturbed.
func hello(s State, c Member, clock Clock, v Variant) State {
	run := func(call Call) Status {
		call.Clock = clock
		slot := s.at(call.On())
		post, reply := call.Apply(*slot, v)
		*slot = post
		return reply.Status
	}
	do := func(p Process, ok bool) {
		call := Call{Matcher: p.Matcher, Match: p.Match, Matchee: p.Matchee}
		switch {
		case ok && p.Phase == Completing:
			if call.Script = Commit; run(call) == Yours {
				call.Script = Confirm
			} else {
				call.Script = Release
			}
			run(call)
		case ok && p.Phase == Finishing:
			call.Script = Finish
			run(call)
			fallthrough
		case ok:
			call.Script = Release
			run(call)
		}
	}
	run(Call{Script: Read, Matcher: c, Own: true})
	if slot := *s.at(c); slot.Matcher != 0 {
		watch := Call{Script: Watch, Matcher: slot.Matcher, Match: slot.Claimed, Matchee: c}
		do(judgeClaim(watch, slot.Confirmed, run(watch), v))
	}
	if slot := *s.at(c); slot.Route == Active {
		do(judgeRoute(c, slot, *s.at(slot.Matchee), v))
	}
	return s
}

// unwell says why a member is neither in a match that both see nor free, or "".
func unwell(s State, c Member, clock Clock, v Variant) string {
	slot := *s.at(c)
	switch {
	case slot.Route == Active && (!s.matched(c) || !s.at(slot.Matchee).Confirmed):
		return c.String() + " keeps a match that its matchee does not see"
	case slot.Matcher != 0 && (!s.found(c) || !slot.Confirmed):
		return c.String() + " keeps a claim that its matcher does not see"
	case slot.Route == Active || slot.Matcher != 0:
		return ""
	}
	ask := Call{Script: Begin, Matcher: c, Match: s.fresh(c), Clock: clock}
	if slot.Route == Waiting {
		ask.Script, ask.Clock = Lease, InTime
	}
	if _, reply := ask.Apply(slot, v); reply.Status != OK {
		return c.String() + " cannot ask again: " + string(reply.Status)
	}
	claim := Call{Script: Claim, Matcher: 0, Match: 1, Matchee: c, Clock: clock}
	if _, reply := claim.Apply(slot, v); reply.Status != Yours {
		return c.String() + " cannot be found: " + string(reply.Status)
	}
	return ""
}
