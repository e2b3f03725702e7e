package store_test

import (
	"strconv"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/store"
	"waggle/test/mutation/active"
)

// keep is how long what is stored lives, unless it is refreshed.
const keep = 130 * time.Minute

// lifetimes: by which clock deadlines pass, and when what is stored expires by
// itself.
func lifetimes() []scenario {
	return []scenario{
		{"the clock is the cache's own, and the offset", func(s *scene) {
			const ahead = 3 * time.Hour
			own, err := store.Open(store.Options{URL: s.cache.URL, Rewrite: active.Script, Offset: func() time.Duration { return ahead }})
			s.must(err)
			defer own.Close()
			member := match.Member{Pool: s.pool, ID: "ana"}
			before := s.clock()
			answer, err := own.Read(s.t.Context(), member, nil, false)
			s.must(err)
			if now := answer.Now - ahead.Milliseconds(); now < before || now > s.clock() {
				s.t.Errorf("got %d, want from %d to %d", now, before, s.clock())
			}
		}},
		{"a record lives as long as its member speaks", func(s *scene) {
			ana := s.stand("ana", 0)
			record := s.key("m", "ana")
			for _, speak := range []func(){
				func() { s.says(ana.read(), match.StatusOK) },
				func() { ana.at(0) },
				func() { s.says(ana.begin("", "m1"), match.StatusOK) },
				func() { s.says(ana.cancel(), match.StatusCancelled) },
				func() {
					s.says(ana.begin("", "m2"), match.StatusOK)
					s.says(ana.fall("m2", false), match.StatusNoMatch)
				},
				func() { s.says(ana.cancel(), match.StatusOther) },
				func() { ana = ana.again(); s.says(ana.connect(), match.StatusOK) },
			} {
				s.refreshed(record, speak)
			}
		}},
		{"a record lives as long as others match its member", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			s.says(ana.begin("", "m1"), match.StatusOK)
			s.refreshed(s.key("m", "ben"), func() { s.says(ana.claim("m1", ben), match.StatusYours) })
			s.refreshed(s.key("m", "ana"), func() { s.says(ana.commit("m1", ben), match.StatusYours) })
			s.says(ana.confirm("m1", ben), match.StatusYours)
			s.refreshed(s.key("m", "ana"), func() { s.says(ana.finish("m1", ben, "left"), match.StatusEnded) })
			s.refreshed(s.key("m", "ben"), func() { s.says(ana.release("m1", ben, "left"), match.StatusReleased) })
		}},
		{"a record lives for the no_match that is due", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("")
			s.pass(time.Minute)
			s.refreshed(s.key("m", "ana"), func() { same(s, ana.seen().Route, nil) })
		}},
		{"a request lives as long as a session from its begin", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			route := s.key("route", "ana")
			same(s, s.ttl(route) > keep-time.Minute, true)
			s.unrefreshed(route, func() { s.says(ana.read(), match.StatusOK) })
			s.unrefreshed(route, func() { ana.at(0) })
		}},
		{"a match lives as long as its matcher speaks, or its matchee is watched", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			route := s.key("route", "ana")
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.refreshed(route, func() { s.says(ana.commit("m1", ben), match.StatusYours) })
			s.says(ana.confirm("m1", ben), match.StatusYours)
			s.refreshed(route, func() { s.says(ana.read(), match.StatusOK) })
			s.refreshed(route, func() { ana.at(0) })
			s.refreshed(route, func() { s.says(ana.watch("m1", ben), match.StatusActive) })
			s.unrefreshed(route, func() { s.says(ana.seen(), match.StatusOK) })
		}},
		{"an end lives two minutes, whoever speaks", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("r1", "m1", ben)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			route := s.key("route", "ana")
			left := s.ttl(route)
			same(s, left > time.Minute && left <= 2*time.Minute, true)
			for _, speak := range []func(){
				func() { s.says(ana.read(), match.StatusOK) },
				func() { ana.at(0) },
				func() { s.says(ana.watch("m1", ben), match.StatusPast) },
			} {
				s.unrefreshed(route, speak)
			}
		}},
		{"a cell lives as long as somebody is listed there", func(s *scene) {
			ana := s.stand("ana", 0, tagged("van"))
			cell := string(geo.ShardCell(north(0)))
			for _, kind := range []string{"near", "seen", "tags"} {
				s.refreshed(s.key(kind, cell), func() { ana.apply(ana.relist().Changes...) })
			}
		}},
		{"a cell lives as long as somebody moves there, which is looked at in the second half of its time", func(s *scene) {
			ana := s.stand("ana", 0, tagged("van"))
			cell := string(geo.ShardCell(north(0)))
			for _, kind := range []string{"near", "seen", "tags"} {
				s.refreshed(s.key(kind, cell), func() {
					s.wear(s.key("seen", cell), keep/2-time.Minute)
					ana.at(0)
				})
			}
			s.wear(s.key("seen", cell), keep/2+time.Minute)
			s.unrefreshed(s.key("near", cell), func() { ana.at(0) })
		}},
		{"the requests of a cell live as long as the newest of them", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			ana.register(0)
			wait := s.key("wait", string(geo.ShardCell(north(0))))
			same(s, s.ttl(wait) > keep-time.Minute, true)
			s.refreshed(wait, func() { ana.register(0) })
		}},
	}
}

// worn is less than anything is given to live, but for an end.
const worn = 90 * time.Second

// refreshed fails the test unless that gives a key its whole time again.
func (s *scene) refreshed(key string, by func()) {
	s.t.Helper()
	s.wear(key, worn)
	by()
	if left := s.ttl(key); left <= keep-time.Minute || left > keep {
		s.t.Errorf("%s has %v left, want %v", key, left, keep)
	}
}

// unrefreshed fails the test if that gives a key more time.
func (s *scene) unrefreshed(key string, by func()) {
	s.t.Helper()
	s.wear(key, worn)
	by()
	if left := s.ttl(key); left <= 0 || left > worn {
		s.t.Errorf("%s has %v left, want at most %v", key, left, worn)
	}
}

// clock is the cache's own, epoch ms.
func (s *scene) clock() int64 {
	s.t.Helper()
	said, err := s.direct.Do(s.t.Context(), s.direct.B().Time().Build()).AsStrSlice()
	s.must(err)
	seconds, err := strconv.ParseInt(said[0], 10, 64)
	s.must(err)
	micros, err := strconv.ParseInt(said[1], 10, 64)
	s.must(err)
	return seconds*1000 + micros/1000
}
