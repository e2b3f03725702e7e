package model

import "context"

// A Fault is planted in the protocol on purpose. An exploration that does not find
// the planted faults proves nothing.
type Fault uint8

// The faults.
const (
	NoFault Fault = iota
	BeginIgnoresClaim
	MatchIDAlone
	ReleaseWhileSearching
	ClaimNotExclusive
	LeaseWhileClaimed
	CommitUnchecked
	CommitNotIdempotent
	ReleaseUnchecked
	NotifyBeforeConfirm
	ExpiryNotWritten
	ClaimOfSearching
	ConfirmKeepsRequest
	ReleaseBeforeFinish
	ReleaseAfterCommit
	ClaimAfterRelease
	BeginSentTwice
	RetractUnchecked
	RepairNothing
	SearchBeforeRegister
	ListingWakesNobody
	ReportAsksOnce
	GrowthNotReported
	GrowthNotSearched
	NotMarked
	ClearedUnpushed
	ClearsNewer
	ClearsOtherConnection
	ShownUntold
	SharedUntold
	SharedByRoute
	CommitUnasked
	ClaimOfOffered
	AcceptUnchecked
	DeclineUnchecked
	RepairAccepts
	ToldBeforeOffer
	OfferNotMarked
	OfferEndsInSilence
	LeftNotWritten
	LeftKept
	LeftUnread
	LeftTooSoon
	PeerUnread
	PeerClearsNewer
	PeerUnpushed
	WelcomeUnnoted
	PeerAnyOrder
	OldDisconnectCounts
	faults
)

// Faults returns all of them but NoFault.
func Faults() []Fault {
	var all []Fault
	for f := NoFault + 1; f < faults; f++ {
		all = append(all, f)
	}
	return all
}

// String says what is wrong.
func (f Fault) String() string {
	text, _ := f.planted()
	return text
}

// Breaks returns the rule that an exploration must find broken; "" for NoFault.
func (f Fault) Breaks() Rule {
	_, rule := f.planted()
	return rule
}

func (f Fault) planted() (string, Rule) {
	switch f {
	case BeginIgnoresClaim:
		return "begin ignores the claim on its member", Exclusive
	case MatchIDAlone:
		return "the match id is compared without the matchee", Confirmed
	case ReleaseWhileSearching:
		return "a repair releases the claim of a running search", Durable
	case ClaimNotExclusive:
		return "a claim is not exclusive", Exclusive
	case LeaseWhileClaimed:
		return "the request of a claimed member is leased", Exclusive
	case CommitUnchecked:
		return "commit does not check the route", Exclusive
	case CommitNotIdempotent:
		return "commit is not idempotent", Durable
	case ReleaseUnchecked:
		return "release does not check whose claim it is", Durable
	case NotifyBeforeConfirm:
		return "both members are notified before confirm", Confirmed
	case ExpiryNotWritten:
		return "a lapsed lease is seen but not written", Durable
	case ClaimOfSearching:
		return "a searching member is claimed", Exclusive
	case ConfirmKeepsRequest:
		return "confirm keeps the matchee's own request", Once
	case ReleaseBeforeFinish:
		return "an end releases the claim before it finishes", Durable
	case ReleaseAfterCommit:
		return "a claim is released after an unanswered commit", Durable
	case ClaimAfterRelease:
		return "a released candidate is claimed again", Durable
	case BeginSentTwice:
		return "an unanswered begin is sent again under its id", Durable
	case RetractUnchecked:
		return "a request that led to a match is retracted", Durable
	case RepairNothing:
		return "a route whose claim a failover lost is kept", Repaired
	case SearchBeforeRegister:
		return "a search runs before its request is registered", Woken
	case ListingWakesNobody:
		return "a listing wakes no waiting request", Woken
	case ReportAsksOnce:
		return "a member that stays where it is never asks again", Woken
	case GrowthNotReported:
		return "a member that stays where it is is not told of a circle that has reached it", Woken
	case GrowthNotSearched:
		return "a message of the owner does not search a circle that has grown", Woken
	case NotMarked:
		return "a commit does not mark that the matcher is not yet told", TellsAll
	case ClearedUnpushed:
		return "a mark is cleared although the push failed", TellsAll
	case ClearsNewer:
		return "a late process clears a newer mark", TellsAll
	case ClearsOtherConnection:
		return "a push to an older connection clears the mark", TellsAll
	case ShownUntold:
		return "a matcher who was not told is shown its matchee", Shown
	case SharedUntold:
		return "a matchee who was not told is shown its matcher", Shown
	case SharedByRoute:
		return "a matchee is shown its matcher by what the route was", Shown
	case CommitUnasked:
		return "a request that asks is committed without an answer", Consented
	case ClaimOfOffered:
		return "a member with an offer out is claimed", Exclusive
	case AcceptUnchecked:
		return "an answer to another offer counts", Consented
	case DeclineUnchecked:
		return "a decline takes back a match", Durable
	case RepairAccepts:
		return "a repair completes an offer that nobody accepted", Consented
	case ToldBeforeOffer:
		return "a matchee is told of an offer before it stands", Consented
	case OfferNotMarked:
		return "an offer is not marked as untold", TellsAll
	case OfferEndsInSilence:
		return "a matchee is not told that an offer is over", TellsAll
	case LeftNotWritten:
		return "that a member has left is seen but not written", Departed
	case LeftKept:
		return "the end of a match keeps that its member has left", Departed
	case LeftUnread:
		return "a member does not look whether its peer has left", Departed
	case LeftTooSoon:
		return "a match ends as soon as a member is away", Departed
	case PeerUnread:
		return "a member does not look whether its peer is away", Present
	case PeerClearsNewer:
		return "the mark of a peer that is away does not say since when", Present
	case PeerUnpushed:
		return "the mark of a peer is cleared although the push failed", Present
	case WelcomeUnnoted:
		return "a welcome says that the peer is away, and nobody has noted it", Present
	case PeerAnyOrder:
		return "the last push of a peer to arrive counts", Present
	case OldDisconnectCounts:
		return "the end of an older connection counts", Present
	}
	return "the protocol as it is", ""
}

// Find explores the protocol with a fault until it breaks the rule that it should
// break. If the Result has no Violation, the model misses the fault.
func Find(ctx context.Context, f Fault, workers int) (Result, error) {
	switch f.Breaks() {
	case Woken:
		return ExploreWaking(f), nil
	case TellsAll, Shown:
		return ExploreTelling(f, 1, f >= CommitUnasked), nil
	case Present:
		return ExplorePresence(f), nil
	}
	bounds := Full(workers)
	switch {
	case f == RepairNothing:
		bounds = WithFailover(workers)
	case f.Breaks() == Departed:
		bounds = WithLeaving(workers)
	case f >= CommitUnasked:
		bounds = WithOffers(workers)
	}
	return Explorer{Bounds: bounds, Fault: f, Rule: f.Breaks()}.Explore(ctx)
}
