package store_test

import (
	"fmt"
	"time"

	"waggle/internal/match"
)

// avoids returns whom a request that avoids these matches does not find.
func (a *member) avoids(matches ...string) []match.Member {
	a.t.Helper()
	begun := a.begin("", "m-avoids", around(0), avoiding(matches...))
	a.says(begun, match.StatusOK)
	a.says(a.cancel(), match.StatusCancelled)
	return begun.Request.Declined
}

func avoiding(matches ...string) requestOption {
	return func(r *match.NewRequest) { r.Avoid = matches }
}

// avoidings: requests that do not find those who were in certain matches.
func avoidings() []testCase {
	return []testCase{
		{"either side of a match that is over can avoid the other, for ten minutes", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 100)
			ana.meet(ben, time.Minute, "completed", match.ByMatcher)
			f.advance(match.OutcomeRemembered - time.Millisecond)
			same(f, ana.avoids("m2", "m1", "m1"), []match.Member{ben.Member, ben.Member})
			same(f, ben.avoids("m1"), []match.Member{ana.Member})
			same(f, ben.avoids(), nil)
			f.advance(time.Millisecond)
			same(f, ana.avoids("m1"), nil)
			same(f, ben.avoids("m1"), nil)
		}},
		{"either side of an offer that was not accepted, or was cancelled, can avoid the other", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 100), f.listed("cem", 200)
			ana.offerTo("r1", "m1", ben)
			f.says(ana.decline("m1", ben), match.StatusOK)
			f.says(ben.release("m1", ben, "declined"), match.StatusOther) // of another matcher
			released, err := f.store.Release(f.t.Context(), ana.Member, "m1", ben.Member, "declined", "")
			f.must(err)
			f.says(released, match.StatusReleased)
			f.says(ana.lease("m2"), match.StatusOK)
			f.says(ana.claimToOffer("m2", cem), match.StatusYours)
			f.says(ana.offer("m2", cem), match.StatusYours)
			f.says(ana.cancel(), match.StatusCancelled)
			f.says(ana.release("m2", cem, "cancelled"), match.StatusReleased)
			same(f, ana.avoids("m1", "m2"), []match.Member{ben.Member, cem.Member})
			same(f, ben.avoids("m1"), []match.Member{ana.Member})
			same(f, cem.avoids("m2"), []match.Member{ana.Member})
		}},
		{"a request remembers whom it avoids, however many decline", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 100)
			ana.meet(ben, time.Minute, "completed", match.ByMatcher)
			f.says(ana.begin("r1", "m2", around(0), avoiding("m1"), confirmedIn(time.Second), openFor(time.Hour)), match.StatusOK)
			for n := range 33 {
				cem := f.listed(fmt.Sprint("cem", n), 100)
				search := fmt.Sprint("m", n+2)
				if n > 0 {
					leased := ana.lease(search)
					f.says(leased, match.StatusOK)
					same(f, leased.Request.Declined[0], ben.Member)
				}
				f.says(ana.claimToOffer(search, cem), match.StatusYours)
				f.says(ana.offer(search, cem), match.StatusYours)
				f.says(ana.decline(search, cem), match.StatusOK)
			}
			leased := ana.lease("m99")
			same(f, len(leased.Request.Declined), 33)
			same(f, leased.Request.Declined[0], ben.Member)
			same(f, leased.Request.Declined[1].ID, "cem1")
		}},
		{"a member can avoid those of its last 20 matches and offers", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 100)
			for n := range 21 {
				search := fmt.Sprint("m", n)
				ana.offerTo("", search, ben, around(0))
				f.says(ana.cancel(), match.StatusCancelled)
				released, err := f.store.Release(f.t.Context(), ana.Member, search, ben.Member, "cancelled", "")
				f.must(err)
				f.says(released, match.StatusReleased)
				f.advance(6 * time.Second)
				ben.moveTo(100)
			}
			same(f, ana.avoids("m0"), nil)
			same(f, len(ana.avoids("m1", "m20")), 2)
			same(f, ben.avoids("m0"), nil)
			same(f, len(ben.avoids("m1", "m20")), 2)
		}},
	}
}
