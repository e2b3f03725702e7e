package store_test

import (
	"fmt"
	"time"

	"waggle/internal/match"
)

// peer notes what the member is to know of its peer.
func (a *member) peer(search string, away bool, since int64) match.PeerNoted {
	a.t.Helper()
	result, err := a.store.Peer(a.t.Context(), a.Member, match.PeerState{Match: search, Away: away, Since: since})
	return done(a, result, err)
}

func (a *member) due() match.Snapshot {
	a.t.Helper()
	result, err := a.store.Due(a.t.Context(), a.Member)
	return done(a, result, err)
}

// presences: whether the members of a match are away, and what they are to know of each other.
func presences() []testCase {
	ofPeer := func(since int64) string { return match.NoticePeer.Mark(fmt.Sprint(since)) }
	return []testCase{
		{"a member of a match is away from its disconnect on, and the reply names the other half", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			out := cem.disconnect(0)
			f.is(out, match.Disconnected{Status: match.StatusOK, Changes: out.Changes})
			ana.matchWith("r1", "m1", ben)
			f.advance(time.Second)
			left := ben.disconnect(0)
			same(f, left.Claim, ben.snapshot().Claim)
			same(f, left.Route, nil)
			same(f, left.Presence, match.Presence{Away: f.now, Heard: start})
			left = ana.disconnect(0)
			same(f, left.Claim, nil)
			same(f, left.Route, ana.snapshot().Route)
			same(f, ana.watch("m1", ben).Presence, match.Presence{Away: f.now, Heard: start})
			f.advance(time.Second)
			same(f, ana.snapshot().Away, f.now-1000)
			ben = ben.nextSession()
			f.says(ben.connect(), match.StatusOK)
			same(f, ben.snapshot().Presence, match.Presence{Heard: f.now})
			// In one moment each change has a later time.
			same(f, ben.disconnect(0).Away, f.now+1)
			ben = ben.nextSession()
			f.says(ben.connect(), match.StatusOK)
			same(f, ben.snapshot().Presence, match.Presence{Heard: f.now + 2})
			same(f, ben.read().Heard, f.now+2)
			same(f, ben.disconnect(0).Away, f.now+3)
		}},
		{"a member of a match is away once it is silent for half the grace time, counted from the match at least", func(f *fixture) {
			f.settings(unlimited + `,"grace":20,"locationTTL":100`)
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.advance(15 * time.Second)
			ana.matchWith("r1", "m1", ben)
			began := f.now
			for _, a := range []*member{ana, ben} {
				same(f, a.snapshot().Presence, match.Presence{Heard: map[*member]int64{ana: began, ben: start}[a]})
			}
			f.advance(10 * time.Second)
			same(f, [2]int64{ana.snapshot().Away, ben.snapshot().Away}, [2]int64{})
			f.advance(time.Millisecond)
			same(f, [2]int64{ana.snapshot().Away, ben.snapshot().Away}, [2]int64{began + 1, began + 1})
			f.says(ben.disconnect(0), match.StatusOK) // it was away before
			same(f, ben.snapshot().Away, began+1)
			f.says(ana.read(), match.StatusOK)
			same(f, ana.snapshot().Away, 0)
		}},
		{"a member of a match is away once its session has expired", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.newMember("ben")
			ben.Expires = time.UnixMilli(f.now + 5000)
			f.says(ben.connect(), match.StatusOK)
			ben.moveTo(10)
			ana.matchWith("r1", "m1", ben)
			same(f, ben.due().Look, f.now+5000)
			f.advance(5 * time.Second)
			same(f, ben.snapshot().Away, f.now)
		}},
		{"a member who is away beyond the grace time has left the match, whatever it says then", func(f *fixture) {
			for name, comes := range map[string]func(*member){
				"read": func(a *member) { a.read() }, "report": func(a *member) { a.report(10) }, "cancel": func(a *member) { a.cancel() },
				"begin":   func(a *member) { a.begin("r9", "m9") },
				"connect": func(a *member) { *a = *a.nextSession(); a.connect(); a.read() },
				"nobody":  func(*member) {},
			} {
				ana, ben := f.listed("ana-"+name, 0), f.listed("ben-"+name, 10)
				ana.matchWith("r1", "m1"+name, ben)
				f.advance(time.Minute)
				for _, a := range []*member{ana, ben} {
					seen := a.snapshot()
					same(f, seen.Claim != nil && seen.Claim.Left || seen.Route != nil && seen.Route.Left, false)
				}
				f.advance(time.Millisecond)
				comes(ana)
				comes(ben)
				same(f, ana.snapshot().Route.Left, true)
				same(f, ana.watch("m1"+name, ben).Left, true)
				same(f, ben.snapshot().Claim.Left, true)
				if name != "nobody" && name != "begin" {
					same(f, ana.read().Check, true) // at once, however often
					same(f, ana.read().Check, true)
				}
				f.says(ana.finish("m1"+name, ben, "left"), match.StatusEnded)
				f.says(ana.release("m1"+name, ben, "left"), match.StatusReleased)
				same(f, [2]string{f.record("ana-" + name)["leftMatch"], f.record("ben-" + name)["leftMatch"]}, [2]string{})
			}
		}},
		{"a member is told of its peer what is newest, until it was told that", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.is(ben.peer("m1", true, 5), match.PeerNoted{Status: match.StatusOther})
			ana.commitWith("r1", "m1", ben)
			f.says(ana.confirm("m1", ben), match.StatusYours)
			f.says(ben.peer("m1", false, 5), match.StatusOther) // it never was away
			f.says(ben.peer("m2", true, 5), match.StatusOther)
			f.is(ben.peer("m1", true, 5), match.PeerNoted{Status: match.StatusOK, Connection: ben.Connection}) // it does not know of the match
			ben.told(match.NoticeMatched.Mark("m1"))
			f.is(ben.peer("m1", true, 5), match.PeerNoted{Status: match.StatusOK, Tell: true, Connection: ben.Connection})
			away := match.PeerState{Match: "m1", Away: true, Since: 5}
			same(f, ben.snapshot().Known, away)
			reported := ben.report(20)
			same(f, reported.Known, away)
			ben.told(reported.Mark)
			same(f, ben.read().Untold, nil) // a process tells it
			f.advance(3 * time.Second)
			untold := ben.read().Untold
			same(f, untold, []match.Untold{{Notice: match.NoticePeer, Which: "5", Peer: away, Advice: match.Watched}})
			f.says(ben.peer("m1", true, 4), match.StatusOther)
			f.says(ben.peer("m1", false, 7), match.StatusOK)
			f.says(ben.peer("m1", true, 6), match.StatusOther)
			f.says(ben.peer("m1", false, 8), match.StatusOther) // it is back already
			ben.told(ofPeer(5))                                 // late
			f.advance(3 * time.Second)
			same(f, ben.read().Untold, []match.Untold{{Notice: match.NoticePeer, Which: "7", Peer: match.PeerState{Match: "m1", Since: 7}, Advice: match.Watched}})
			ben.told(ofPeer(7))
			f.is(ben.peer("m1", false, 7), match.PeerNoted{Status: match.StatusOK, Connection: ben.Connection})
			f.says(ben.peer("m1", true, 9), match.StatusOK)
			ben.told(ofPeer(9))
			f.says(ben.peer("m1", true, 12), match.StatusOK) // it was back meanwhile
			f.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			f.says(ana.release("m1", ben, "completed"), match.StatusReleased)
			f.advance(3 * time.Second)
			for _, u := range ben.read().Untold {
				same(f, u.Notice == match.NoticePeer, false)
			}
			same(f, f.record("ben")["peer"], "")
		}},
		{"what was known of another peer does not count", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.says(ana.peer("m1", true, 9), match.StatusOK)
			f.evict(f.key("route", "ana")) // nobody has noted the end
			ben.moveTo(10)
			f.says(ana.release("m1", ben, "lost"), match.StatusReleased)
			ana.matchWith("r2", "m2", ben)
			f.says(ana.peer("m2", true, 5), match.StatusOK)
			same(f, ana.snapshot().Known, match.PeerState{Match: "m2", Away: true, Since: 5})
		}},
		{"of the timers of a member one goes on: at the moment when it is away, and when it has left", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			same(f, ben.due().Look, 0)
			ana.matchWith("r1", "m1", ben)
			began := f.now
			same(f, ben.due().Look, began+1+30_000)
			same(f, ben.due().Look, 0)
			f.advance(20 * time.Second)
			f.says(ben.report(20), match.StatusOK)
			same(f, ben.due().Look, 0)
			f.advance(10*time.Second + time.Millisecond)
			same(f, ben.due().Look, began+20_000+1+30_000)
			f.advance(20 * time.Second)
			same(f, ben.due().Look, began+20_000+1+60_000)
			same(f, ben.due().Away, began+20_000+1)
			f.advance(30 * time.Second)
			seen := ben.due()
			same(f, seen.Look, 0)
			same(f, seen.Claim.Left, true)
		}},
	}
}
