package model

import "fmt"

// A Script is one atomic step on a member's slot.
type Script uint8

// The scripts. Claim, Confirm, Release and Accept run on the matchee's slot, the others on
// the matcher's. Told runs on the slot of the member that was told.
const (
	Begin Script = iota
	Lease
	Claim
	Commit
	Confirm
	Release
	GiveUp
	Finish
	Cancel
	Retract
	Watch
	Read
	Told
	Offer
	Accept
	Decline
)

// String returns the name of the Lua file, without its ending.
func (s Script) String() string {
	return [...]string{"begin", "lease", "claim", "commit", "confirm", "release", "give_up", "finish", "cancel",
		"retract", "watch", "read", "told", "offer", "accept", "decline"}[s]
}

// A Status is the status that a script replies with.
type Status string

// The statuses, as the Lua scripts spell them. The script's `already_ended` is Other here:
// it differs only in giving a reason.
const (
	OK          Status = "ok"
	Other       Status = "other"
	Yours       Status = "yours"
	IsClaimed   Status = "claimed"
	Taken       Status = "taken"
	Busy        Status = "busy"
	Refused     Status = "refused"
	Released    Status = "released"
	IsWaiting   Status = "waiting"
	IsSearching Status = "searching"
	IsActive    Status = "active"
	IsNoMatch   Status = "no_match"
	IsEnded     Status = "ended"
	IsCancelled Status = "cancelled"
	IsOffered   Status = "offered"
)

// A Call is a script with its arguments and the clock that it runs at.
type Call struct {
	Script  Script
	Clock   Clock
	Matcher Member
	Match   Match
	Matchee Member
	Wait    bool // of GiveUp: the request waits, if it has time left
	Own     bool // of Read: the member reads its own slot
	Notice  Kind // of Told
	Asks    bool // of Begin and Claim: the matchee is to be asked
}

// On returns the member whose slot the call changes.
func (c Call) On() Member {
	if c.Script == Claim || c.Script == Confirm || c.Script == Release || c.Script == Accept {
		return c.Matchee
	}
	return c.Matcher
}

func (c Call) String() string {
	text := fmt.Sprintf("%v on %v", c.Script, c.On())
	switch {
	case c.On() == c.Matchee && c.Match != 0:
		text += fmt.Sprintf(" for %v(%d)", c.Matcher, c.Match)
	case c.Matchee != 0:
		text += fmt.Sprintf(" of (%d) with %v", c.Match, c.Matchee)
	case c.Match != 0:
		text += fmt.Sprintf(" of (%d)", c.Match)
	}
	return text + c.Clock.String()
}

// A Kind is a kind of notice. With the id of the match it is the mark of a notice.
type Kind uint8

// The kinds of notices.
const (
	MatchedNotice Kind = iota + 1
	EndedNotice
	NoMatchNotice
	OfferedNotice
)

// A Reply is a script's reply.
type Reply struct {
	Status      Status
	Untold      Notices // what the member is told that its own message finds untold
	Confirmed   bool    // of Release: the claim was a confirmed one
	OutcomeSent bool    // the slot's member is sent the outcome of its request
	Tell        bool    // of Watch, with active: the matcher is not yet told
	Left        bool    // of Watch, with active: the matcher has left
}

// Apply returns the slot after the script, and the reply. It changes nothing else. A
// fault replaces a line of one script.
func (c Call) Apply(s Slot, f Fault) (Slot, Reply) {
	switch c.Script {
	case Begin:
		return c.begin(s, f)
	case Lease:
		return c.lease(s, f)
	case Claim:
		return c.claim(s, f)
	case Commit:
		return c.commit(s, f)
	case Confirm:
		return c.confirm(s, f)
	case Release:
		return c.release(s, f)
	case GiveUp:
		return c.giveUp(s)
	case Finish:
		return c.finish(s, f)
	case Cancel:
		return c.cancel(s)
	case Retract:
		return c.retract(s, f)
	case Watch:
		return c.watch(s, f)
	case Told:
		return c.told(s, f)
	case Offer:
		return c.offer(s)
	case Accept:
		return c.accept(s, f)
	case Decline:
		return c.decline(s, f)
	default:
		s = s.applyDeadlines(c.Clock)
		if !c.Own {
			return s, Reply{Status: OK}
		}
		return s, s.news(OK)
	}
}

// news is the reply to the member's own message, with all that it is not yet told.
func (s Slot) news(status Status) Reply {
	return Reply{Status: status, OutcomeSent: s.Due, Untold: s.Untold}
}

// told clears the mark of what a push has told the member.
func (c Call) told(s Slot, f Fault) (Slot, Reply) {
	s = s.applyDeadlines(c.Clock)
	switch c.Notice {
	case MatchedNotice:
		current := s.Match
		if s.Confirmed {
			current = s.Claimed
		}
		if current == c.Match || f == ClearsNewer {
			s.Untold &^= UntoldMatch
		}
	case EndedNotice:
		s.Untold &^= UntoldEnd(c.Match)
	case OfferedNotice:
		if s.Offer && s.Claimed == c.Match || s.Route == Offered && s.Match == c.Match {
			s.Untold &^= UntoldOffer
		}
	case NoMatchNotice:
		s.Due = false
	}
	return s, Reply{Status: OK}
}

