package model

import (
	"cmp"
	"context"
	"slices"
)

// A Transition is the effect of one script on one slot, by the model.
type Transition struct {
	Call  Call
	Pre   Slot
	Post  Slot
	Reply Reply
}

// Transitions returns the effect of every script, at every clock, on each slot that an
// exploration of two members meets. Each script runs with the id and the members that
// the slot names, with another id and with another member. Each slot is met with nothing untold,
// and with all that can be. The slot is Ana's. No slot names Cem. The error is the context's.
func Transitions(ctx context.Context) ([]Transition, error) {
	met := map[Slot]bool{}
	explorer := Explorer{
		Bounds: Bounds{Members: 2, Processes: 2, Attempts: 2, Offers: true, Leaving: true},
		Observe: func(c Call, pre, _ Slot, _ Reply) {
			met[normalized(c.On(), pre)] = true
		},
	}
	if _, err := explorer.Explore(ctx); err != nil {
		return nil, err
	}
	slots := make([]Slot, 0, 2*len(met))
	for slot := range met {
		slots = append(slots, slot)
		slot.Untold = UntoldNoMatch | UntoldEnd(2)
		if slot.Route == Active || slot.Confirmed {
			slot.Untold |= UntoldMatch
		}
		if slot.Route == Offered || slot.Offer && !slot.Confirmed {
			slot.Untold |= UntoldOffer
		}
		slots = append(slots, slot)
	}
	slices.SortFunc(slots, func(a, b Slot) int { return cmp.Compare(a.String(), b.String()) })
	var all []Transition
	for _, slot := range slots {
		for _, call := range calls() {
			for _, clock := range slot.clocks(call.Script) {
				call.Clock = clock
				post, reply := call.Apply(slot, NoFault)
				all = append(all, Transition{call, slot, post, reply})
			}
		}
	}
	return all, nil
}

// normalized returns the slot as if it were Ana's and all its ids were the first: no
// script compares the id of a claim with the id of the route.
func normalized(owner Member, s Slot) Slot {
	if owner == 2 {
		s.Matchee, s.Matcher = 3-s.Matchee, 3-s.Matcher
		if s.Matchee == 3 {
			s.Matchee = 0
		}
		if s.Matcher == 3 {
			s.Matcher = 0
		}
	}
	s.Match, s.Claimed, s.Untold = min(s.Match, 1), min(s.Claimed, 1), 0
	return s
}

// calls returns the calls of every script on Ana's slot.
func calls() []Call {
	const ana = Member(1)
	all := []Call{
		{Script: Cancel, Matcher: ana},
		{Script: Retract, Matcher: ana},
		{Script: Read, Matcher: ana},
		{Script: Read, Matcher: ana, Own: true},
		{Script: Told, Matcher: ana, Notice: NoMatchNotice},
	}
	for id := Match(1); id <= 2; id++ {
		all = append(all,
			Call{Script: Told, Matcher: ana, Match: id, Notice: MatchedNotice},
			Call{Script: Told, Matcher: ana, Match: id, Notice: EndedNotice},
			Call{Script: Told, Matcher: ana, Match: id, Notice: OfferedNotice},
			Call{Script: Begin, Matcher: ana, Match: id},
			Call{Script: Begin, Matcher: ana, Match: id, Asks: true},
			Call{Script: Lease, Matcher: ana, Match: id},
			Call{Script: GiveUp, Matcher: ana, Match: id, Wait: true},
			Call{Script: GiveUp, Matcher: ana, Match: id})
		for other := Member(2); other <= members; other++ {
			all = append(all, Call{Script: Claim, Matcher: other, Match: id, Matchee: ana, Asks: true})
			for _, script := range []Script{Claim, Confirm, Release, Accept} {
				all = append(all, Call{Script: script, Matcher: other, Match: id, Matchee: ana})
			}
			for _, script := range []Script{Commit, Finish, Watch, Offer, Decline} {
				all = append(all, Call{Script: script, Matcher: ana, Match: id, Matchee: other})
			}
		}
	}
	return all
}
