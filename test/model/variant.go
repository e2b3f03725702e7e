package model

import "context"

// A Variant is the protocol with one thing broken on purpose. An exploration that
// does not find what is wrong with it is not worth its time.
type Variant uint8

// The variants.
const (
	Correct Variant = iota
	BeginIgnoresClaim
	MatchIDAlone
	ReleaseWhileSearching
	ClaimNotExclusive
	LeaseWhileClaimed
	CommitBlind
	CommitOnce
	ReleaseBlind
	ConfirmSkipped
	CommitUnsettled
	ClaimTakesSearching
	ConfirmKeepsRequest
	ReleaseBeforeFinish
	ReleaseAfterCommit
	ClaimAgain
	SameIDAgain
	ResolveNothing
	SearchBeforeRegister
	ListingWakesNobody
	variants
)

// Variants returns all broken ones.
func Variants() []Variant {
	var all []Variant
	for v := Correct + 1; v < variants; v++ {
		all = append(all, v)
	}
	return all
}

// String says what is broken.
func (v Variant) String() string {
	words, _ := v.planted()
	return words
}

// Breaks returns the rule that the variant is expected to break.
func (v Variant) Breaks() Rule {
	_, rule := v.planted()
	return rule
}

func (v Variant) planted() (string, Rule) {
	switch v {
	case BeginIgnoresClaim:
		return "begin ignores the own claim", Exclusive
	case MatchIDAlone:
		return "the match id is compared without the matchee", Told
	case ReleaseWhileSearching:
		return "a resolver releases while searching", Durable
	case ClaimNotExclusive:
		return "a claim is not exclusive", Exclusive
	case LeaseWhileClaimed:
		return "a request is leased while its owner is claimed", Exclusive
	case CommitBlind:
		return "commit does not look at the entry", Exclusive
	case CommitOnce:
		return "commit is not idempotent", Durable
	case ReleaseBlind:
		return "release does not look whose claim it is", Durable
	case ConfirmSkipped:
		return "matched is pushed without confirm", Told
	case CommitUnsettled:
		return "a lapse is judged but not written", Durable
	case ClaimTakesSearching:
		return "one who is searching is claimed", Exclusive
	case ConfirmKeepsRequest:
		return "confirm leaves the matchee's own request", Once
	case ReleaseBeforeFinish:
		return "an end releases before it is written", Durable
	case ReleaseAfterCommit:
		return "a claim is released after an unknown commit", Durable
	case ClaimAgain:
		return "a released candidate is claimed again", Durable
	case SameIDAgain:
		return "an unanswered begin is repeated under its id", Durable
	case ResolveNothing:
		return "an entry whose claim a failover took is kept", Heals
	case SearchBeforeRegister:
		return "a search comes before its request is registered", Seekers
	case ListingWakesNobody:
		return "a listing wakes nobody", Seekers
	}
	return "the protocol as it is", ""
}

// Find explores a broken variant until the rule that it should break is broken. A
// Result without a Violation is a fault of the model.
func Find(ctx context.Context, v Variant, workers int) (Result, error) {
	if v.Breaks() == Seekers {
		return Seek(v), nil
	}
	bounds := Wide(workers)
	if v == ResolveNothing {
		bounds = Failing(workers)
	}
	return Explorer{Bounds: bounds, Variant: v, Rule: v.Breaks()}.Explore(ctx)
}
