package model

// A machine makes every step that can follow a state.
type machine struct {
	fault   Fault
	bounds  Bounds
	observe func(Call, Slot, Slot, Reply) // may be nil
	emit    func(Step, State)
}

// apply runs a script on a copy of the state.
func (m *machine) apply(s State, c Call) (State, Reply) {
	slot := s.at(c.On())
	post, reply := c.Apply(*slot, m.fault)
	if m.observe != nil {
		m.observe(c, *slot, post, reply)
	}
	*slot = post
	return s, reply
}

// each runs a script at every clock that makes a difference.
func (m *machine) each(s State, c Call, then func(Call, State, Reply)) {
	for _, clock := range s.at(c.On()).clocks(c.Script) {
		if clock == GraceExpired && !m.bounds.Leaving {
			continue
		}
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
			m.failover(s, x)
		}
		m.message(s, x)
		if n < m.bounds.Processes {
			m.repairOrEnd(s, x)
		}
	}
}

// message emits the steps that a member's own message makes: it opens an assignment
// attempt, cancels, retracts or reads.
func (m *machine) message(s State, x Member) {
	attempts, late := 0, 0
	n := s.running()
	for _, p := range s.Running[:n] {
		if p.attempts() {
			attempts++
		}
		if p.late() {
			late++
		}
	}
	room := n < m.bounds.Processes && attempts < m.bounds.Attempts
	openings := []Call{{Script: Begin}, {Script: Lease, Asks: s.at(x).Asks}}
	if m.bounds.Offers {
		openings = append(openings, Call{Script: Begin, Asks: true})
	}
	for _, call := range openings {
		script := call.Script
		call.Matcher, call.Match = x, s.unusedID(x)
		m.each(s, call, func(c Call, t State, r Reply) {
			step := Step{Event: Replied, Call: c, Reply: r}
			if r.Status != OK {
				if !m.onlyReads(s, c, t) {
					m.emit(step, t)
				}
			} else if room {
				m.emit(step, t.plus(Process{Phase: Choosing, Matcher: x, Match: c.Match, Asks: c.Asks}))
			}
		})
		if m.fault == BeginSentTwice && room && late == 0 && n+1 < m.bounds.Processes {
			again, delayed := Beginning, LateBegin
			if script == Lease {
				again, delayed = Leasing, LateLease
			}
			m.emit(Step{Event: Delayed, Call: call}, s.plus(Process{Phase: again, Matcher: x, Match: call.Match}).
				plus(Process{Phase: delayed, Matcher: x, Match: call.Match}))
		}
	}
	for _, call := range []Call{{Script: Cancel, Matcher: x}, {Script: Retract, Matcher: x}, {Script: Read, Matcher: x},
		{Script: Read, Matcher: x, Own: true}, {Script: Told, Matcher: x, Notice: NoMatchNotice}} {
		m.each(s, call, func(c Call, t State, r Reply) {
			if c.Script == Read && !c.Own || !m.onlyReads(s, c, t) {
				m.emit(Step{Event: Replied, Call: c, Reply: r}, t)
			}
		})
	}
}

// onlyReads reports whether a call changes no more than Read does. Its step then leads
// to no other state, unless outcomes count.
func (m *machine) onlyReads(s State, c Call, after State) bool {
	return m.bounds.ForgetOutcomes && after.at(c.On()).withoutOutcomes() == s.at(c.On()).applyDeadlines(c.Clock).withoutOutcomes()
}

// repairOrEnd emits the processes that repair a claim on x or a route of x, or that end
// a match of x.
func (m *machine) repairOrEnd(s State, x Member) {
	slot := *s.at(x)
	if slot.Matcher != 0 {
		call := Call{Script: Watch, Matcher: slot.Matcher, Match: slot.Claimed, Matchee: x}
		m.each(s, call, func(c Call, t State, r Reply) {
			p, needed := repairClaim(c, slot, r.Status, m.fault)
			if r.Left && slot.Confirmed {
				p.Phase, needed = Leaving, true
			}
			if needed {
				m.emit(Step{Event: ClaimRead, Call: c, Reply: r}, t.plus(p))
			}
		})
		if asker := s.at(slot.Matcher); slot.Offer && !(asker.Route == Searching && asker.Match == slot.Claimed) {
			m.answer(s, x, slot.Matcher, slot.Claimed) // else it has not been told
		}
	}
	if slot.Route == Offered {
		if p, needed := repairRoute(x, slot, *s.at(slot.Matchee), m.fault); needed {
			m.emit(Step{Event: RouteRead, Process: p}, s.plus(p))
		}
	}
	if slot.Route == Active {
		if p, needed := repairRoute(x, slot, *s.at(slot.Matchee), m.fault); needed {
			m.emit(Step{Event: RouteRead, Process: p}, s.plus(p))
		}
		if m.bounds.Leaving {
			m.leave(s, x, slot)
		}
		m.end(s, x, slot.Match, slot.Matchee, x)
	}
	if slot.Confirmed {
		m.end(s, slot.Matcher, slot.Claimed, x, x)
	}
}

