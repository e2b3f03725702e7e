package model

// A Phase is the next step of a process.
type Phase uint8

// The phases. A late command is one that its process has given up and that still
// arrives.
const (
	Idle           Phase = iota
	Beginning            // begin again: the first try got no reply
	Leasing              // lease again
	Choosing             // claim the next candidate, or give up
	Claiming             // claim again
	Committing           // commit
	Recommitting         // commit once more, then confirm: a repair
	Confirming           // confirm, then notify both members
	Retreating           // release, then choose the next candidate
	Releasing            // release, as the last step
	Finishing            // finish, then release
	ReleasingFirst       // release, then finish: only with ReleaseBeforeFinish
	LateBegin
	LateLease
	LateClaim
	LateCommit
	LateOffer
	Offering  // offer, then tell the matchee
	Declining // decline, then release
	Leaving   // finish, because one of the members has left, then release
)

// A Process is a running function with what it knows: it makes an assignment
// attempt, repairs or ends a match.
type Process struct {
	Phase    Phase
	Matcher  Member
	Match    Match
	Matchee  Member
	Released uint8 // the candidates whose claim it has released, a bit each
	Asks     bool  // the request wants the matchee to be asked
}

func (p Process) late() bool { return p.Phase >= LateBegin && p.Phase <= LateOffer }

// attempts reports whether the process makes an assignment attempt and has not yet
// committed.
func (p Process) attempts() bool {
	return p.Phase == Beginning || p.Phase == Leasing || p.Phase == Choosing || p.Phase == Claiming ||
		p.Phase == Retreating || p.Phase == Committing || p.Phase == Offering
}

func (p Process) hasReleased(m Member) bool { return p.Released&(1<<m) != 0 }

const (
	members   = 3
	processes = 4
)

// A State is the whole world: three slots and the running processes.
type State struct {
	Slots   [members]Slot
	Running [processes]Process // those that are not Idle come first
}

// at returns a member's slot.
func (s *State) at(m Member) *Slot { return &s.Slots[m-1] }

// running returns the number of processes.
func (s *State) running() int {
	n := 0
	for n < processes && s.Running[n].Phase != Idle {
		n++
	}
	return n
}

// without returns the state without process i.
func (s State) without(i int) State {
	copy(s.Running[i:], s.Running[i+1:])
	s.Running[processes-1] = Process{}
	return s
}

// with returns the state with p as process i.
func (s State) with(i int, p Process) State {
	s.Running[i] = p
	return s
}

// plus returns the state with one more process.
func (s State) plus(p Process) State {
	s.Running[s.running()] = p
	return s
}

// unusedID returns an id for a search of m that no slot and no process has.
func (s *State) unusedID(m Member) Match {
	var used uint16
	used |= 1 << s.at(m).Match
	for _, slot := range s.Slots {
		if slot.Matcher == m {
			used |= 1 << slot.Claimed
		}
	}
	for _, p := range s.Running {
		if p.Matcher == m {
			used |= 1 << p.Match
		}
	}
	id := Match(1)
	for used&(1<<id) != 0 {
		id++
	}
	return id
}

// forgetOutcomes applies Slot.withoutOutcomes to every slot.
func (s *State) forgetOutcomes() {
	for i, slot := range s.Slots {
		s.Slots[i] = slot.withoutOutcomes()
	}
}
