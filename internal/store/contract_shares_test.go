package store_test

import (
	"time"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// shares: what the peer of a member gets to see of it, now or with the next push.
func shares() []testCase {
	return []testCase{
		{"a matcher who shares its moves is advised that it is watched, until the match ends", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.is(ana.begin("r1", "m1", sharing), match.Begun{Status: match.StatusOK, Request: &ana.asked})
			same(f, ana.report(10).Advice, match.Available) // the match has not begun
			f.says(ana.claim("m1", ben), match.StatusYours)
			f.says(ana.commit("m1", ben), match.StatusYours)
			f.says(ana.confirm("m1", ben), match.StatusYours)
			since := f.now
			f.advance(time.Second)
			f.is(ana.report(20), match.Reported{Status: match.StatusOK, At: f.now, Advice: match.Watched, Mark: f.advice(), Since: since,
				Route: &match.Route{State: match.Active, Match: "m1", Matchee: ben.Member, Request: ana.asked}})
			same(f, ana.snapshot().Route.Request.Share, true)
			f.says(ana.finish("m1", ben, "cancelled"), match.StatusEnded)
			reported := ana.report(30)
			same(f, reported.Advice, match.Available)
			same(f, reported.Since, 0)
		}},
		{"what no push has shown comes with the next reports, until one has shown it", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("", "m1", ben)
			accuracy := 5.0
			first, second := protocol.Fix{Lat: 1.5, Lng: -2.25, At: 7, Seq: 3, Motion: protocol.Motion{Accuracy: &accuracy}}, protocol.Fix{At: 8}
			same(f, ben.report(20).Skipped, nil)
			ben.skip("m1", first)
			ben.skip("m1", second)
			same(f, ben.report(30).Skipped, []protocol.Fix{first, second})
			ben.shown(first) // another one has come
			same(f, ben.report(40).Skipped, []protocol.Fix{first, second})
			ben.shown(second)
			same(f, ben.report(50).Skipped, nil)
			same(f, f.ttl(f.key("trail", "ben")) < 0, true)
		}},
		{"of what no push has shown the newest 99 are kept, for the grace time", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("", "m1", ben)
			var many []protocol.Fix
			for at := range int64(100) {
				many = append(many, protocol.Fix{At: at})
			}
			ben.skip("m1", many...)
			same(f, ben.report(20).Skipped, many[1:])
			left := f.ttl(f.key("trail", "ben"))
			same(f, left > 50*time.Second && left <= time.Minute, true)
			f.evict(f.key("trail", "ben"))
			same(f, ben.report(30).Skipped, nil)
			ben.skip("m1", many[0])
			same(f, ben.report(40).Skipped, many[:1])
		}},
		{"what no push has shown is of one match, and of a member in it", func(f *fixture) {
			ana, ben, cyd := f.listed("ana", 0), f.listed("ben", 10), f.listed("cyd", 20)
			cyd.skip("m1", protocol.Fix{At: 1})
			same(f, f.ttl(f.key("trail", "cyd")) < 0, true)
			ana.matchWith("", "m1", ben, sharing)
			ben.skip("m0", protocol.Fix{At: 1})
			same(f, ben.report(20).Skipped, nil)
			ana.skip("m1", protocol.Fix{At: 2}) // a matcher that shares its moves
			ben.skip("m1", protocol.Fix{At: 3})
			same(f, ana.report(10).Skipped, []protocol.Fix{{At: 2}})
			f.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			f.says(ana.release("m1", ben, "completed"), match.StatusReleased)
			same(f, ana.report(20).Skipped, nil)
			same(f, f.record("ana")["skipped"], "")
			ana.matchWith("", "m2", ben)
			ben.skip("m2", protocol.Fix{At: 4})
			same(f, ben.report(30).Skipped, []protocol.Fix{{At: 4}})
			f.says(ana.finish("m2", ben, "completed"), match.StatusEnded)
			f.says(ana.release("m2", ben, "completed"), match.StatusReleased)
			f.says(ben.disconnect(0), match.StatusOK)
			same(f, f.ttl(f.key("trail", "ben")) > 0, true)
			f.says(ben.forget(), match.StatusOK)
			same(f, f.ttl(f.key("trail", "ben")) < 0, true)
		}},
	}
}
