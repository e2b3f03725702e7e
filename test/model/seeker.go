package model

import "fmt"

// A seeker is a process.
type seeker struct {
	Phase   seekPhase
	Owner   Member // whose request it drives
	Match   Match
	Matchee Member
	Hits    uint8 // who is listed, as it saw
	Waiters uint8 // who waits, as it saw
	First   bool  // the request is not registered yet
	Tried   bool  // the owner's own request was leased before those of others
}

type seekPhase uint8

const (
	seekNone seekPhase = iota
	seekBegin
	seekSearch
	seekClaim
	seekCommit
	seekConfirm
	seekUnlist
	seekFall
	seekRegister
	seekRegistered
	seekServe
	seekRelist
	seekWake
)

func (p seekPhase) String() string {
	return [...]string{"", "begins", "searches", "tries the next candidate", "commits", "confirms", "unlists both", "falls back to waiting",
		"registers the request and searches", "notes that it is registered", "serves whom it found",
		"lists its owner again", "serves who waits"}[p]
}

// next emits every step.
func (s seeking) next(count Member, v Variant, emit func(string, seeking)) {
	for m := Member(1); m <= count; m++ {
		bit := uint8(1) << m
		switch {
		case s.Reported&bit == 0:
			t := s
			t.Reported |= bit
			t.Listed |= bit
			wake := seeker{Phase: seekWake, Owner: m, Waiters: s.Waits &^ bit}
			if v == ListingWakesNobody {
				wake.Waiters = 0
			}
			emit(fmt.Sprintf("%v reports and is listed", m), t.started(wake))
		case s.Asked&bit == 0:
			t := s
			t.Asked |= bit
			emit(fmt.Sprintf("%v asks", m), t.started(seeker{Phase: seekBegin, Owner: m, First: true}))
		}
	}
	for i, p := range s.Seekers {
		if p.Phase != seekNone {
			s.advance(i, p, v, func(after seeking) {
				after.tidy()
				emit(fmt.Sprintf("the process of %v(%d) %v", p.Owner, p.Match, p.Phase), after)
			})
		}
	}
}

func (s seeking) started(p seeker) seeking {
	if p.Phase == seekWake && p.Waiters == 0 {
		return s
	}
	for i := range s.Seekers {
		if s.Seekers[i].Phase == seekNone {
			s.Seekers[i] = p
			s.tidy()
			return s
		}
	}
	panic("model: more seekers than there is room for")
}

// tidy sorts the processes: they have no names.
func (s *seeking) tidy() {
	less := func(a, b seeker) bool {
		x := [...]int{int(a.Phase), int(a.Owner), int(a.Match), int(a.Matchee), int(a.Hits), int(a.Waiters),
			int(flag(a.First)), int(flag(a.Tried))}
		y := [...]int{int(b.Phase), int(b.Owner), int(b.Match), int(b.Matchee), int(b.Hits), int(b.Waiters),
			int(flag(b.First)), int(flag(b.Tried))}
		for i := range x {
			if x[i] != y[i] {
				return x[i] > y[i]
			}
		}
		return false
	}
	for i := 1; i < len(s.Seekers); i++ {
		for j := i; j > 0 && less(s.Seekers[j], s.Seekers[j-1]); j-- {
			s.Seekers[j], s.Seekers[j-1] = s.Seekers[j-1], s.Seekers[j]
		}
	}
}

// unused returns an id for a search of m.
func (s *seeking) unused(m Member) Match {
	t := s.State
	for id := t.fresh(m); ; id++ {
		free := true
		for _, p := range s.Seekers {
			free = free && (p.Owner != m || p.Match != id)
		}
		if free {
			return id
		}
	}
}

// run applies a script of process p.
func (s *seeking) run(script Script, p seeker) Status {
	c := Call{Script: script, Matcher: p.Owner, Match: p.Match, Matchee: p.Matchee, Wait: true}
	slot := s.at(c.On())
	post, reply := c.Apply(*slot, Correct)
	*slot = post
	return reply.Status
}

