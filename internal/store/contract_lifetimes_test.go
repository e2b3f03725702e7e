package store_test

import (
	"strconv"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/store"
	"waggle/internal/store/records"
	"waggle/test/mutation/active"
)

// kept is how long a key lives unless it is refreshed.
const kept = 130 * time.Minute

// lifetimes: by which clock deadlines pass, and when a key expires.
func lifetimes() []testCase {
	return []testCase{
		{"the clock is the cache's own plus the offset", func(f *fixture) {
			const ahead = 3 * time.Hour
			own, err := store.Open(store.Options{URL: f.cache.URL, Rewrite: active.Script, Offset: func() time.Duration { return ahead }})
			f.must(err)
			defer own.Close()
			member := match.Member{Pool: f.pool, ID: "ana"}
			before := f.clock()
			read, err := own.Read(f.t.Context(), member, nil, false)
			f.must(err)
			if now := read.Now - ahead.Milliseconds(); now < before || now > f.clock() {
				f.t.Errorf("got %d, want from %d to %d", now, before, f.clock())
			}
		}},
		{"a record lives as long as its member sends messages", func(f *fixture) {
			ana := f.listed("ana", 0)
			record := f.key("m", "ana")
			for _, send := range []func(){
				func() { f.says(ana.read(), match.StatusOK) },
				func() { ana.moveTo(0) },
				func() { f.says(ana.begin("", "m1"), match.StatusOK) },
				func() { f.says(ana.cancel(), match.StatusCancelled) },
				func() {
					f.says(ana.begin("", "m2"), match.StatusOK)
					f.says(ana.giveUp("m2", false), match.StatusNoMatch)
				},
				func() { f.says(ana.cancel(), match.StatusOther) },
				func() { f.says(ana.end("m2", "left"), match.StatusOK) },
				func() { ana = ana.nextSession(); f.says(ana.connect(), match.StatusOK) },
			} {
				f.refreshed(record, send)
			}
			f.unrefreshed(record, func() { f.says(ana.snapshot(), match.StatusOK) })
		}},
		{"a record does not have what is as usual", func(f *fixture) {
			ana := f.connected("ana")
			ana.moveTo(0, available(false))
			f.advance(time.Second)
			ana.moveTo(0, available(true), seq(0))
			for _, field := range []string{"matchee", "available", "tags", "card", "seq", "motion", "claimConfirmed", "trailing"} {
				if value, kept := f.stored("m", "ana")[records.Short(field)]; kept {
					f.t.Errorf("the record has %s = %q", field, value)
				}
			}
		}},
		{"a record lives as long as others match its member", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("", "m1"), match.StatusOK)
			f.refreshed(f.key("m", "ben"), func() { f.says(ana.claim("m1", ben), match.StatusYours) })
			f.refreshed(f.key("m", "ana"), func() { f.says(ana.commit("m1", ben), match.StatusYours) })
			f.says(ana.confirm("m1", ben), match.StatusYours)
			f.refreshed(f.key("m", "ana"), func() { f.says(ana.finish("m1", ben, "left"), match.StatusEnded) })
			f.refreshed(f.key("m", "ben"), func() { f.says(ana.release("m1", ben, "left"), match.StatusReleased) })
		}},
		{"what is remembered lives ten minutes, and longer while a request is open, a match goes on or a notice is untold", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			livesLong := func() bool { return f.ttl(f.key("past", "ana")) > match.OutcomeRemembered }
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			same(f, livesLong(), true)
			f.says(ana.cancel(), match.StatusCancelled)
			same(f, livesLong(), false)
			ana.matchWith("r2", "m2", ben)
			f.says(ana.cancelRequest("c1", ""), match.StatusActive)
			same(f, livesLong(), true)
			f.says(ana.finish("m2", ben, "left"), match.StatusEnded)
			same(f, livesLong(), true)
			ana.told(match.NoticeEnded.Mark("m2"))
			same(f, livesLong(), false)
			ana.matchWith("r3", "m3", f.listed("cem", 20)) // the end of another match
			ana.told(match.NoticeEnded.Mark("m2"))
			same(f, livesLong(), true)
		}},
		{"a request whose key has expired gets its no_match all the same", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.evict(f.key("route", "ana"))
			same(f, notices(ana.read().Untold), "no_match r1")
			ana.told(ana.noMatch())
			f.repeats(ana.begin("r1", "m1", around(0)), match.Outcome{ID: "r1", Kind: "no_match", Radius: 3000})
			same(f, notices(ana.read().Untold), "")
		}},
		{"a request lives 15 s longer than it may wait", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			route := f.key("route", "ana")
			left := f.ttl(route)
			same(f, left > 70*time.Second && left <= 75*time.Second, true)
			f.shorten(route, short)
			f.unrefreshed(route, func() { f.says(ana.read(), match.StatusOK) })
			f.unrefreshed(route, func() { ana.moveTo(0) })
		}},
		{"a match lives as long as its matcher sends messages or its matchee is watched", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			route := f.key("route", "ana")
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.says(ana.claim("m1", ben), match.StatusYours)
			f.refreshed(route, func() { f.says(ana.commit("m1", ben), match.StatusYours) })
			f.says(ana.confirm("m1", ben), match.StatusYours)
			f.refreshed(route, func() { f.says(ana.read(), match.StatusOK) })
			f.refreshed(route, func() { ana.moveTo(0) })
			f.refreshed(route, func() { f.says(ana.watch("m1", ben), match.StatusActive) })
			f.unrefreshed(route, func() { f.says(ana.snapshot(), match.StatusOK) })
			f.unrefreshed(f.key("m", "ana"), func() { f.says(ana.snapshot(), match.StatusOK) })
		}},
		{"an end lives two minutes, whatever messages come", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			route := f.key("route", "ana")
			left := f.ttl(route)
			same(f, left > time.Minute && left <= 2*time.Minute, true)
			for _, send := range []func(){
				func() { f.says(ana.read(), match.StatusOK) },
				func() { ana.moveTo(0) },
				func() { f.says(ana.watch("m1", ben), match.StatusAlreadyEnded) },
			} {
				f.unrefreshed(route, send)
			}
		}},
		{"the requests of a cell live as long as the latest deadline of them", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 0)
			ana.await("r1", openFor(10*time.Minute))
			ben.await("r1")
			for _, step := range []struct {
				*member
				want time.Duration
			}{{ben, time.Minute}, {ana, 10 * time.Minute}, {ben, 10 * time.Minute}} {
				step.register(0)
				for _, kind := range []string{"wait", "queue"} {
					if left := f.ttl(f.key(kind, string(geo.ShardCell(north(0))))); left > step.want || left < step.want-10*time.Second {
						f.t.Errorf("%s has %v left, want %v", kind, left, step.want)
					}
				}
			}
		}},
	}
}

// short is less than the lifetime of any key, except that of an end.
const short = 90 * time.Second

// refreshed fails the test unless the function gives a key its whole lifetime again.
func (f *fixture) refreshed(key string, by func()) {
	f.t.Helper()
	f.shorten(key, short)
	by()
	if left := f.ttl(key); left <= kept-time.Minute || left > kept {
		f.t.Errorf("%s has %v left, want %v", key, left, kept)
	}
}

// unrefreshed fails the test if the function gives a key more time.
func (f *fixture) unrefreshed(key string, by func()) {
	f.t.Helper()
	f.shorten(key, short)
	by()
	if left := f.ttl(key); left <= 0 || left > short {
		f.t.Errorf("%s has %v left, want at most %v", key, left, short)
	}
}

// clock is the cache's own clock, epoch ms.
func (f *fixture) clock() int64 {
	f.t.Helper()
	said, err := f.direct.Do(f.t.Context(), f.direct.B().Time().Build()).AsStrSlice()
	f.must(err)
	seconds, err := strconv.ParseInt(said[0], 10, 64)
	f.must(err)
	micros, err := strconv.ParseInt(said[1], 10, 64)
	f.must(err)
	return seconds*1000 + micros/1000
}