func (c Call) begin(s Slot, f Fault) (Slot, Reply) {
	s = s.applyDeadlines(c.Clock)
	if s.Route == Searching && s.Match == c.Match {
		return s, Reply{Status: OK}
	}
	if s.Matcher != 0 && f != BeginIgnoresClaim {
		if s.Confirmed {
			s.Outcome = Matched
		}
		return s, s.news(IsClaimed)
	}
	switch s.Route {
	case Active:
		s.Outcome = Matched
		return s, s.news(IsActive)
	case Waiting:
		s.Outcome = Open
		return s, s.news(IsWaiting)
	case Searching:
		s.Outcome = Open
		return s, s.news(IsSearching)
	case Offered:
		s.Outcome = Open
		return s, s.news(IsOffered)
	}
	s.Route, s.Match, s.Matchee, s.Asks = Searching, c.Match, 0, c.Asks
	reply := s.news(OK)
	if s.Due {
		s.Untold |= UntoldNoMatch
	}
	s.Outcome, s.Due = Open, false
	return s, reply
}

func (c Call) lease(s Slot, f Fault) (Slot, Reply) {
	s = s.applyDeadlines(c.Clock)
	switch {
	case s.Route == Searching && s.Match == c.Match:
		return s, Reply{Status: OK}
	case s.Route == Searching, s.Route == Offered:
		return s, Reply{Status: IsSearching}
	case s.Route != Waiting:
		return s, Reply{Status: Other}
	case s.Matcher != 0 && f != LeaseWhileClaimed:
		return s, Reply{Status: IsClaimed}
	}
	s.Route, s.Match = Searching, c.Match
	return s, Reply{Status: OK}
}

func (c Call) claim(s Slot, f Fault) (Slot, Reply) {
	if s.Matcher != 0 && f != ClaimNotExclusive {
		if s.Matcher == c.Matcher && s.Claimed == c.Match {
			return s, Reply{Status: Yours}
		}
		return s, Reply{Status: IsClaimed}
	}
	s = s.applyDeadlines(c.Clock)
	switch {
	case s.Route == Active:
		return s, Reply{Status: Taken}
	case s.Route == Searching && f != ClaimOfSearching, s.Route == Offered && f != ClaimOfOffered:
		return s, Reply{Status: Busy}
	}
	s.Matcher, s.Claimed, s.Confirmed, s.Offer = c.Matcher, c.Match, false, c.Asks
	if c.Asks && f != OfferNotMarked {
		s.Untold |= UntoldOffer
	}
	return s, Reply{Status: Yours}
}

func (c Call) commit(s Slot, f Fault) (Slot, Reply) {
	if f != ExpiryNotWritten {
		s = s.applyDeadlines(c.Clock)
	}
	repeated := s.Route == Active && s.Match == c.Match && (s.Matchee == c.Matchee || f == MatchIDAlone)
	if repeated && f != CommitNotIdempotent {
		return s, Reply{Status: Yours}
	}
	ready := s.Route == Searching && (!s.Asks || f == CommitUnasked) || s.Route == Offered && s.Matchee == c.Matchee
	if (!ready || s.Match != c.Match) && f != CommitUnchecked {
		return s, Reply{Status: Refused}
	}
	s.Route, s.Match, s.Matchee = Active, c.Match, c.Matchee
	if f != NotMarked {
		s = s.matched()
	}
	return s.withOutcome(Matched), Reply{Status: Yours}
}

func (c Call) confirm(s Slot, f Fault) (Slot, Reply) {
	if s.Matcher != c.Matcher || s.Claimed != c.Match {
		return s, Reply{Status: Refused}
	}
	if !s.Confirmed {
		s.Confirmed = true
		s = s.matched()
		s = s.applyDeadlines(c.Clock)
		if s.Route == Waiting && f != ConfirmKeepsRequest {
			s = s.closed(Matched)
		}
	}
	return s, Reply{Status: Yours}
}

func (c Call) release(s Slot, f Fault) (Slot, Reply) {
	if s.Matcher == 0 || (s.Matcher != c.Matcher || s.Claimed != c.Match) && f != ReleaseUnchecked {
		return s, Reply{Status: Other}
	}
	confirmed, offered := s.Confirmed, s.Offer
	s = s.unclaimed()
	if confirmed || offered && f != OfferEndsInSilence {
		s = s.matchEnded(c.Match)
	}
	return s.applyDeadlines(c.Clock), Reply{Status: Released, Confirmed: confirmed}
}