// advance emits what process i does next.
func (s seeking) advance(i int, p seeker, v Variant, emit func(seeking)) {
	t, self := s, uint8(1)<<p.Owner
	do := func(q seeker) {
		t.Seekers[i] = q
		emit(t)
	}
	then := func(phase seekPhase) {
		p.Phase = phase
		do(p)
	}
	switch p.Phase {
	case seekBegin:
		p.Match = s.unused(p.Owner)
		switch t.run(Begin, p) {
		case OK:
			then(seekSearch)
		case IsClaimed:
			if s.at(p.Owner).Confirmed {
				do(seeker{}) // its message is answered with the match
				return
			}
			p.Match = 0
			then(seekBegin)
		default:
			do(seeker{})
		}
	case seekSearch:
		p.Hits = s.Listed &^ self
		then(seekClaim)
	case seekClaim:
		if p.Hits == 0 {
			then(seekFall)
			return
		}
		for m := Member(1); m <= members; m++ {
			if p.Hits&(1<<m) == 0 {
				continue
			}
			t = s
			q := p
			q.Hits, q.Matchee = p.Hits&^(1<<m), m
			if t.run(Claim, q) == Yours {
				q.Phase, q.Hits = seekCommit, 0
			} else {
				q.Matchee = 0
			}
			do(q)
		}
	case seekCommit:
		t.run(Commit, p)
		then(seekConfirm)
	case seekConfirm:
		t.run(Confirm, p)
		then(seekUnlist)
	case seekUnlist:
		t.Listed &^= self | 1<<p.Matchee
		t.Waits &^= self | 1<<p.Matchee
		do(seeker{})
	case seekFall:
		t.run(Fall, p)
		p.Match = 0
		if p.First {
			then(seekRegister)
			return
		}
		then(seekRelist)
	case seekRegister:
		t.Waits |= self
		p.Hits = s.Listed &^ self
		if v == SearchBeforeRegister {
			p.Hits = 0 // those of the search before
		}
		then(seekRegistered)
	case seekRegistered:
		if route := s.at(p.Owner).Route; route != Waiting && route != Searching {
			t.Waits &^= self // the request is over: withdrawn
		}
		p.First = false
		then(seekServe)
	case seekServe:
		s.serve(i, p, emit)
	case seekRelist:
		if t.at(p.Owner).Route == Waiting && t.at(p.Owner).Matcher == 0 {
			t.Listed |= self
		}
		p.Waiters = s.Waits &^ self
		then(seekWake)
	case seekWake:
		s.wake(i, p, emit)
	}
}

// serve follows a search that came with registering: those found who may wait
// themselves go first, where their id is smaller; then the own request.
func (s seeking) serve(i int, p seeker, emit func(seeking)) {
	p.Phase = seekRelist
	for m := Member(1); m <= p.Owner; m++ {
		if p.Hits == 0 || m < p.Owner && p.Hits&(1<<m) == 0 {
			continue
		}
		if s.lease(i, m, false, emit) {
			return
		}
		if m < p.Owner && s.at(m).Route == Searching {
			break // somebody is at it
		}
	}
	p.Hits = 0
	s.Seekers[i] = p
	emit(s)
}

// wake serves the requests that fit whoever was just listed. Where that one waits
// itself, the request of the smaller id goes first.
func (s seeking) wake(i int, p seeker, emit func(seeking)) {
	if p.Waiters == 0 {
		s.Seekers[i] = seeker{}
		emit(s)
		return
	}
	for other := Member(1); other <= members; other++ {
		if p.Waiters&(1<<other) == 0 {
			continue
		}
		t, q := s, p
		if !p.Tried && p.Owner < other {
			own := t.at(p.Owner)
			switch {
			case t.lease(i, p.Owner, true, emit):
				continue
			case own.Route == Searching || own.Route == Waiting:
				t.Seekers[i] = seeker{} // somebody is at it
				emit(t)
				continue
			}
			q.Tried = true
		}
		if t.lease(i, other, false, emit) {
			continue
		}
		q.Waiters &^= 1 << other
		t.Seekers[i] = q
		emit(t)
	}
}

// lease turns process i into one that drives the request, if it can be had.
func (s seeking) lease(i int, owner Member, tried bool, emit func(seeking)) bool {
	p := seeker{Phase: seekSearch, Owner: owner, Match: s.unused(owner), Tried: tried}
	if s.run(Lease, p) != OK {
		return false
	}
	s.Seekers[i] = p
	emit(s)
	return true
}
