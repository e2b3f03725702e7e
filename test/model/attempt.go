package model

import "fmt"

// An attempt is a process that makes an assignment attempt or wakes waiting requests.
type attempt struct {
	Phase      attemptPhase
	Owner      Member // of the request, or the member who was just listed
	Match      Match
	Matchee    Member
	Candidates uint8 // the listed members that its search saw
	Waiting    uint8 // the members with a registered request that it saw
	First      bool  // the request is not registered yet
	OwnTried   bool  // it has leased its owner's request before those of others
}

// An attemptPhase is the next step of an attempt.
type attemptPhase uint8

const (
	attemptDone attemptPhase = iota
	toBegin
	toSearch
	toClaim
	toCommit
	toConfirm
	toUnlist
	toGiveUp
	toRegister
	toCheck
	toServeFound
	toRelist
	toWake
)

func (p attemptPhase) String() string {
	return [...]string{"", "begins", "searches", "claims the next candidate", "commits", "confirms", "unlists both members", "gives up",
		"registers the request and searches", "checks whether the request is still open", "leases a request of a candidate or its own",
		"lists its owner again", "wakes a waiting request"}[p]
}

// next emits every step that can follow s.
func (s waitingState) next(count Member, f Fault, emit func(string, waitingState)) {
	for m := Member(1); m <= count; m++ {
		bit := uint8(1) << m
		switch {
		case s.Reported&bit == 0:
			t := s
			t.Reported |= bit
			t.Listed |= bit
			wake := attempt{Phase: toWake, Owner: m, Waiting: s.Registered &^ s.Narrow &^ bit}
			if f == ListingWakesNobody {
				wake.Waiting = 0
			}
			emit(fmt.Sprintf("%v reports and is listed", m), t.started(wake))
		case s.Died && s.Again&bit == 0:
			t := s
			t.Again |= bit
			wake := attempt{Phase: toWake, Owner: m, Waiting: s.Registered &^ bit}
			if s.Listed&bit == 0 || f == ReportAsksOnce {
				wake.Waiting = 0
			}
			emit(fmt.Sprintf("%v reports again, where it was", m), t.started(wake))
		case s.Then != nothing && s.Narrow == 0 && s.Again&bit == 0:
			t := s
			t.Again |= bit
			p := attempt{Phase: toWake, Owner: m, Waiting: s.Registered &^ bit}
			if s.Then == messages {
				p = attempt{Phase: toServeFound, Owner: m, Candidates: bit}
			}
			if s.Listed&bit == 0 && s.Then == reports || f == GrowthNotReported && s.Then == reports || f == GrowthNotSearched && s.Then == messages {
				p = attempt{Phase: toWake}
			}
			emit(fmt.Sprintf("%v %v", m, s.Then), t.started(p))
		case s.Narrow&s.Requested&bit != 0 && s.Attempts == [len(s.Attempts)]attempt{}:
			t := s
			t.Narrow &^= bit
			emit(fmt.Sprintf("the circle of %v's request grows", m), t)
		case s.Requested&bit == 0:
			t := s
			t.Requested |= bit
			emit(fmt.Sprintf("%v sends its request", m), t.started(attempt{Phase: toBegin, Owner: m, First: true}))
		}
	}
	for i, p := range s.Attempts {
		if p.Phase == toWake && !s.Died && count == 2 && s.Then == nothing { // three would be too many states
			t := s
			t.Died, t.Attempts[i] = true, attempt{}
			t.sortAttempts()
			emit(fmt.Sprintf("the process of %v(%d) dies", p.Owner, p.Match), t)
		}
		if p.Phase != attemptDone {
			s.advance(i, p, f, func(after waitingState) {
				after.sortAttempts()
				emit(fmt.Sprintf("the process of %v(%d) %v", p.Owner, p.Match, p.Phase), after)
			})
		}
	}
}

func (a again) String() string {
	return [...]string{"", "reports again, where it was", "sends another message"}[a]
}

// seen are the listed members in the circle of the owner's request.
func (s *waitingState) seen(owner Member) uint8 {
	if s.Narrow&(1<<owner) != 0 {
		return 0
	}
	return s.Listed &^ (1 << owner)
}

// started returns the state with one more process, if that has anything to do.
func (s waitingState) started(p attempt) waitingState {
	if p.Phase == toWake && p.Waiting == 0 {
		return s
	}
	for i := range s.Attempts {
		if s.Attempts[i].Phase == attemptDone {
			s.Attempts[i] = p
			s.sortAttempts()
			return s
		}
	}
	panic("model: more processes than there is room for")
}

// sortAttempts puts the processes in an order of their own: they have no names.
func (s *waitingState) sortAttempts() {
	less := func(a, b attempt) bool {
		x := [...]int{int(a.Phase), int(a.Owner), int(a.Match), int(a.Matchee), int(a.Candidates), int(a.Waiting),
			int(flag(a.First)), int(flag(a.OwnTried))}
		y := [...]int{int(b.Phase), int(b.Owner), int(b.Match), int(b.Matchee), int(b.Candidates), int(b.Waiting),
			int(flag(b.First)), int(flag(b.OwnTried))}
		for i := range x {
			if x[i] != y[i] {
				return x[i] > y[i]
			}
		}
		return false
	}
	for i := 1; i < len(s.Attempts); i++ {
		for j := i; j > 0 && less(s.Attempts[j], s.Attempts[j-1]); j-- {
			s.Attempts[j], s.Attempts[j-1] = s.Attempts[j-1], s.Attempts[j]
		}
	}
}