// answer emits the processes that a member starts who accepts or declines an offer.
func (m *machine) answer(s State, y, matcher Member, match Match) {
	p := Process{Phase: Recommitting, Matcher: matcher, Match: match, Matchee: y}
	accept := Call{Script: Accept, Matcher: matcher, Match: match, Matchee: y}
	if m.fault == AcceptUnchecked {
		accept.Match = match%2 + 1 // an answer to an earlier offer
	}
	m.each(s, accept, func(c Call, t State, r Reply) {
		if r.Status == Yours {
			m.emit(Step{Event: Replied, Call: c, Reply: r}, t.plus(p))
		}
	})
	p.Phase = Declining
	m.emit(Step{Event: EndRequested, Process: p, By: y}, s.plus(p))
}

// end emits the process that a member starts by saying end.
func (m *machine) end(s State, matcher Member, match Match, matchee, by Member) {
	p := Process{Phase: Finishing, Matcher: matcher, Match: match, Matchee: matchee}
	if m.fault == ReleaseBeforeFinish {
		p.Phase = ReleasingFirst
	}
	m.emit(Step{Event: EndRequested, Process: p, By: by}, s.plus(p))
}

// leave emits the process of whoever looks at both halves of a match that one of its members has left.
func (m *machine) leave(s State, x Member, slot Slot) {
	if p := (Process{Phase: Leaving, Matcher: x, Match: slot.Match, Matchee: slot.Matchee}); s.left(x) || m.fault == LeftTooSoon {
		m.emit(Step{Event: RouteRead, Process: p}, s.plus(p))
	}
}

// left reports whether a member has left the match of x's route.
func (s *State) left(x Member) bool {
	return s.isMatcher(x) && s.at(x).Route == Active && (s.at(x).Left || s.at(s.at(x).Matchee).Left)
}

// repairClaim decides by the state of the matcher's route how to repair a claim, and
// whether it needs repair.
func repairClaim(c Call, slot Slot, route Status, f Fault) (Process, bool) {
	p := Process{Phase: Releasing, Matcher: c.Matcher, Match: c.Match, Matchee: c.Matchee}
	switch {
	case route == IsActive:
		p.Phase = Recommitting
		return p, !slot.Confirmed
	case route == IsOffered:
		p.Phase = Recommitting
		return p, slot.Accepted || f == RepairAccepts
	case route == IsSearching && f != ReleaseWhileSearching:
		return p, false
	}
	return p, true
}

// repairRoute decides by the matchee's record how to repair an active route of x, and
// whether it needs repair.
func repairRoute(x Member, route, peer Slot, f Fault) (Process, bool) {
	p := Process{Phase: Finishing, Matcher: x, Match: route.Match, Matchee: route.Matchee}
	if peer.Matcher == x && peer.Claimed == route.Match {
		p.Phase = Recommitting
		return p, !peer.Confirmed && (route.Route == Active || peer.Accepted)
	}
	if route.Route == Offered {
		p.Phase = Declining
		return p, true
	}
	return p, f != RepairNothing
}

