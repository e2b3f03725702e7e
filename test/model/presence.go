package model

import (
	"fmt"
	"time"
)

// A presenceState is a state of the exploration of Present: two members in a match, one of whom comes
// and goes. Its slot says whether it is away, and the slot of its peer what that is to know of it. A
// moment is a number: each change has a later one.
type presenceState struct {
	Now        uint8
	Connection uint8    // the current one of the member that comes and goes
	There      bool     // it is there: its client is connected, and sends
	Slot       presence // what its slot shows
	Known      presence // what the slot of its peer has
	Untold     bool     // the peer is not yet told that
	Believed   presence // by the client of the peer, on its connection
	Peers      uint8    // the connection of the peer
	Runs       [2]informer
}

// A presence says whether a member is away, and since when that is so.
type presence struct {
	Away  bool
	Since uint8
}

// An informer is a process that has read a presence and brings it to the peer.
type informer struct {
	Phase      informerPhase
	Read       presence
	Connection uint8 // of the peer
}

type informerPhase uint8

const (
	informed informerPhase = iota
	toNote
	toInform
	toNoteThat
)

func (p informer) String() string {
	return fmt.Sprintf("%s of %+v", [...]string{"nothing", "the note", "the push", "the note of the push"}[p.Phase], p.Read)
}

// mostMoments is a bound of this exploration, mostConnections another.
const (
	mostMoments     = 4
	mostConnections = 1
)

// ExplorePresence explores whether a member knows in the end that its peer is away, or back: every
// process may die or be late, pushes fail or arrive in any order, and the peer may connect again.
func ExplorePresence(f Fault) Result {
	start := time.Now()
	type link struct {
		from, depth int
		text        string
	}
	first := presenceState{There: true}
	states, links := []presenceState{first}, []link{{from: -1}}
	seen := map[presenceState]bool{first: true}
	var result Result
	for at := 0; at < len(states); at++ {
		result.Depth = links[at].depth
		if result.Violation = states[at].present(f); result.Violation != nil {
			for i := at; links[i].from >= 0; i = links[i].from {
				result.Counterexample = append([]PathStep{{Text: links[i].text}}, result.Counterexample...)
			}
			break
		}
		states[at].next(f, func(text string, after presenceState) {
			result.Steps++
			if after.Runs[0].rank() < after.Runs[1].rank() { // they have no names
				after.Runs[0], after.Runs[1] = after.Runs[1], after.Runs[0]
			}
			if !seen[after] {
				seen[after] = true
				states, links = append(states, after), append(links, link{at, links[at].depth + 1, fmt.Sprintf("%s: %+v", text, after)})
			}
		})
	}
	result.States, result.Took = len(states), time.Since(start)
	return result
}

func (p informer) rank() int {
	return ((int(p.Phase)*2+int(flag(p.Read.Away)))*16+int(p.Read.Since))*4 + int(p.Connection)
}

// next emits every step that can follow s.
func (s presenceState) next(f Fault, emit func(string, presenceState)) {
	if s.Now < mostMoments {
		t := s
		t.Now++
		switch {
		case s.There:
			t.There, t.Slot = false, presence{true, t.Now}
			emit("the member falls silent", t)
			emit("the member disconnects", t.started(informer{toNote, t.Slot, 0}))
		default:
			t.There, t.Slot = true, presence{false, t.Now}
			t.Connection++
			emit("the member comes back", t.message(f))
		}
		if t = s; s.Connection > 0 && s.There && f == OldDisconnectCounts {
			t.Now++
			t.Slot = presence{true, t.Now}
			emit("an older connection of the member ends", t.started(informer{toNote, t.Slot, 0}))
		}
	}
	emit("the member sends a message", s.message(f))
	emit("the peer sends a message", s.look(f))
	if s.Peers < mostConnections {
		t := s
		t.Peers++
		t.Believed = presence{}
		emit("the peer connects again and says hello", t.hello(f))
	}
	t := s
	t.note(s.Slot)
	emit("the peer says hello", t.started(informer{toInform, t.Known, s.Peers}))
	for i, p := range s.Runs {
		if p.Phase == informed {
			continue
		}
		t := s
		t.Runs[i] = informer{}
		emit(fmt.Sprintf("%v fails, or its process dies", p), t)
		if p.Phase == toInform && f == PeerUnpushed {
			t.Runs[i] = p
			t.Runs[i].Phase = toNoteThat
			emit(fmt.Sprintf("%v fails", p), t)
		}
		t = s
		t.advance(i, f)
		emit(fmt.Sprintf("%v is done", p), t)
	}
}

// message is a message of the member that comes and goes. It tells the peer that it is back, if that
// knows otherwise.
func (s presenceState) message(f Fault) presenceState {
	// After the end of its session a message is refused.
	if s.There && !s.Slot.Away && s.Known.Away {
		return s.started(informer{toNote, s.Slot, 0})
	}
	return s
}

// look is a message of the peer: it looks at the member, and brings what the peer is not yet told.
func (s presenceState) look(f Fault) presenceState {
	if s.Slot.Since > s.Known.Since && (s.Slot.Away || s.Known.Away) && f != PeerUnread {
		s = s.started(informer{toNote, s.Slot, 0})
	}
	if s.Untold {
		s = s.started(informer{toInform, s.Known, s.Peers})
	}
	return s
}

// hello looks at the member, and the answer says what the peer's slot has after that.
func (s presenceState) hello(f Fault) presenceState {
	if f == WelcomeUnnoted {
		s = s.look(f)
		s.arrives(s.Slot, f)
		return s
	}
	s.note(s.Slot)
	s.arrives(s.Known, f)
	return s
}

// arrives lets a frame arrive that says so.
func (s *presenceState) arrives(p presence, f Fault) {
	if p.Since >= s.Believed.Since || f == PeerAnyOrder {
		s.Believed = p
	}
}

// note is the script peer. It returns whether the process is to push that.
func (s *presenceState) note(p presence) bool {
	if p.Since > s.Known.Since && (p.Away || s.Known.Away) {
		s.Known, s.Untold = p, true
	}
	return s.Untold && p == s.Known
}

// advance makes the next step of a process.
func (s *presenceState) advance(i int, f Fault) {
	p := s.Runs[i]
	s.Runs[i] = informer{}
	switch p.Phase {
	case toNote:
		if s.note(p.Read) {
			s.Runs[i] = informer{toInform, p.Read, s.Peers}
		}
	case toInform:
		if p.Connection == s.Peers { // else nobody reads it
			s.arrives(p.Read, f)
		}
		p.Phase = toNoteThat
		s.Runs[i] = p
	case toNoteThat:
		if p.Connection == s.Peers && (p.Read == s.Known || f == PeerClearsNewer) {
			s.Untold = false
		}
	}
}

// started returns the state with one more process. Without room for it, the process has died.
func (s presenceState) started(p informer) presenceState {
	for i, q := range s.Runs {
		if q == p {
			return s
		}
		if q.Phase == informed {
			s.Runs[i] = p
			return s
		}
	}
	return s
}

// present checks Present.
func (s presenceState) present(f Fault) *Violation {
	there := s.There
	s.Runs = [len(s.Runs)]informer{}
	for range 2 {
		for _, message := range []func(presenceState, Fault) presenceState{presenceState.message, presenceState.look} {
			s = message(s, f)
			for i := range s.Runs {
				for s.Runs[i].Phase != informed {
					s.advance(i, f)
				}
			}
		}
	}
	if s.Believed.Away == there {
		return violated(Present, "the member is there: %v, and its peer believes %+v", there, s.Believed)
	}
	return nil
}
