package store_test

import (
	"fmt"
	"time"

	"waggle/internal/match"
)

// widenings: requests whose circle grows while they wait.
func widenings() []testCase {
	return []testCase{
		{"the circle of a request grows in eight equal steps, and each makes its owner search once more", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1", withRadius(1000), widening(5000, 40*time.Second), openFor(time.Minute))
			ana.registered()
			is := func(radius float64, grown bool) {
				f.t.Helper()
				route := ana.snapshot().Route
				same(f, route.Request.Radius, radius)
				same(f, route.Grown, grown)
			}
			is(1000, false)
			for step := range 8 {
				f.advance(5*time.Second - time.Millisecond)
				ana.read() // its owner is not silent
				is(1000+500*float64(step), false)
				f.advance(time.Millisecond)
				is(1500+500*float64(step), true)
				search := fmt.Sprint("m", step)
				same(f, ana.lease(search).Request.Radius, 1500+500*float64(step))
				is(1500+500*float64(step), false)
				same(f, ana.giveUp(search, true).Request.Radius, 1500+500*float64(step))
			}
			f.advance(19 * time.Second)
			is(5000, false)
		}},
		{"a circle that has not grown by the deadline ends as it was, and a repeat of the request says the same", func(f *fixture) {
			for i, end := range []struct {
				over   time.Duration
				radius float64
			}{{time.Minute, 4500}, {59 * time.Second, 5000}, {2 * time.Minute, 2500}, {10 * time.Minute, 1000}} {
				told, gave, asked := f.listed(fmt.Sprint("told", i), 0), f.listed(fmt.Sprint("gave", i), 0), f.listed(fmt.Sprint("asked", i), 0)
				for _, m := range []*member{told, gave, asked} {
					f.says(m.begin("r1", "m1", withRadius(1000), widening(5000, end.over), openFor(time.Minute)), match.StatusOK)
				}
				f.says(told.giveUp("m1", true), match.StatusWaiting)
				f.says(asked.giveUp("m1", true), match.StatusWaiting)
				f.advance(time.Minute)
				same(f, told.read().Untold[0].Radius, end.radius)
				same(f, gave.giveUp("m1", true).Request.Radius, end.radius)
				for _, m := range []*member{told, asked} {
					same(f, m.begin("r1", "m2").Outcome, match.Outcome{ID: "r1", Kind: "no_match", Radius: end.radius})
				}
			}
		}},
		{"a member gets a request that widens once the circle has reached it, and no more often than another", func(f *fixture) {
			eli := f.listed("eli", 900)
			f.advance(1500 * time.Millisecond)
			ana := f.listed("ana", 0)
			ana.await("r1", withRadius(1000), widening(3000, 8*time.Second), openFor(time.Minute)) // 250 m a second
			same(f, names(ana.register(0)...), []string{"eli"})
			same(f, eli.woken(900), nil) // the search has seen it
			eli.moveTo(900, available(false))
			found := func(m *member) []match.WaitingRequest { return []match.WaitingRequest{m.foundBy(ana)} }
			ben, cem, far := f.connected("ben"), f.connected("cem"), f.connected("far")
			same(f, ben.woken(900), found(ben))
			same(f, cem.woken(1400), nil)
			same(f, far.woken(3100), nil)
			f.advance(2*time.Second - time.Millisecond) // to 1250 m
			same(f, cem.woken(1400), nil)
			f.advance(time.Millisecond)
			same(f, cem.woken(1400), found(cem))
			f.advance(time.Second)
			same(f, ben.woken(900), nil)
			same(f, cem.woken(1400), nil)
			same(f, far.woken(2990), nil)
			dan := f.connected("dan")
			same(f, dan.woken(1700), found(dan))
			f.advance(time.Second) // the last step is at 8 s
			same(f, far.woken(2990), nil)
			f.advance(4 * time.Second)
			same(f, far.woken(2990), found(far))
			same(f, far.woken(3100), nil)
			f.advance(time.Second)
			same(f, far.woken(2990), found(far))
			same(f, len(f.entries("queue", 0)), 2+f.places(ana))
			ana.withdraw(0)
			f.nobodyWaits(0)
		}},
		{"a member whom a circle has reached gets its request after hundreds that it nearly fits", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 1100)
			ana.await("r1", withRadius(1000), widening(3000, 8*time.Second), openFor(time.Minute))
			f.wait(450, func(n int, w *match.WaitingRequest) { w.Radius = 1050 })
			ana.register(0)
			same(f, ben.woken(1100), nil)
			for step := range 3 {
				f.advance(time.Second)
				reported := ben.report(1100)
				trips := f.count(func() {
					same(f, len(ben.apply(reported.Changes...)), []int{1, 0, 0}[step])
				})
				same(f, trips > 1 || step > 0, true)
			}
		}},
		{"a request that widens is registered anew with the circle that it has, and waits in the widest", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.listed("ben", 1400)
			ana.await("r1", withRadius(1000), widening(13_000, 8*time.Second), openFor(time.Minute))
			same(f, names(ana.register(0, nextCell)...), []string{})
			far := f.listed("far", nextCell)
			f.advance(4 * time.Second)
			ana.asked.Radius = ana.snapshot().Route.Request.Radius
			same(f, ana.asked.Radius, 7000)
			same(f, names(ana.register(0, nextCell)...), []string{"ben"})
			same(f, far.woken(nextCell), nil)
			f.advance(4 * time.Second)
			same(f, far.woken(nextCell), []match.WaitingRequest{far.foundBy(ana)})
			ana.withdraw(0, nextCell)
			f.nobodyWaits(0, nextCell)
		}},
	}
}