// unused returns an id for a search of m that no slot and no process has.
func (s *waitingState) unused(m Member) Match {
	t := s.State
	for id := t.unusedID(m); ; id++ {
		free := true
		for _, p := range s.Attempts {
			free = free && (p.Owner != m || p.Match != id)
		}
		if free {
			return id
		}
	}
}

// run runs a script of process p.
func (s *waitingState) run(script Script, p attempt) Status {
	c := Call{Script: script, Matcher: p.Owner, Match: p.Match, Matchee: p.Matchee, Wait: true}
	slot := s.at(c.On())
	post, reply := c.Apply(*slot, NoFault)
	post.Untold = 0 // see ExploreTelling
	*slot = post
	return reply.Status
}

// advance emits the next steps of process i.
func (s waitingState) advance(i int, p attempt, f Fault, emit func(waitingState)) {
	t, self := s, uint8(1)<<p.Owner
	do := func(q attempt) {
		t.Attempts[i] = q
		emit(t)
	}
	then := func(phase attemptPhase) {
		p.Phase = phase
		do(p)
	}
	switch p.Phase {
	case toBegin:
		p.Match = s.unused(p.Owner)
		switch t.run(Begin, p) {
		case OK:
			then(toSearch)
		case IsClaimed:
			if s.at(p.Owner).Confirmed {
				do(attempt{}) // the reply is the match
				return
			}
			p.Match = 0
			then(toBegin)
		default:
			do(attempt{})
		}
	case toSearch:
		p.Candidates = s.seen(p.Owner)
		then(toClaim)
	case toClaim:
		if p.Candidates == 0 {
			then(toGiveUp)
			return
		}
		for m := Member(1); m <= members; m++ {
			if p.Candidates&(1<<m) == 0 {
				continue
			}
			t = s
			q := p
			q.Candidates, q.Matchee = p.Candidates&^(1<<m), m
			if t.run(Claim, q) == Yours {
				q.Phase, q.Candidates = toCommit, 0
			} else {
				q.Matchee = 0
			}
			do(q)
		}
	case toCommit:
		t.run(Commit, p)
		then(toConfirm)
	case toConfirm:
		t.run(Confirm, p)
		then(toUnlist)
	case toUnlist:
		t.Listed &^= self | 1<<p.Matchee
		t.Registered &^= self | 1<<p.Matchee
		do(attempt{})
	case toGiveUp:
		t.run(GiveUp, p)
		p.Match = 0
		if p.First {
			then(toRegister)
			return
		}
		then(toRelist)
	case toRegister:
		t.Registered |= self
		p.Candidates = s.seen(p.Owner)
		if f == SearchBeforeRegister {
			p.Candidates = 0 // what the search before found: nobody
		}
		then(toCheck)
	case toCheck:
		if route := s.at(p.Owner).Route; route != Waiting && route != Searching {
			t.Registered &^= self // the request is closed: withdraw it
		}
		p.First = false
		then(toServeFound)
	case toServeFound:
		s.serve(i, p, emit)
	case toRelist:
		if t.at(p.Owner).Route == Waiting && t.at(p.Owner).Matcher == 0 {
			t.Listed |= self
		}
		p.Waiting = s.Registered &^ s.Narrow &^ self
		then(toWake)
	case toWake:
		s.wake(i, p, emit)
	}
}

// serve follows the search that came with registering. A candidate with a smaller id may
// have a waiting request of its own, whose attempt goes first; then comes the owner's.
func (s waitingState) serve(i int, p attempt, emit func(waitingState)) {
	p.Phase = toRelist
	for m := Member(1); m <= p.Owner; m++ {
		if p.Candidates == 0 || m < p.Owner && p.Candidates&(1<<m) == 0 {
			continue
		}
		if s.lease(i, m, false, emit) {
			return
		}
		if m < p.Owner && s.at(m).Route == Searching {
			break // another process makes its attempt
		}
	}
	p.Candidates = 0
	s.Attempts[i] = p
	emit(s)
}

// wake leases a waiting request that the owner, who was just listed, fits. If the owner
// has a waiting request too, the attempt of the smaller id goes first.
func (s waitingState) wake(i int, p attempt, emit func(waitingState)) {
	if p.Waiting == 0 {
		s.Attempts[i] = attempt{}
		emit(s)
		return
	}
	for other := Member(1); other <= members; other++ {
		if p.Waiting&(1<<other) == 0 {
			continue
		}
		t, q := s, p
		if !p.OwnTried && p.Owner < other {
			own := t.at(p.Owner)
			switch {
			case t.lease(i, p.Owner, true, emit):
				continue
			case own.Route == Searching || own.Route == Waiting:
				t.Attempts[i] = attempt{} // another process makes its attempt
				emit(t)
				continue
			}
			q.OwnTried = true
		}
		if t.lease(i, other, false, emit) {
			continue
		}
		q.Waiting &^= 1 << other
		t.Attempts[i] = q
		emit(t)
	}
}

// lease turns process i into an attempt on the owner's request, if it gets the lease.
func (s waitingState) lease(i int, owner Member, tried bool, emit func(waitingState)) bool {
	p := attempt{Phase: toSearch, Owner: owner, Match: s.unused(owner), OwnTried: tried}
	if s.run(Lease, p) != OK {
		return false
	}
	s.Attempts[i] = p
	emit(s)
	return true
}
