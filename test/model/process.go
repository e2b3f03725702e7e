package model

// A machine makes every step that can follow a state.
type machine struct {
	variant Variant
	bounds  Bounds
	observe func(Call, Slot, Slot, Reply) // may be nil
	emit    func(Step, State)
}

// apply runs a script within a copy of the state.
func (m *machine) apply(s State, c Call) (State, Reply) {
	slot := s.at(c.On())
	post, reply := c.Apply(*slot, m.variant)
	if m.observe != nil {
		m.observe(c, *slot, post, reply)
	}
	*slot = post
	return s, reply
}

// each runs a script under every condition of the clock that matters.
func (m *machine) each(s State, c Call, then func(Call, State, Reply)) {
	for _, clock := range s.at(c.On()).clocks(c.Script) {
		c.Clock = clock
		t, reply := m.apply(s, c)
		then(c, t, reply)
	}
}

// next emits every step that can follow s.
func (m *machine) next(s State) {
	n := s.running()
	for i, p := range s.Running[:n] {
		m.emit(Step{Event: Crash, Process: p}, s.without(i))
		m.advance(s, i, p)
	}
	for x := Member(1); x <= Member(m.bounds.Members); x++ {
		if m.bounds.Failover {
			m.lose(s, x)
		}
		m.message(s, x)
		if n < m.bounds.Processes {
			m.errand(s, x)
		}
	}
}

// message emits what a member's own message does in one step.
func (m *machine) message(s State, x Member) {
	drivers, late := 0, 0
	n := s.running()
	for _, p := range s.Running[:n] {
		if p.drives() {
			drivers++
		}
		if p.late() {
			late++
		}
	}
	room := n < m.bounds.Processes && drivers < m.bounds.Drivers
	for _, script := range []Script{Begin, Lease} {
		call := Call{Script: script, Matcher: x, Match: s.fresh(x)}
		m.each(s, call, func(c Call, t State, r Reply) {
			step := Step{Event: Answered, Call: c, Reply: r}
			if r.Status != OK {
				if !m.reads(s, c, t) {
					m.emit(step, t)
				}
			} else if room {
				m.emit(step, t.plus(Process{Phase: Looking, Matcher: x, Match: c.Match}))
			}
		})
		if m.variant == SameIDAgain && room && late == 0 && n+1 < m.bounds.Processes {
			again, delayed := Beginning, LateBegin
			if script == Lease {
				again, delayed = Leasing, LateLease
			}
			m.emit(Step{Event: Delayed, Call: call}, s.plus(Process{Phase: again, Matcher: x, Match: call.Match}).
				plus(Process{Phase: delayed, Matcher: x, Match: call.Match}))
		}
	}
	for _, call := range []Call{{Script: Cancel, Matcher: x}, {Script: Read, Matcher: x},
		{Script: Read, Matcher: x, Own: true}} {
		m.each(s, call, func(c Call, t State, r Reply) {
			if c.Script == Read && !c.Own || !m.reads(s, c, t) {
				m.emit(Step{Event: Answered, Call: c, Reply: r}, t)
			}
		})
	}
}

// reads reports whether a call changes nothing that a mere reading does not: then
// it leads nowhere else, unless what members are told counts.
func (m *machine) reads(s State, c Call, after State) bool {
	return m.bounds.Forget && forgotten(*after.at(c.On())) == forgotten(s.at(c.On()).settle(c.Clock))
}

// errand emits what starts with reading: resolving a claim on x or a match of x,
// or ending it.
func (m *machine) errand(s State, x Member) {
	slot := *s.at(x)
	if slot.Matcher != 0 {
		call := Call{Script: Watch, Matcher: slot.Matcher, Match: slot.Claimed, Matchee: x}
		m.each(s, call, func(c Call, t State, r Reply) {
			if p, do := judgeClaim(c, slot.Confirmed, r.Status, m.variant); do {
				m.emit(Step{Event: Resolved, Call: c, Reply: r}, t.plus(p))
			}
		})
	}
	if slot.Route == Active {
		if p, do := judgeRoute(x, slot, *s.at(slot.Matchee), m.variant); do {
			m.emit(Step{Event: Met, Process: p}, s.plus(p))
		}
		m.end(s, x, slot.Match, slot.Matchee, x)
	}
	if slot.Confirmed {
		m.end(s, slot.Matcher, slot.Claimed, x, x)
	}
}

// end emits that `by` says end.
func (m *machine) end(s State, matcher Member, match Match, matchee, by Member) {
	p := Process{Phase: Finishing, Matcher: matcher, Match: match, Matchee: matchee}
	if m.variant == ReleaseBeforeFinish {
		p.Phase = Parting
	}
	m.emit(Step{Event: Ending, Process: p, By: by}, s.plus(p))
}

// judgeClaim decides what becomes of a claim, by what its matcher's entry says.
func judgeClaim(c Call, confirmed bool, route Status, v Variant) (Process, bool) {
	p := Process{Phase: Dropping, Matcher: c.Matcher, Match: c.Match, Matchee: c.Matchee}
	switch {
	case route == IsActive:
		p.Phase = Completing
		return p, !confirmed
	case route == IsSearching && v != ReleaseWhileSearching:
		return p, false
	}
	return p, true
}

