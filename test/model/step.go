package model

import "fmt"

// An Event is a kind of step.
type Event uint8

// The events.
const (
	Answered Event = iota // a script ran and its caller knows
	Lost                  // a script ran, and its answer was lost
	Delayed               // a script has not run yet; its caller has given it up
	Crash                 // a process is no more
	Resolved              // somebody met a claim and looked at the matcher's entry
	Met                   // somebody met an active entry and looked at the matchee's record
	Ending                // a member says end
	Loss                  // a failover: a slot has lost its last write
)

// A Step leads from one state to the next.
type Step struct {
	Event   Event
	Process Process // as it was; Idle for a message that is done in one step
	Call    Call
	Reply   Reply
	Then    Phase  // after Lost and Delayed
	By      Member // of Ending; or whose slot, of Loss
}

// tells reports whether the process now sends both sides their match.
func (s Step) tells(v Variant) bool {
	if s.Event != Answered || s.Reply.Status != Yours {
		return false
	}
	return s.Process.Phase == Confirming || v == ConfirmSkipped && s.Process.Phase == Committing
}

func (s Step) String() string {
	pair := fmt.Sprintf("%v(%d) with %v", s.Process.Matcher, s.Process.Match, s.Process.Matchee)
	switch s.Event {
	case Crash:
		if s.Process.late() {
			return fmt.Sprintf("%v of %v never arrives", s.Process.Phase, s.Process.Matcher)
		}
		return fmt.Sprintf("the process of %v(%d) dies, about to %v", s.Process.Matcher, s.Process.Match, s.Process.Phase)
	case Met:
		if s.Process.Phase == Completing {
			return fmt.Sprintf("somebody reads %v, unconfirmed, and will complete it", pair)
		}
		return fmt.Sprintf("somebody reads %v without its claim, and will finish it", pair)
	case Ending:
		return fmt.Sprintf("%v ends %v", s.By, pair)
	case Loss:
		return fmt.Sprintf("a failover takes back the last write of %v", s.By)
	case Delayed:
		return fmt.Sprintf("%v: unanswered, and still to arrive; it will %v", s.Call, s.Then)
	case Lost:
		return fmt.Sprintf("%v: %s, but the answer is lost; it will %v", s.Call, s.Reply.Status, s.Then)
	}
	text := fmt.Sprintf("%v: %s", s.Call, s.Reply.Status)
	if s.Event == Resolved {
		text = "somebody meets the claim: " + text
	}
	if s.Process.late() {
		text += ", too late for anybody to hear"
	}
	if s.Process.Phase == Confirming && s.Reply.Status == Yours {
		text += ", and both are told"
	}
	return text
}

// String says what a process does next, for those that a trace names.
func (p Phase) String() string {
	return [...]string{"idle", "begin again", "lease again", "look for another", "claim again", "commit", "complete it",
		"confirm", "release", "drop the claim", "finish", "release before finishing", "a begin", "a lease", "a claim",
		"a commit"}[p]
}