func (c Call) giveUp(s Slot) (Slot, Reply) {
	s = s.applyDeadlines(c.Clock)
	if s.Route != Searching || s.Match != c.Match {
		if s.Route == None && s.Due {
			return s, Reply{Status: IsNoMatch, OutcomeSent: true}
		}
		if s.Route == Waiting {
			return s, Reply{Status: IsWaiting}
		}
		return s, Reply{Status: Other}
	}
	if c.Wait && c.Clock == InTime {
		s.Route, s.Match = Waiting, 0
		return s, Reply{Status: IsWaiting}
	}
	s = s.closed(NoMatch)
	s.Due = true
	return s, Reply{Status: IsNoMatch, OutcomeSent: true}
}

func (c Call) finish(s Slot, f Fault) (Slot, Reply) {
	s = s.applyDeadlines(c.Clock)
	if s.Match != c.Match || (s.Matchee != c.Matchee && f != MatchIDAlone) {
		return s, Reply{Status: Other}
	}
	if s.Route == Ended {
		return s, Reply{Status: IsEnded} // repeated: the first reply may have been lost
	}
	if s.Route != Active {
		return s, Reply{Status: Other}
	}
	s.Route, s.Asks = Ended, false
	left := s.Left
	s = s.matchEnded(c.Match)
	s.Left = left && f == LeftKept
	return s, Reply{Status: IsEnded}
}

func (c Call) cancel(s Slot) (Slot, Reply) {
	s = s.applyDeadlines(c.Clock)
	if s.Route == Active || s.Confirmed {
		return s, s.news(IsActive)
	}
	if s.Route == Waiting || s.Route == Searching || s.Route == Offered {
		s = s.closed(Cancelled)
		return s, Reply{Status: IsCancelled, OutcomeSent: true, Untold: s.Untold}
	}
	return s, s.news(Other)
}

func (c Call) retract(s Slot, f Fault) (Slot, Reply) {
	s = s.applyDeadlines(c.Clock)
	if s.Route == Waiting || s.Route == Searching || s.Route == Offered || s.Route == Active && f == RetractUnchecked {
		return s.closed(Retracted), Reply{Status: OK}
	}
	return s, Reply{Status: Other}
}

func (c Call) watch(s Slot, f Fault) (Slot, Reply) {
	after := s.applyDeadlines(c.Clock)
	if f == ExpiryNotWritten || f == LeftNotWritten && c.Clock == GraceExpired {
		s, after = after, s // it replies as if it had written the expiry
	} else {
		s = after
	}
	reply := Reply{Status: Other}
	switch {
	case s.Route == Searching && s.Match == c.Match:
		reply.Status = IsSearching
	case s.Route == Offered && s.Match == c.Match && s.Matchee == c.Matchee:
		reply.Status = IsOffered
	case s.Route == Active && s.Match == c.Match && (s.Matchee == c.Matchee || f == MatchIDAlone):
		reply.Status, reply.Tell, reply.Left = IsActive, s.Untold&UntoldMatch != 0 && f != ShownUntold, s.Left
	}
	return after, reply
}

// offer notes in the route whom the request is offered to, and from when on it stands.
func (c Call) offer(s Slot) (Slot, Reply) {
	s = s.applyDeadlines(c.Clock)
	switch {
	case s.Route == Offered && s.Match == c.Match && s.Matchee == c.Matchee:
		return s, Reply{Status: Yours}
	case s.Route == Active && s.Match == c.Match && s.Matchee == c.Matchee:
		return s, Reply{Status: IsActive} // the reply was lost, and the offer is accepted by now
	case s.Route != Searching || s.Match != c.Match:
		return s, Reply{Status: Refused}
	}
	s.Route, s.Matchee = Offered, c.Matchee
	s.Untold |= UntoldOffer
	return s, Reply{Status: Yours}
}

// accept notes on the matchee's slot that it accepts. The commit on the matcher's slot decides
// whether that came in time.
func (c Call) accept(s Slot, f Fault) (Slot, Reply) {
	s = s.applyDeadlines(c.Clock)
	mine := s.Matcher == c.Matcher && s.Claimed == c.Match || f == AcceptUnchecked
	switch {
	case s.Matcher == 0 || !mine || !s.Offer:
		return s, s.news(Other)
	case s.Confirmed:
		return s, s.news(IsActive)
	}
	s.Accepted = true
	return s, s.news(Yours)
}

// decline takes an offer back to the request, which waits for its next search.
func (c Call) decline(s Slot, f Fault) (Slot, Reply) {
	s = s.applyDeadlines(c.Clock)
	switch {
	case s.Match != c.Match || s.Matchee != c.Matchee:
		return s, Reply{Status: Other}
	case s.Route == Active && f != DeclineUnchecked:
		return s, Reply{Status: IsActive} // it is accepted by now
	case s.Route != Offered && s.Route != Active:
		return s, Reply{Status: Other}
	}
	return s.takenBack(), Reply{Status: OK}
}
