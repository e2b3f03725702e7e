package store_test

import (
	"fmt"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// waits: requests that wait in cells, and who meets them there.
func waits() []scenario {
	return []scenario{
		{"a request that waits in a cell is met by who is listed there", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			ana.register(0)
			ben := s.join("ben")
			answer, _ := ben.report(100)
			same(s, ben.apply(answer.Changes...), []match.Waiter{ben.meeting(ana)})
		}},
		{"a request that waits in a cell is met by who moves there", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 2000, tagged("van"))
			ana.await("r1", wanting("van"))
			ana.register(0)
			_, moved := ben.report(100)
			same(s, moved, match.Moved{Known: true, Waiters: []match.Waiter{ben.meeting(ana)}})
			_, moved = ben.report(100, tagged())
			same(s, moved.Waiters, []match.Waiter{ben.meeting(ana)}) // until the listing follows
		}},
		{"a request finds who is there already, when it is registered", func(s *scene) {
			ana := s.stand("ana", 0)
			s.stand("ben", 100)
			s.stand("cem", 50, tagged("van"))
			s.stand("dan", 2900)
			ana.await("r1")
			same(s, names(ana.register(0)...), []string{"cem", "ben", "dan"})
			ana.asked.Tags = []string{"van"}
			same(s, names(ana.register(0)...), []string{"cem"})
		}},
		{"a request that is registered finds at most so many, and says that there are more", func(s *scene) {
			s.crowd(9, func(*match.Change) {})
			ana := s.stand("ana", 0)
			ana.await("r1")
			found := ana.register(0)[0]
			same(s, len(found.Candidates), 8)
			same(s, found.More, true)
		}},
		{"several cells are registered in one trip", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", there)
			ana.await("r1", func(o *match.Opening) { o.Radius = 20_000 })
			hits := ana.register(0, there)
			same(s, names(hits[0]), []string{})
			same(s, names(hits[1]), []string{"ben"})
			_, moved := ben.report(there)
			same(s, moved.Waiters, []match.Waiter{ben.meeting(ana)})
		}},
		{"who does not fit a request does not meet it", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 2000)
			ana.await("r1", wanting("van"), func(o *match.Opening) { o.Radius = 1000 })
			ana.register(0)
			for _, miss := range []struct {
				meters float64
				tags   []string
			}{{500, nil}, {500, []string{"vans"}}, {1001.2, []string{"van"}}} {
				answer, _ := ben.report(miss.meters, tagged(miss.tags...))
				same(s, ben.apply(append(answer.Changes, ben.relist().Changes...)...), nil)
				_, moved := ben.report(miss.meters)
				same(s, moved.Waiters, nil)
			}
			ben.at(1000.8, tagged("xl", "van")) // the caller's geometry decides within a metre
			_, moved := ben.report(1000.8)
			same(s, moved.Waiters, []match.Waiter{ben.meeting(ana)})
		}},
		{"nobody meets its own request", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			ana.register(0)
			_, moved := ana.report(100)
			same(s, moved.Waiters, nil)
		}},
		{"a request is met until its deadline, and then forgotten by the cell", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			ana.register(0)
			s.pass(time.Minute - time.Millisecond)
			ben := s.stand("ben", 0)
			_, moved := ben.report(10)
			same(s, len(moved.Waiters), 1)
			s.pass(time.Millisecond)
			_, moved = ben.report(20)
			same(s, moved.Waiters, nil)
			same(s, s.stored("wait", geo.ShardCell(north(0))), map[string]string{})
		}},
		{"the oldest requests come first, of one moment those of the smaller id, and at most 64", func(s *scene) {
			s.rules(unlimited)
			ben := s.stand("ben", 0)
			var want []match.Waiter
			for n := range 66 {
				// Neither in the order of their ids nor against it.
				a := s.newcomer(fmt.Sprintf("m%02d", n*29%66))
				a.asked = match.Request{ID: "r", Point: north(1), Radius: 100, Created: s.now - int64(n*29%66/6), Deadline: s.now + 1000, Wait: true}
				a.register(0)
			}
			for moment := 10; moment >= 0; moment-- {
				for n := range 6 {
					want = append(want, match.Waiter{Owner: match.Member{Pool: s.pool, ID: fmt.Sprintf("m%02d", moment*6+n)}})
				}
			}
			_, moved := ben.report(0)
			same(s, len(moved.Waiters), 64)
			for i, w := range moved.Waiters {
				same(s, w.Owner, want[i].Owner)
			}
		}},
		{"a cell keeps the newest request of a member", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 100)
			ana.await("r1")
			older := *ana
			ana.register(0)
			s.says(ana.cancel(), match.StatusCancelled)
			s.pass(time.Millisecond)
			ana.await("r2")
			met := func() string {
				_, moved := ben.report(100)
				same(s, len(moved.Waiters), 1)
				return moved.Waiters[0].ID
			}
			ana.register(0)
			same(s, met(), "r2")
			older.register(0) // comes late
			same(s, met(), "r2")
			ana.asked.Radius = 200
			ana.register(0)
			_, moved := ben.report(100)
			same(s, moved.Waiters, []match.Waiter{ben.meeting(ana)})
		}},
		{"a request is withdrawn from its cells, but for a newer one", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 100)
			ana.await("r1")
			older := *ana
			s.says(ana.cancel(), match.StatusCancelled)
			s.pass(time.Millisecond)
			ana.await("r2")
			ana.register(0, there)
			met := func() int {
				_, moved := ben.report(100)
				return len(moved.Waiters)
			}
			older.withdraw(0, there)
			same(s, met(), 1)
			ana.withdraw(0, there)
			same(s, met(), 0)
			ana.withdraw(0, there) // is gone
			ana.register(0)
			newer := *ana
			newer.asked.Created++
			newer.withdraw(0)
			same(s, met(), 0)
			same(s, s.stored("wait", geo.ShardCell(north(there))), map[string]string{})
		}},
		{"a request that stands in all its cells is noted as such, waiting or searched for", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			same(s, ana.registered(), true)
			same(s, ana.seen().Route.Request.Registered, true)
			s.says(ana.lease("m1"), match.StatusOK)
			same(s, ana.registered(), true)
			s.says(ana.fall("m1", true), match.StatusWaiting)
			same(s, ana.seen().Route.Request.Registered, true)
		}},
		{"only the request of that moment is noted", func(s *scene) {
			ana := s.stand("ana", 0)
			same(s, ana.registered(), false)
			ana.await("r1")
			older := *ana
			s.says(ana.cancel(), match.StatusCancelled)
			s.pass(time.Millisecond)
			ana.await("r2")
			same(s, older.registered(), false)
			same(s, ana.seen().Route.Request.Registered, false)
		}},
		{"a request that has led to a match is not noted any more", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("r1", "m1", ben)
			same(s, ana.registered(), false)
			s.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			same(s, ana.registered(), false)
			same(s, ana.seen().Route.Request.Registered, false)
		}},
	}
}

