package store_test

import (
	"strconv"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/store"
	"waggle/test/mutation/active"
)

// kept is how long a key lives unless it is refreshed.
const kept = 130 * time.Minute

// lifetimes: by which clock deadlines pass, and when a key expires.
func lifetimes() []testCase {
	return []testCase{
		{"the clock is the cache's own plus the offset", func(s *fixture) {
			const ahead = 3 * time.Hour
			own, err := store.Open(store.Options{URL: s.cache.URL, Rewrite: active.Script, Offset: func() time.Duration { return ahead }})
			s.must(err)
			defer own.Close()
			member := match.Member{Pool: s.pool, ID: "ana"}
			before := s.clock()
			read, err := own.Read(s.t.Context(), member, nil, false)
			s.must(err)
			if now := read.Now - ahead.Milliseconds(); now < before || now > s.clock() {
				s.t.Errorf("got %d, want from %d to %d", now, before, s.clock())
			}
		}},
		{"a record lives as long as its member sends messages", func(s *fixture) {
			ana := s.listed("ana", 0)
			record := s.key("m", "ana")
			for _, send := range []func(){
				func() { s.says(ana.read(), match.StatusOK) },
				func() { ana.moveTo(0) },
				func() { s.says(ana.begin("", "m1"), match.StatusOK) },
				func() { s.says(ana.cancel(), match.StatusCancelled) },
				func() {
					s.says(ana.begin("", "m2"), match.StatusOK)
					s.says(ana.giveUp("m2", false), match.StatusNoMatch)
				},
				func() { s.says(ana.cancel(), match.StatusOther) },
				func() { ana = ana.nextSession(); s.says(ana.connect(), match.StatusOK) },
			} {
				s.refreshed(record, send)
			}
		}},
		{"a record lives as long as others match its member", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			s.says(ana.begin("", "m1"), match.StatusOK)
			s.refreshed(s.key("m", "ben"), func() { s.says(ana.claim("m1", ben), match.StatusYours) })
			s.refreshed(s.key("m", "ana"), func() { s.says(ana.commit("m1", ben), match.StatusYours) })
			s.says(ana.confirm("m1", ben), match.StatusYours)
			s.refreshed(s.key("m", "ana"), func() { s.says(ana.finish("m1", ben, "left"), match.StatusEnded) })
			s.refreshed(s.key("m", "ben"), func() { s.says(ana.release("m1", ben, "left"), match.StatusReleased) })
		}},
		{"a record lives as long as its pending no_match", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("")
			s.advance(time.Minute)
			s.refreshed(s.key("m", "ana"), func() { same(s, ana.snapshot().Route, nil) })
		}},
		{"a request lives as long as a session, from its begin on", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1")
			route := s.key("route", "ana")
			same(s, s.ttl(route) > kept-time.Minute, true)
			s.unrefreshed(route, func() { s.says(ana.read(), match.StatusOK) })
			s.unrefreshed(route, func() { ana.moveTo(0) })
		}},
		{"a match lives as long as its matcher sends messages or its matchee is watched", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			route := s.key("route", "ana")
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.refreshed(route, func() { s.says(ana.commit("m1", ben), match.StatusYours) })
			s.says(ana.confirm("m1", ben), match.StatusYours)
			s.refreshed(route, func() { s.says(ana.read(), match.StatusOK) })
			s.refreshed(route, func() { ana.moveTo(0) })
			s.refreshed(route, func() { s.says(ana.watch("m1", ben), match.StatusActive) })
			s.unrefreshed(route, func() { s.says(ana.snapshot(), match.StatusOK) })
		}},
		{"an end lives two minutes, whatever messages come", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			route := s.key("route", "ana")
			left := s.ttl(route)
			same(s, left > time.Minute && left <= 2*time.Minute, true)
			for _, send := range []func(){
				func() { s.says(ana.read(), match.StatusOK) },
				func() { ana.moveTo(0) },
				func() { s.says(ana.watch("m1", ben), match.StatusAlreadyEnded) },
			} {
				s.unrefreshed(route, send)
			}
		}},
		{"a cell lives as long as members are listed there", func(s *fixture) {
			ana := s.listed("ana", 0, tagged("van"))
			cell := string(geo.ShardCell(north(0)))
			for _, kind := range []string{"near", "seen", "tags"} {
				s.refreshed(s.key(kind, cell), func() { ana.apply(ana.relist()...) })
			}
		}},
		{"a cell lives as long as members move there; a move refreshes it in the second half of its time only", func(s *fixture) {
			ana := s.listed("ana", 0, tagged("van"))
			cell := string(geo.ShardCell(north(0)))
			for _, kind := range []string{"near", "seen", "tags"} {
				s.refreshed(s.key(kind, cell), func() {
					s.shorten(s.key("seen", cell), kept/2-time.Minute)
					ana.moveTo(0)
				})
			}
			s.shorten(s.key("seen", cell), kept/2+time.Minute)
			s.unrefreshed(s.key("near", cell), func() { ana.moveTo(0) })
		}},
		{"the requests of a cell live as long as the newest of them", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1")
			ana.register(0)
			wait := s.key("wait", string(geo.ShardCell(north(0))))
			same(s, s.ttl(wait) > kept-time.Minute, true)
			s.refreshed(wait, func() { ana.register(0) })
		}},
	}
}

// short is less than any key is given to live, except an end.
const short = 90 * time.Second

// refreshed fails the test unless that gives a key its whole time again.
func (s *fixture) refreshed(key string, by func()) {
	s.t.Helper()
	s.shorten(key, short)
	by()
	if left := s.ttl(key); left <= kept-time.Minute || left > kept {
		s.t.Errorf("%s has %v left, want %v", key, left, kept)
	}
}

// unrefreshed fails the test if that gives a key more time.
func (s *fixture) unrefreshed(key string, by func()) {
	s.t.Helper()
	s.shorten(key, short)
	by()
	if left := s.ttl(key); left <= 0 || left > short {
		s.t.Errorf("%s has %v left, want at most %v", key, left, short)
	}
}

// clock is the cache's own, epoch ms.
func (s *fixture) clock() int64 {
	s.t.Helper()
	said, err := s.direct.Do(s.t.Context(), s.direct.B().Time().Build()).AsStrSlice()
	s.must(err)
	seconds, err := strconv.ParseInt(said[0], 10, 64)
	s.must(err)
	micros, err := strconv.ParseInt(said[1], 10, 64)
	s.must(err)
	return seconds*1000 + micros/1000
}
