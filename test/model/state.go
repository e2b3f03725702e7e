package model

// A Phase is what a process will do next.
type Phase uint8

// The phases. The late ones are commands that were given up and still arrive.
const (
	Idle       Phase = iota
	Beginning        // begin again: the first try went unanswered
	Leasing          // lease again
	Looking          // claim the next candidate, or fall
	Claiming         // claim again
	Committing       // commit
	Completing       // commit once more, then confirm: for somebody else
	Confirming       // confirm, then tell both
	Returning        // release, then look for another candidate
	Dropping         // release, and that is all
	Finishing        // finish, then release
	Parting          // release, then finish: the wrong way round
	LateBegin
	LateLease
	LateClaim
	LateCommit
)

// A Process is a running function with what it knows: a driver of a request, or
// somebody who resolves or ends a match.
type Process struct {
	Phase   Phase
	Matcher Member
	Match   Match
	Matchee Member
	Tried   uint8 // the candidates that were released, a bit each
}

func (p Process) late() bool { return p.Phase >= LateBegin }

// drives reports whether the process leads a request through its phases.
func (p Process) drives() bool {
	return p.Phase == Beginning || p.Phase == Leasing || p.Phase == Looking || p.Phase == Claiming ||
		p.Phase == Returning || p.Phase == Committing
}

func (p Process) released(m Member) bool { return p.Tried&(1<<m) != 0 }

const (
	members   = 3
	processes = 4
)

// A State is all there is: three slots and what is running.
type State struct {
	Slots   [members]Slot
	Running [processes]Process // those that are not Idle come first
}

// at returns a member's slot.
func (s *State) at(m Member) *Slot { return &s.Slots[m-1] }

// running returns how many processes there are.
func (s *State) running() int {
	n := 0
	for n < processes && s.Running[n].Phase != Idle {
		n++
	}
	return n
}

// without returns the state with process i gone.
func (s State) without(i int) State {
	copy(s.Running[i:], s.Running[i+1:])
	s.Running[processes-1] = Process{}
	return s
}

// with returns the state with process i being p.
func (s State) with(i int, p Process) State {
	s.Running[i] = p
	return s
}

// plus returns the state with one more process.
func (s State) plus(p Process) State {
	s.Running[s.running()] = p
	return s
}

// fresh returns an id for a search of m that nothing remembers.
func (s *State) fresh(m Member) Match {
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

// forget makes every slot forgotten.
func (s *State) forget() {
	for i, slot := range s.Slots {
		s.Slots[i] = forgotten(slot)
	}
}
