package store_test

import (
	"time"

	"waggle/internal/match"
)

// listings: where a member's record says that it is listed, and which changes of the
// index follow.
func listings() []testCase {
	return []testCase{
		{"a new listing has a newer epoch, even when the clock stands still", func(f *fixture) {
			ana := f.listed("ana", 0)
			for n := range int64(3) {
				same(f, ana.relist(), []match.Change{ana.list(f.now + 1 + n)})
			}
			f.advance(time.Second)
			same(f, ana.relist(), []match.Change{ana.list(f.now)})
		}},
		{"a member who crossed into another cell leaves the one before with the first report after the time of a search", func(f *fixture) {
			ana := f.listed("ana", 0)
			reported := ana.report(nextCell)
			same(f, reported.Changes, []match.Change{ana.list(f.now + 1)})
			epoch := f.now
			f.advance(15*time.Second - time.Millisecond)
			reported = ana.report(nextCell)
			same(f, reported.Changes, []match.Change{ana.move(epoch + 1)})
			f.advance(time.Millisecond)
			reported = ana.report(nextCell)
			same(f, reported.Changes, []match.Change{unlist(0, epoch), ana.move(epoch + 1)})
			reported = ana.report(nextCell)
			same(f, reported.Changes, []match.Change{ana.move(epoch + 1)})
		}},
		{"a member who crosses twice stays in both cells for as long", func(f *fixture) {
			ana := f.listed("ana", 0)
			epoch := f.now
			ana.moveTo(nextCell)
			reported := ana.report(thirdCell)
			same(f, reported.Changes, []match.Change{ana.list(epoch + 2)})
			f.advance(15 * time.Second)
			reported = ana.report(thirdCell)
			same(f, reported.Changes, []match.Change{unlist(0, epoch), unlist(nextCell, epoch+1), ana.move(epoch + 2)})
		}},
		{"a member who crosses many times has at most four trailing listings", func(f *fixture) {
			ana := f.listed("ana", 0)
			epoch := f.now
			for i := range 4 { // each into another cell
				ana.moveTo(nextCell * float64(i+1))
			}
			reported := ana.report(nextCell * 5)
			same(f, reported.Changes, []match.Change{unlist(0, epoch), ana.list(epoch + 5)})
		}},
		{"a member who has four trailing listings keeps them while it moves inside its cell", func(f *fixture) {
			ana := f.listed("ana", 0)
			for i := range 4 {
				ana.moveTo(nextCell * float64(i+1))
			}
			reported := ana.report(nextCell * 4)
			same(f, reported.Changes, []match.Change{ana.move(f.now + 4)})
		}},
		{"a member who crosses back and forth has one trailing listing in a cell", func(f *fixture) {
			ana := f.listed("ana", 0)
			epoch := f.now
			ana.moveTo(nextCell)
			ana.moveTo(0)
			ana.moveTo(nextCell)
			f.advance(15 * time.Second)
			reported := ana.report(nextCell)
			same(f, reported.Changes, []match.Change{unlist(0, epoch+2), ana.move(epoch + 3)})
		}},
		{"a member who is not available in another cell leaves the one before, once", func(f *fixture) {
			ana := f.listed("ana", 0)
			reported := ana.report(nextCell, available(false))
			same(f, reported.Changes, []match.Change{unlist(0, f.now)})
		}},
		{"a member who crosses back and is not available leaves both cells", func(f *fixture) {
			ana := f.listed("ana", 0)
			epoch := f.now
			ana.moveTo(nextCell)
			reported := ana.report(0, available(false))
			same(f, reported.Changes, []match.Change{unlist(0, epoch), unlist(nextCell, epoch+1)})
		}},
		{"a member who crosses back is not taken out of the cell that it is back in", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.moveTo(nextCell)
			epoch := f.now
			reported := ana.report(0)
			same(f, reported.Changes, []match.Change{ana.list(epoch + 2)})
			f.advance(15 * time.Second)
			reported = ana.report(0)
			same(f, reported.Changes, []match.Change{unlist(nextCell, epoch+1), ana.move(epoch + 2)})
		}},
		{"a member who is listed anew keeps its trailing listing", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.moveTo(nextCell)
			epoch := f.now
			same(f, ana.relist(), []match.Change{ana.list(epoch + 2)})
			f.advance(15 * time.Second)
			reported := ana.report(nextCell)
			same(f, reported.Changes, []match.Change{unlist(0, epoch), ana.move(epoch + 2)})
		}},
		{"a trailing listing has the same epoch in the next session", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.moveTo(nextCell)
			epoch := f.now
			f.advance(time.Second)
			next := ana.nextSession()
			f.says(next.connect(), match.StatusOK)
			f.advance(14 * time.Second)
			reported := next.report(nextCell)
			same(f, reported.Changes, []match.Change{unlist(0, epoch), next.move(epoch + 1)})
		}},
		{"a member who is not available any more leaves both cells", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.moveTo(nextCell)
			reported := ana.report(nextCell, available(false))
			same(f, reported.Changes, []match.Change{unlist(0, f.now), unlist(nextCell, f.now+1)})
			same(f, ana.relist(), nil)
		}},
		{"a member who has disconnected is not listed", func(f *fixture) {
			ana := f.listed("ana", 0)
			same(f, ana.disconnect(0).Changes, []match.Change{unlist(0, f.now)})
			same(f, ana.relist(), nil)
		}},
		{"a member who is not available is not listed", func(f *fixture) {
			ana := f.listed("ana", 0, available(false))
			same(f, ana.relist(), nil)
		}},
		{"a member whom the cache does not know is not listed", func(f *fixture) {
			same(f, f.newMember("ana").relist(), nil)
		}},
		{"a member who has not reported is not listed", func(f *fixture) {
			same(f, f.connected("ana").relist(), nil)
		}},
		{"a member who was last heard of too long ago is not listed", func(f *fixture) {
			ana := f.listed("ana", 0, at(start+1))
			f.advance(time.Minute - time.Millisecond)
			same(f, ana.relist(), []match.Change{ana.list(f.now)})
			epoch := f.now
			f.advance(time.Millisecond)
			same(f, ana.relist(), []match.Change{unlist(0, epoch)})
		}},
		{"a member whose last place is too old is not listed", func(f *fixture) {
			ana := f.listed("ana", 0, at(start-1))
			f.advance(time.Minute - 2*time.Millisecond)
			same(f, ana.relist(), []match.Change{ana.list(f.now)})
			epoch := f.now
			f.advance(time.Millisecond)
			same(f, ana.relist(), []match.Change{unlist(0, epoch)})
		}},
		{"a member who asks is listed, whether its request waits or is searched for", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			same(f, ana.relist(), []match.Change{ana.list(f.now + 1)})
			same(f, ana.giveUp("m1", true).Changes, []match.Change{ana.list(f.now + 2)})
			same(f, ana.relist(), []match.Change{ana.list(f.now + 3)})
		}},
		{"a matcher is not listed", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("", "m1", ben)
			same(f, ana.relist(), nil)
			reported := ana.report(10)
			same(f, reported.Changes, nil)
		}},
		{"a matchee is not listed", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("", "m1", ben)
			same(f, ben.relist(), nil)
		}},
		{"a claimed member stays listed where it is until the claim is decided", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("", "m1"), match.StatusOK)
			f.says(ana.claim("m1", ben), match.StatusYours)
			same(f, ben.relist(), nil)
			reported := ben.report(10, available(false))
			same(f, reported.Changes, nil)
			same(f, reported.Advice, match.Available)
			same(f, ana.release("m1", ben, "lost").Changes, []match.Change{unlist(0, f.now)})
		}},
	}
}