// register lets the actor's request wait in the cells so many metres north.
func (a *actor) register(meters ...float64) []match.Hits {
	a.t.Helper()
	q := match.Query{Self: a.Member, Point: a.asked.Point, Radius: a.asked.Radius, Tags: a.asked.Tags, Want: 8}
	hits, err := a.store.Register(a.t.Context(), shards(meters), a.waiter(), q)
	a.must(err)
	return hits
}

func (a *actor) registered() bool {
	a.t.Helper()
	noted, err := a.store.Registered(a.t.Context(), a.waiter())
	a.must(err)
	return noted
}

func (a *actor) withdraw(meters ...float64) {
	a.t.Helper()
	a.must(a.store.Withdraw(a.t.Context(), shards(meters), a.waiter()))
}

func (a *actor) waiter() match.Waiter { return match.Waiter{Owner: a.Member, Request: a.asked} }

// meeting is the other's request as the actor meets it.
func (a *actor) meeting(other *actor) match.Waiter {
	w := other.waiter()
	w.Tags = nil
	w.Distance = geo.Distance(a.Point, w.Point)
	return w
}

func shards(meters []float64) []geo.Cell {
	all := make([]geo.Cell, len(meters))
	for i, m := range meters {
		all[i] = geo.ShardCell(north(m))
	}
	return all
}
