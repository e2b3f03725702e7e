package model

import "fmt"

// An Event is a kind of step.
type Event uint8

// The events.
const (
	Replied      Event = iota // a script ran, and its caller got the reply
	ReplyLost                 // a script ran, and its reply was lost
	Delayed                   // a command is late: its caller has given it up
	Crash                     // a process dies
	ClaimRead                 // a process read a claim and then the matcher's route
	RouteRead                 // a process read an active route and then the matchee's record
	EndRequested              // a member says end
	FailedOver                // a slot has lost its last write
)

// A Step leads from one state to the next.
type Step struct {
	Event   Event
	Process Process // before the step; Idle for a message that is done in one step
	Call    Call
	Reply   Reply
	Then    Phase  // the next phase, after ReplyLost and Delayed
	By      Member // the member who ended the match; or whose slot failed over
}

// notifies reports whether the process now notifies both members of their match.
func (s Step) notifies(f Fault) bool {
	if s.Event != Replied || s.Reply.Status != Yours {
		return false
	}
	return s.Process.Phase == Confirming || f == NotifyBeforeConfirm && s.Process.Phase == Committing
}

func (s Step) String() string {
	pair := fmt.Sprintf("%v(%d) with %v", s.Process.Matcher, s.Process.Match, s.Process.Matchee)
	switch s.Event {
	case Crash:
		if s.Process.late() {
			return fmt.Sprintf("%v of %v never arrives", s.Process.Phase, s.Process.Matcher)
		}
		return fmt.Sprintf("the process of %v(%d) dies before it can %v", s.Process.Matcher, s.Process.Match, s.Process.Phase)
	case RouteRead:
		if s.Process.Phase == Leaving {
			return fmt.Sprintf("somebody reads that a member has left %v, and will finish it", pair)
		}
		if s.Process.Phase == Recommitting {
			return fmt.Sprintf("somebody reads %v, unconfirmed, and will complete it", pair)
		}
		return fmt.Sprintf("somebody reads %v without its claim, and will finish it", pair)
	case EndRequested:
		return fmt.Sprintf("%v ends %v", s.By, pair)
	case FailedOver:
		return fmt.Sprintf("a failover takes back the last write of %v", s.By)
	case Delayed:
		return fmt.Sprintf("%v: no reply, and the command is still to arrive; the process will %v", s.Call, s.Then)
	case ReplyLost:
		return fmt.Sprintf("%v: %s, but the reply is lost; the process will %v", s.Call, s.Reply.Status, s.Then)
	}
	text := fmt.Sprintf("%v: %s", s.Call, s.Reply.Status)
	if s.Event == ClaimRead {
		text = "somebody reads the claim: " + text
	}
	if s.Process.late() {
		text += ", and nobody awaits the reply"
	}
	if s.Process.Phase == Confirming && s.Reply.Status == Yours {
		text += ", and both are notified"
	}
	return text
}

// String returns the next step of a process as a verb, or names the late command.
func (p Phase) String() string {
	return [...]string{"idle", "begin again", "lease again", "choose another candidate", "claim again", "commit", "commit it once more",
		"confirm", "release and go on", "release", "finish", "release before it finishes", "a late begin", "a late lease",
		"a late claim", "a late commit", "a late offer", "offer", "decline", "finish what was left"}[p]
}
