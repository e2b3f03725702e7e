package store_test

import (
	"time"

	"waggle/internal/match"
)

// listings: where a member's record says it is listed, and which changes of the
// index follow.
func listings() []scenario {
	return []scenario{
		{"a new listing has a newer epoch, though the clock stands", func(s *scene) {
			ana := s.stand("ana", 0)
			for n := range int64(3) {
				s.is(ana.relist(), match.Answer{Status: match.StatusOK, Changes: []match.Change{ana.list(s.now + 1 + n)}})
			}
			s.pass(time.Second)
			s.is(ana.relist(), match.Answer{Status: match.StatusOK, Changes: []match.Change{ana.list(s.now)}})
		}},
		{"a member that crossed into another cell leaves the one before with the first report after a search's time", func(s *scene) {
			ana := s.stand("ana", 0)
			answer, moved := ana.report(there)
			same(s, answer.Changes, []match.Change{ana.list(s.now + 1)})
			same(s, answer.Listed, true)
			same(s, moved, match.Moved{})
			epoch := s.now
			s.pass(15*time.Second - time.Millisecond)
			answer, _ = ana.report(there)
			same(s, answer.Changes, nil)
			s.pass(time.Millisecond)
			answer, _ = ana.report(there)
			same(s, answer.Changes, []match.Change{unlist(0, epoch)})
			answer, _ = ana.report(there)
			same(s, answer.Changes, nil)
		}},
		{"a member that crosses twice stays in both cells for as long", func(s *scene) {
			ana := s.stand("ana", 0)
			epoch := s.now
			ana.at(there)
			answer, _ := ana.report(yonder)
			same(s, answer.Changes, []match.Change{ana.list(epoch + 2)})
			s.pass(15 * time.Second)
			answer, _ = ana.report(yonder)
			same(s, answer.Changes, []match.Change{unlist(0, epoch), unlist(there, epoch+1)})
		}},
		{"a member that crosses many times is left in four cells at most", func(s *scene) {
			ana := s.stand("ana", 0)
			epoch := s.now
			for i := range 4 { // each into another cell
				ana.at(there * float64(i+1))
			}
			answer, _ := ana.report(there * 5)
			same(s, answer.Changes, []match.Change{unlist(0, epoch), ana.list(epoch + 5)})
		}},
		{"a member that is left in four cells stays there while it moves about in its own", func(s *scene) {
			ana := s.stand("ana", 0)
			for i := range 4 {
				ana.at(there * float64(i+1))
			}
			answer, _ := ana.report(there * 4)
			same(s, answer.Changes, nil)
		}},
		{"a member that goes to and fro is left in a cell once", func(s *scene) {
			ana := s.stand("ana", 0)
			epoch := s.now
			ana.at(there)
			ana.at(0)
			ana.at(there)
			s.pass(15 * time.Second)
			answer, _ := ana.report(there)
			same(s, answer.Changes, []match.Change{unlist(0, epoch+2)})
		}},
		{"who is not available in another cell leaves the one before once", func(s *scene) {
			ana := s.stand("ana", 0)
			answer, _ := ana.report(there, available(false))
			same(s, answer.Changes, []match.Change{unlist(0, s.now)})
		}},
		{"who comes back and is not available leaves both cells", func(s *scene) {
			ana := s.stand("ana", 0)
			epoch := s.now
			ana.at(there)
			answer, _ := ana.report(0, available(false))
			same(s, answer.Changes, []match.Change{unlist(0, epoch), unlist(there, epoch+1)})
		}},
		{"a member that crosses back is not taken out of the cell that it is back in", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.at(there)
			epoch := s.now
			answer, _ := ana.report(0)
			same(s, answer.Changes, []match.Change{ana.list(epoch + 2)})
			s.pass(15 * time.Second)
			answer, _ = ana.report(0)
			same(s, answer.Changes, []match.Change{unlist(there, epoch+1)})
		}},
		{"listing again leaves the entry in the cell before", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.at(there)
			epoch := s.now
			same(s, ana.relist().Changes, []match.Change{ana.list(epoch + 2)})
			s.pass(15 * time.Second)
			answer, _ := ana.report(there)
			same(s, answer.Changes, []match.Change{unlist(0, epoch)})
		}},
		{"who is not available any more leaves both cells", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.at(there)
			answer, _ := ana.report(there, available(false))
			same(s, answer.Changes, []match.Change{unlist(0, s.now), unlist(there, s.now+1)})
			same(s, ana.relist().Changes, nil)
		}},
		{"who has disconnected is not listed", func(s *scene) {
			ana := s.stand("ana", 0)
			same(s, ana.disconnect(0).Changes, []match.Change{unlist(0, s.now)})
			same(s, ana.relist().Changes, nil)
		}},
		{"who is not available is not listed", func(s *scene) {
			ana := s.stand("ana", 0, available(false))
			same(s, ana.relist().Changes, nil)
		}},
		{"a stranger is not listed", func(s *scene) {
			s.is(s.newcomer("ana").relist(), match.Answer{Status: match.StatusOK})
		}},
		{"who has not reported is not listed", func(s *scene) {
			s.is(s.join("ana").relist(), match.Answer{Status: match.StatusOK})
		}},
		{"who was last heard of too long ago is not listed", func(s *scene) {
			ana := s.stand("ana", 0, at(dawn+1))
			s.pass(time.Minute - time.Millisecond)
			same(s, ana.relist().Changes, []match.Change{ana.list(s.now)})
			epoch := s.now
			s.pass(time.Millisecond)
			same(s, ana.relist().Changes, []match.Change{unlist(0, epoch)})
		}},
		{"who reported a place too old is not listed", func(s *scene) {
			ana := s.stand("ana", 0, at(dawn-1))
			s.pass(time.Minute - 2*time.Millisecond)
			same(s, ana.relist().Changes, []match.Change{ana.list(s.now)})
			epoch := s.now
			s.pass(time.Millisecond)
			same(s, ana.relist().Changes, []match.Change{unlist(0, epoch)})
		}},
		{"who asks is listed, whether the request waits or is searched for", func(s *scene) {
			ana := s.stand("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			same(s, ana.relist().Changes, []match.Change{ana.list(s.now + 1)})
			same(s, ana.fall("m1", true).Changes, []match.Change{ana.list(s.now + 2)})
			same(s, ana.relist().Changes, []match.Change{ana.list(s.now + 3)})
		}},
		{"a matcher is not listed", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("", "m1", ben)
			same(s, ana.relist().Changes, nil)
			answer, _ := ana.report(10)
			same(s, answer.Changes, nil)
			same(s, answer.Listed, false)
		}},
		{"a matchee is not listed", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("", "m1", ben)
			same(s, ben.relist().Changes, nil)
		}},
		{"who is claimed stays where it is until that is decided", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			s.says(ana.begin("", "m1"), match.StatusOK)
			s.says(ana.claim("m1", ben), match.StatusYours)
			same(s, ben.relist().Changes, nil)
			answer, _ := ben.report(10, available(false))
			same(s, answer.Changes, nil)
			same(s, answer.Listed, true)
			same(s, ana.release("m1", ben, "lost").Changes, []match.Change{unlist(0, s.now)})
		}},
	}
}
