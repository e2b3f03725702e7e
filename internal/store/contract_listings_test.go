package store_test

import (
	"time"

	"waggle/internal/match"
)

// listings: where a member's record says that it is listed, and which changes of the
// index follow.
func listings() []testCase {
	return []testCase{
		{"a new listing has a newer epoch, even when the clock stands still", func(s *fixture) {
			ana := s.listed("ana", 0)
			for n := range int64(3) {
				same(s, ana.relist(), []match.Change{ana.list(s.now + 1 + n)})
			}
			s.advance(time.Second)
			same(s, ana.relist(), []match.Change{ana.list(s.now)})
		}},
		{"a member who crossed into another cell leaves the one before with the first report after the time of a search", func(s *fixture) {
			ana := s.listed("ana", 0)
			reported := ana.report(nextCell)
			same(s, reported.Changes, []match.Change{ana.list(s.now + 1)})
			same(s, reported.Listed, true)
			same(s, reported.Index, match.Move{Status: match.StatusAbsent})
			epoch := s.now
			s.advance(15*time.Second - time.Millisecond)
			reported = ana.report(nextCell)
			same(s, reported.Changes, nil)
			s.advance(time.Millisecond)
			reported = ana.report(nextCell)
			same(s, reported.Changes, []match.Change{unlist(0, epoch)})
			reported = ana.report(nextCell)
			same(s, reported.Changes, nil)
		}},
		{"a member who crosses twice stays in both cells for as long", func(s *fixture) {
			ana := s.listed("ana", 0)
			epoch := s.now
			ana.moveTo(nextCell)
			reported := ana.report(thirdCell)
			same(s, reported.Changes, []match.Change{ana.list(epoch + 2)})
			s.advance(15 * time.Second)
			reported = ana.report(thirdCell)
			same(s, reported.Changes, []match.Change{unlist(0, epoch), unlist(nextCell, epoch+1)})
		}},
		{"a member who crosses many times has at most four trailing listings", func(s *fixture) {
			ana := s.listed("ana", 0)
			epoch := s.now
			for i := range 4 { // each into another cell
				ana.moveTo(nextCell * float64(i+1))
			}
			reported := ana.report(nextCell * 5)
			same(s, reported.Changes, []match.Change{unlist(0, epoch), ana.list(epoch + 5)})
		}},
		{"a member who has four trailing listings keeps them while it moves inside its cell", func(s *fixture) {
			ana := s.listed("ana", 0)
			for i := range 4 {
				ana.moveTo(nextCell * float64(i+1))
			}
			reported := ana.report(nextCell * 4)
			same(s, reported.Changes, nil)
		}},
		{"a member who crosses back and forth has one trailing listing in a cell", func(s *fixture) {
			ana := s.listed("ana", 0)
			epoch := s.now
			ana.moveTo(nextCell)
			ana.moveTo(0)
			ana.moveTo(nextCell)
			s.advance(15 * time.Second)
			reported := ana.report(nextCell)
			same(s, reported.Changes, []match.Change{unlist(0, epoch+2)})
		}},
		{"a member who is not available in another cell leaves the one before, once", func(s *fixture) {
			ana := s.listed("ana", 0)
			reported := ana.report(nextCell, available(false))
			same(s, reported.Changes, []match.Change{unlist(0, s.now)})
		}},
		{"a member who crosses back and is not available leaves both cells", func(s *fixture) {
			ana := s.listed("ana", 0)
			epoch := s.now
			ana.moveTo(nextCell)
			reported := ana.report(0, available(false))
			same(s, reported.Changes, []match.Change{unlist(0, epoch), unlist(nextCell, epoch+1)})
		}},
		{"a member who crosses back is not taken out of the cell that it is back in", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.moveTo(nextCell)
			epoch := s.now
			reported := ana.report(0)
			same(s, reported.Changes, []match.Change{ana.list(epoch + 2)})
			s.advance(15 * time.Second)
			reported = ana.report(0)
			same(s, reported.Changes, []match.Change{unlist(nextCell, epoch+1)})
		}},
		{"a member who is listed anew keeps its trailing listing", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.moveTo(nextCell)
			epoch := s.now
			same(s, ana.relist(), []match.Change{ana.list(epoch + 2)})
			s.advance(15 * time.Second)
			reported := ana.report(nextCell)
			same(s, reported.Changes, []match.Change{unlist(0, epoch)})
		}},
		{"a member who is not available any more leaves both cells", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.moveTo(nextCell)
			reported := ana.report(nextCell, available(false))
			same(s, reported.Changes, []match.Change{unlist(0, s.now), unlist(nextCell, s.now+1)})
			same(s, ana.relist(), nil)
		}},
		{"a member who has disconnected is not listed", func(s *fixture) {
			ana := s.listed("ana", 0)
			same(s, ana.disconnect(0).Changes, []match.Change{unlist(0, s.now)})
			same(s, ana.relist(), nil)
		}},
		{"a member who is not available is not listed", func(s *fixture) {
			ana := s.listed("ana", 0, available(false))
			same(s, ana.relist(), nil)
		}},
		{"a member whom the cache does not know is not listed", func(s *fixture) {
			same(s, s.newMember("ana").relist(), nil)
		}},
		{"a member who has not reported is not listed", func(s *fixture) {
			same(s, s.connected("ana").relist(), nil)
		}},
		{"a member who was last heard of too long ago is not listed", func(s *fixture) {
			ana := s.listed("ana", 0, at(start+1))
			s.advance(time.Minute - time.Millisecond)
			same(s, ana.relist(), []match.Change{ana.list(s.now)})
			epoch := s.now
			s.advance(time.Millisecond)
			same(s, ana.relist(), []match.Change{unlist(0, epoch)})
		}},
		{"a member whose last place is too old is not listed", func(s *fixture) {
			ana := s.listed("ana", 0, at(start-1))
			s.advance(time.Minute - 2*time.Millisecond)
			same(s, ana.relist(), []match.Change{ana.list(s.now)})
			epoch := s.now
			s.advance(time.Millisecond)
			same(s, ana.relist(), []match.Change{unlist(0, epoch)})
		}},
		{"a member who asks is listed, whether its request waits or is searched for", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			same(s, ana.relist(), []match.Change{ana.list(s.now + 1)})
			same(s, ana.giveUp("m1", true).Changes, []match.Change{ana.list(s.now + 2)})
			same(s, ana.relist(), []match.Change{ana.list(s.now + 3)})
		}},
		{"a matcher is not listed", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("", "m1", ben)
			same(s, ana.relist(), nil)
			reported := ana.report(10)
			same(s, reported.Changes, nil)
			same(s, reported.Listed, false)
		}},
		{"a matchee is not listed", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("", "m1", ben)
			same(s, ben.relist(), nil)
		}},
		{"a claimed member stays listed where it is until the claim is decided", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			s.says(ana.begin("", "m1"), match.StatusOK)
			s.says(ana.claim("m1", ben), match.StatusYours)
			same(s, ben.relist(), nil)
			reported := ben.report(10, available(false))
			same(s, reported.Changes, nil)
			same(s, reported.Listed, true)
			same(s, ana.release("m1", ben, "lost").Changes, []match.Change{unlist(0, s.now)})
		}},
	}
}
