package store_test

import (
	"fmt"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// waits: requests that wait in cells, and the members listed there whom they fit.
func waits() []testCase {
	return []testCase{
		{"a member who is listed in a cell gets the requests that wait there", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			ana.register(0)
			ben := f.connected("ben")
			reported := ben.report(100)
			same(f, ben.apply(reported.Changes...), []match.WaitingRequest{ben.foundBy(ana)})
		}},
		{"a member who moves in a cell gets the requests that wait there", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 2000, tagged("van"))
			ana.await("r1", wanting("van"))
			ana.register(0)
			reported := ben.report(100)
			same(f, reported.Index, match.Move{Status: match.StatusMoved, Epoch: start, Waiting: []match.WaitingRequest{ben.foundBy(ana)}})
			reported = ben.report(100, tagged())
			same(f, reported.Index.Waiting, []match.WaitingRequest{ben.foundBy(ana)}) // its tags in the cell are still the old ones
		}},
		{"a request that is registered finds the members who are there already", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.listed("ben", 100)
			f.listed("cem", 50, tagged("van"))
			f.listed("dan", 2900)
			ana.await("r1")
			same(f, names(ana.register(0)...), []string{"cem", "ben", "dan"})
			ana.asked.Tags = []string{"van"}
			same(f, names(ana.register(0)...), []string{"cem"})
		}},
		{"a request that is registered finds at most as many as it wants, and learns that there are more", func(f *fixture) {
			f.crowd(9, func(*match.Change) {})
			ana := f.listed("ana", 0)
			ana.await("r1")
			found := ana.register(0)[0]
			same(f, len(found.Candidates), 8)
			same(f, found.More, true)
		}},
		{"several cells are registered in one trip", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", nextCell)
			ana.await("r1", withRadius(20_000))
			hits := ana.register(0, nextCell)
			same(f, names(hits[0]), []string{})
			same(f, names(hits[1]), []string{"ben"})
			reported := ben.report(nextCell)
			same(f, reported.Index.Waiting, []match.WaitingRequest{ben.foundBy(ana)})
		}},
		{"a member does not get a request that it does not fit", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 2000)
			ana.await("r1", wanting("van"), withRadius(1000))
			ana.register(0)
			for _, miss := range []struct {
				meters float64
				tags   []string
			}{{500, nil}, {500, []string{"vans"}}, {1001.2, []string{"van"}}} {
				reported := ben.report(miss.meters, tagged(miss.tags...))
				same(f, ben.apply(append(reported.Changes, ben.relist()...)...), nil)
				reported = ben.report(miss.meters)
				same(f, reported.Index.Waiting, nil)
			}
			ben.moveTo(1000.8, tagged("xl", "van")) // the caller's geometry decides within a metre
			reported := ben.report(1000.8)
			same(f, reported.Index.Waiting, []match.WaitingRequest{ben.foundBy(ana)})
		}},
		{"a member does not get its own request", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			ana.register(0)
			reported := ana.report(100)
			same(f, reported.Index.Waiting, nil)
		}},
		{"a cell returns a request until its deadline, and then removes it", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			ana.register(0)
			f.advance(time.Minute - time.Millisecond)
			ben := f.listed("ben", 0)
			reported := ben.report(10)
			same(f, len(reported.Index.Waiting), 1)
			f.advance(time.Millisecond)
			reported = ben.report(20)
			same(f, reported.Index.Waiting, nil)
			same(f, f.stored("wait", geo.ShardCell(north(0))), map[string]string{})
		}},
		{"the oldest requests come first, of one moment those of the smaller member id, and at most 64", func(f *fixture) {
			f.settings(unlimited)
			ben := f.listed("ben", 0)
			var want []match.WaitingRequest
			for n := range 66 {
				// Neither in the order of their ids nor against it.
				a := f.newMember(fmt.Sprintf("m%02d", n*29%66))
				a.asked = match.Request{ID: "r", Point: north(1), Radius: 100, Created: f.now - int64(n*29%66/6), Deadline: f.now + 1000, Wait: true}
				a.register(0)
			}
			for moment := 10; moment >= 0; moment-- {
				for n := range 6 {
					want = append(want, match.WaitingRequest{Owner: match.Member{Pool: f.pool, ID: fmt.Sprintf("m%02d", moment*6+n)}})
				}
			}
			reported := ben.report(0)
			same(f, len(reported.Index.Waiting), 64)
			for i, w := range reported.Index.Waiting {
				same(f, w.Owner, want[i].Owner)
			}
		}},
		{"a cell keeps the newest request of a member", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 100)
			ana.await("r1")
			older := *ana
			ana.register(0)
			f.says(ana.cancel(), match.StatusCancelled)
			f.advance(time.Millisecond)
			ana.await("r2")
			met := func() string {
				reported := ben.report(100)
				same(f, len(reported.Index.Waiting), 1)
				return reported.Index.Waiting[0].ID
			}
			ana.register(0)
			same(f, met(), "r2")
			older.register(0) // comes late
			same(f, met(), "r2")
			ana.asked.Radius = 200
			ana.register(0)
			reported := ben.report(100)
			same(f, reported.Index.Waiting, []match.WaitingRequest{ben.foundBy(ana)})
		}},
		{"a request is withdrawn from its cells, and a newer one is not", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 100)
			ana.await("r1")
			older := *ana
			f.says(ana.cancel(), match.StatusCancelled)
			f.advance(time.Millisecond)
			ana.await("r2")
			ana.register(0, nextCell)
			met := func() int {
				reported := ben.report(100)
				return len(reported.Index.Waiting)
			}
			older.withdraw(0, nextCell)
			same(f, met(), 1)
			ana.withdraw(0, nextCell)
			same(f, met(), 0)
			ana.withdraw(0, nextCell) // nothing is there any more
			ana.register(0)
			newer := *ana
			newer.asked.Created++
			newer.withdraw(0)
			same(f, met(), 0)
			same(f, f.stored("wait", geo.ShardCell(north(nextCell))), map[string]string{})
		}},
		{"a request that is registered in all its cells is noted as such, waiting or searched for", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			same(f, ana.registered(), true)
			same(f, ana.snapshot().Route.Request.Registered, true)
			f.says(ana.lease("m1"), match.StatusOK)
			same(f, ana.registered(), true)
			f.says(ana.giveUp("m1", true), match.StatusWaiting)
			same(f, ana.snapshot().Route.Request.Registered, true)
		}},
		{"only the request of that moment is noted", func(f *fixture) {
			ana := f.listed("ana", 0)
			same(f, ana.registered(), false)
			ana.await("r1")
			older := *ana
			f.says(ana.cancel(), match.StatusCancelled)
			f.advance(time.Millisecond)
			ana.await("r2")
			same(f, older.registered(), false)
			same(f, ana.snapshot().Route.Request.Registered, false)
		}},
		{"a request that has led to a match is not noted as registered", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			same(f, ana.registered(), false)
			f.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			same(f, ana.registered(), false)
			same(f, ana.snapshot().Route.Request.Registered, false)
		}},
	}
}

// register lets the member's request wait in the cells so many metres north.
func (a *member) register(meters ...float64) []match.Hits {
	a.t.Helper()
	q := match.Query{Self: a.Member, Point: a.asked.Point, Radius: a.asked.Radius, Tags: a.asked.Tags, Want: 8}
	hits, err := a.store.Register(a.t.Context(), shards(meters), a.waiting(), q)
	a.must(err)
	return hits
}

func (a *member) registered() bool {
	a.t.Helper()
	noted, err := a.store.Registered(a.t.Context(), a.waiting())
	a.must(err)
	return noted
}

func (a *member) withdraw(meters ...float64) {
	a.t.Helper()
	a.must(a.store.Withdraw(a.t.Context(), shards(meters), a.waiting()))
}

func (a *member) waiting() match.WaitingRequest {
	return match.WaitingRequest{Owner: a.Member, Request: a.asked}
}

// foundBy is the other's request as a listing of the member returns it.
func (a *member) foundBy(other *member) match.WaitingRequest {
	w := other.waiting()
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