// advance emits the next steps of process i: its script gets a reply, or the reply is
// lost, or the command is late. In the last two cases the process goes on with one of
// the unknown phases, for it does not know whether the script has run.
func (m *machine) advance(s State, i int, p Process) {
	call := Call{Matcher: p.Matcher, Match: p.Match, Matchee: p.Matchee, Asks: p.Asks}
	hasLate := false
	for _, q := range s.Running {
		hasLate = hasLate || q.late()
	}
	run := func(script Script, then func(Status) Phase, unknown ...Phase) {
		call.Script = script
		m.each(s, call, func(c Call, t State, r Reply) {
			m.emit(Step{Event: Replied, Process: p, Call: c, Reply: r}, m.enter(t, i, p, then(r.Status)))
			for _, phase := range unknown {
				m.emit(Step{Event: ReplyLost, Process: p, Call: c, Reply: r, Then: phase}, m.enter(t, i, p, phase))
			}
		})
	}
	delay := func(command Phase, unknown ...Phase) {
		if hasLate || s.running() >= m.bounds.Processes {
			return
		}
		late := Process{Phase: command, Matcher: p.Matcher, Match: p.Match, Matchee: p.Matchee, Asks: p.Asks}
		for _, phase := range unknown {
			m.emit(Step{Event: Delayed, Process: p, Call: call, Then: phase}, m.enter(s, i, p, phase).plus(late))
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
		run(Begin, when(OK, Choosing, Idle))
	case Leasing:
		run(Lease, when(OK, Choosing, Idle))
	case Choosing:
		m.choose(s, i, p)
	case Claiming:
		next := Committing
		if p.Asks && m.fault != CommitUnasked {
			next = Offering
		}
		run(Claim, when(Yours, next, Choosing), Claiming, Retreating)
		delay(LateClaim, Claiming, Retreating)
	case Offering:
		run(Offer, func(got Status) Phase {
			if got == Yours || got == IsActive {
				return Idle
			}
			return Releasing
		}, Offering)
		delay(LateOffer, Offering)
	case LateOffer:
		run(Offer, to(Idle))
	case Declining:
		run(Decline, when(IsActive, Idle, Releasing))
	case Committing:
		unknown := []Phase{Committing}
		if m.fault == ReleaseAfterCommit {
			unknown = append(unknown, Retreating)
		}
		yes := Confirming
		if m.fault == NotifyBeforeConfirm {
			yes = Idle
		}
		run(Commit, when(Yours, yes, Releasing), unknown...)
		delay(LateCommit, unknown...)
	case Recommitting:
		run(Commit, when(Yours, Confirming, Releasing))
	case Confirming:
		run(Confirm, to(Idle))
	case Retreating:
		run(Release, to(Choosing), Retreating)
		delay(Releasing, Retreating)
	case Releasing:
		run(Release, to(Idle))
	case Finishing, Leaving:
		run(Finish, to(Releasing))
	case ReleasingFirst:
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

// choose emits the choices of an assignment attempt without a candidate: claim any
// member that it has not released, since nothing is assumed about distances, or give up.
func (m *machine) choose(s State, i int, p Process) {
	for y := Member(1); y <= Member(m.bounds.Members); y++ {
		if y == p.Matcher || p.hasReleased(y) {
			continue
		}
		q := p
		q.Phase, q.Matchee = Claiming, y
		m.advance(s.with(i, q), i, q)
	}
	for _, wait := range []bool{true, false} {
		call := Call{Script: GiveUp, Matcher: p.Matcher, Match: p.Match, Wait: wait}
		m.each(s, call, func(c Call, t State, r Reply) {
			m.emit(Step{Event: Replied, Process: p, Call: c, Reply: r}, t.without(i))
		})
	}
}

// enter returns the state after process i, which was p, enters another phase.
func (m *machine) enter(s State, i int, p Process, phase Phase) State {
	switch phase {
	case Idle:
		return s.without(i)
	case Choosing:
		if p.Phase == Retreating && m.fault != ClaimAfterRelease {
			p.Released |= 1 << p.Matchee
		}
		p.Matchee = 0
	case Committing, Offering, Confirming, Releasing:
		p.Released = 0
	}
	if phase != Offering && !p.attempts() {
		p.Asks = false
	}
	p.Phase = phase
	return s.with(i, p)
}

// failover emits the slot of x without its last write: the claim or its confirmation,
// the commit, or the request.
func (m *machine) failover(s State, x Member) {
	slot := *s.at(x)
	restore := func(to Slot) {
		t := s
		*t.at(x) = to
		m.emit(Step{Event: FailedOver, By: x}, t)
	}
	if slot.Matcher != 0 {
		restore(slot.unclaimed())
	}
	if slot.Confirmed {
		to := slot
		to.Confirmed = false
		restore(to)
	}
	if slot.Route != None {
		restore(slot.closed(NoRequest))
	}
	if slot.Accepted && !slot.Confirmed {
		to := slot
		to.Accepted = false
		restore(to)
	}
	if slot.Route == Active && slot.Asks {
		to := slot
		to.Route, to.Outcome = Offered, Open
		restore(to)
	} else if slot.Route == Active || slot.Route == Offered {
		to := slot
		to.Route, to.Matchee, to.Outcome = Searching, 0, Open
		restore(to)
	}
}