// judgeRoute decides what becomes of an active entry of x, by what its matchee's
// record says.
func judgeRoute(x Member, route, peer Slot, v Variant) (Process, bool) {
	p := Process{Phase: Finishing, Matcher: x, Match: route.Match, Matchee: route.Matchee}
	if peer.Matcher == x && peer.Claimed == route.Match {
		p.Phase = Completing
		return p, !peer.Confirmed
	}
	return p, v != ResolveNothing
}

// advance emits what process i can do next: its script is answered, or the answer
// is lost, or the script itself is late.
func (m *machine) advance(s State, i int, p Process) {
	call := Call{Matcher: p.Matcher, Match: p.Match, Matchee: p.Matchee}
	late := false
	for _, q := range s.Running {
		late = late || q.late()
	}
	run := func(script Script, then func(Status) Phase, unknown ...Phase) {
		call.Script = script
		m.each(s, call, func(c Call, t State, r Reply) {
			m.emit(Step{Event: Answered, Process: p, Call: c, Reply: r}, m.become(t, i, p, then(r.Status)))
			for _, phase := range unknown {
				m.emit(Step{Event: Lost, Process: p, Call: c, Reply: r, Then: phase}, m.become(t, i, p, phase))
			}
		})
	}
	delay := func(as Phase, unknown ...Phase) {
		if late || s.running() >= m.bounds.Processes {
			return
		}
		behind := Process{Phase: as, Matcher: p.Matcher, Match: p.Match, Matchee: p.Matchee}
		for _, phase := range unknown {
			m.emit(Step{Event: Delayed, Process: p, Call: call, Then: phase}, m.become(s, i, p, phase).plus(behind))
		}
	}
	to := func(phase Phase) func(Status) Phase { return func(Status) Phase { return phase } }
	when := func(want Status, yes, no Phase) func(Status) Phase {
		return func(got Status) Phase {
			if got == want {
				return yes
			}
			return no
		}
	}

	switch p.Phase {
	case Beginning:
		run(Begin, when(OK, Looking, Idle))
	case Leasing:
		run(Lease, when(OK, Looking, Idle))
	case Looking:
		m.look(s, i, p)
	case Claiming:
		run(Claim, when(Yours, Committing, Looking), Claiming, Returning)
		delay(LateClaim, Claiming, Returning)
	case Committing:
		unknown := []Phase{Committing}
		if m.variant == ReleaseAfterCommit {
			unknown = append(unknown, Returning)
		}
		yes := Confirming
		if m.variant == ConfirmSkipped {
			yes = Idle
		}
		run(Commit, when(Yours, yes, Dropping), unknown...)
		delay(LateCommit, unknown...)
	case Completing:
		run(Commit, when(Yours, Confirming, Dropping))
	case Confirming:
		run(Confirm, to(Idle))
	case Returning:
		run(Release, to(Looking), Returning)
		delay(Dropping, Returning)
	case Dropping:
		run(Release, to(Idle))
	case Finishing:
		run(Finish, to(Dropping))
	case Parting:
		run(Release, to(Finishing))
	case LateBegin:
		call.Matchee = 0
		run(Begin, to(Idle))
	case LateLease:
		run(Lease, to(Idle))
	case LateClaim:
		run(Claim, to(Idle))
	case LateCommit:
		run(Commit, to(Idle))
	}
}

// look emits the choices of a driver without a candidate: any member it has not
// released, as no assumption is made on who is near, or falling back.
func (m *machine) look(s State, i int, p Process) {
	for y := Member(1); y <= Member(m.bounds.Members); y++ {
		if y == p.Matcher || p.released(y) {
			continue
		}
		q := p
		q.Phase, q.Matchee = Claiming, y
		m.advance(s.with(i, q), i, q)
	}
	for _, wait := range []bool{true, false} {
		call := Call{Script: Fall, Matcher: p.Matcher, Match: p.Match, Wait: wait}
		m.each(s, call, func(c Call, t State, r Reply) {
			m.emit(Step{Event: Answered, Process: p, Call: c, Reply: r}, t.without(i))
		})
	}
}

// become returns the state with process i, which was p, in another phase.
func (m *machine) become(s State, i int, p Process, phase Phase) State {
	switch phase {
	case Idle:
		return s.without(i)
	case Looking:
		if p.Phase == Returning && m.variant != ClaimAgain {
			p.Tried |= 1 << p.Matchee
		}
		p.Matchee = 0
	case Committing, Confirming, Dropping:
		p.Tried = 0
	}
	p.Phase = phase
	return s.with(i, p)
}

// lose emits that what was last written to a slot never was: the claim or its
// confirmation, the commit, or the request.
func (m *machine) lose(s State, x Member) {
	slot := *s.at(x)
	back := func(to Slot) {
		t := s
		*t.at(x) = to
		m.emit(Step{Event: Loss, By: x}, t)
	}
	if slot.Matcher != 0 {
		back(slot.unclaimed())
	}
	if slot.Confirmed {
		to := slot
		to.Confirmed = false
		back(to)
	}
	if slot.Route != None {
		back(slot.closed(Nothing))
	}
	if slot.Route == Active {
		to := slot
		to.Route, to.Matchee, to.Asked = Searching, 0, Open
		back(to)
	}
}
