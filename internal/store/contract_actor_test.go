package store_test

import (
	"strings"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// An actor is one connection of a member in a scene, with what it last said.
type actor struct {
	*scene
	match.Session
	match.Position       // of its last report that was taken
	heard          int64 // when that was
	tags           string
	asked          match.Request // its last request
}

// newcomer is a member that is not connected yet. It has both roles.
func (s *scene) newcomer(name string) *actor {
	return &actor{scene: s, Session: match.Session{Member: match.Member{Pool: s.pool, ID: name}, Connection: name + "-c",
		ConnectedAt: time.UnixMilli(s.now), Matcher: true, Matchee: true}}
}

// join is a member that is connected.
func (s *scene) join(name string) *actor {
	s.t.Helper()
	a := s.newcomer(name)
	s.says(a.connect(), match.StatusOK)
	return a
}

// stand is a member that is connected, and listed so many metres north.
func (s *scene) stand(name string, meters float64, more ...detail) *actor {
	s.t.Helper()
	a := s.join(name)
	a.at(meters, more...)
	return a
}

// again is a newer connection of the same member, which has not reached the store yet.
func (a *actor) again() *actor {
	next := *a
	next.Connection += "+"
	next.ConnectedAt = a.ConnectedAt.Add(time.Millisecond)
	return &next
}

func (a *actor) connect() match.Answer {
	a.t.Helper()
	answer, err := a.store.Connect(a.t.Context(), a.Session)
	a.must(err)
	return answer
}

func (a *actor) disconnect(age time.Duration) match.Answer {
	a.t.Helper()
	answer, err := a.store.Disconnect(a.t.Context(), a.Member, a.Connection, age)
	a.must(err)
	return answer
}

// leave disconnects, and is taken out of the index.
func (a *actor) leave() {
	a.t.Helper()
	left := a.disconnect(0)
	a.says(left, match.StatusOK)
	a.apply(left.Changes...)
}

// read is the session's own reading, a sign of life.
func (a *actor) read() match.Answer {
	a.t.Helper()
	answer, err := a.store.Read(a.t.Context(), a.Member, &a.Session, false)
	a.must(err)
	return answer
}

// seen is somebody else's reading.
func (a *actor) seen() match.Answer {
	a.t.Helper()
	answer, err := a.store.Read(a.t.Context(), a.Member, nil, false)
	a.must(err)
	return answer
}

// A detail is what a report says beyond the place.
type detail func(*match.Report)

func at(ms int64) detail           { return func(r *match.Report) { r.At = ms } }
func seq(n int64) detail           { return func(r *match.Report) { r.Seq = n } }
func arriving(ms int64) detail     { return func(r *match.Report) { r.Arrival = time.UnixMilli(ms) } }
func available(is bool) detail     { return func(r *match.Report) { r.Available = &is } }
func tagged(tags ...string) detail { return func(r *match.Report) { r.Tags = &tags } }

// report says where the actor is, so many metres north. Unless told otherwise it is
// newer than the report before: the clock may stand, so seq goes up.
func (a *actor) report(meters float64, more ...detail) (match.Answer, match.Moved) {
	a.t.Helper()
	r := match.Report{Position: match.Position{Point: north(meters), Seq: a.Seq + 1}, Arrival: time.UnixMilli(a.now)}
	for _, say := range more {
		say(&r)
	}
	answer, moved, err := a.store.Report(a.t.Context(), a.Session, r)
	a.must(err)
	if answer.Status == match.StatusOK {
		a.Position, a.heard = r.Position, a.now
		a.At = answer.At
		if r.Tags != nil {
			a.tags = strings.Join(*r.Tags, " ")
		}
	}
	return answer, moved
}

// at is a report that is taken, and the index put right by it.
func (a *actor) at(meters float64, more ...detail) {
	a.t.Helper()
	answer, _ := a.report(meters, more...)
	a.says(answer, match.StatusOK)
	a.apply(answer.Changes...)
}

func (a *actor) relist() match.Answer {
	a.t.Helper()
	answer, err := a.store.Relist(a.t.Context(), a.Member)
	a.must(err)
	return answer
}

// apply changes where the actor is listed.
func (a *actor) apply(changes ...match.Change) []match.Waiter {
	a.t.Helper()
	waiters, err := a.store.Apply(a.t.Context(), a.Member, changes)
	a.must(err)
	return waiters
}

// list is the change that lists the actor as it last reported, under that epoch.
func (a *actor) list(epoch int64) match.Change {
	p := a.Position
	p.Accuracy, p.Heading, p.Speed = nil, nil, nil
	return match.Change{List: true, Cell: geo.ShardCell(p.Point), Epoch: epoch, Position: p, Heard: a.heard,
		Session: a.ConnectedAt.UnixMilli(), Tags: a.tags}
}

// unlist is the change that takes a member out of the cell so many metres north.
func unlist(meters float64, epoch int64) match.Change {
	return match.Change{Cell: geo.ShardCell(north(meters)), Epoch: epoch}
}

// A term is what a request asks for beyond the nearest within 3 km.
type term func(*match.Opening)

func atOnce(o *match.Opening)            { o.Wait, o.Patience = false, time.Second }
func within(patience time.Duration) term { return func(o *match.Opening) { o.Patience = patience } }
func around(meters float64) term         { return func(o *match.Opening) { p := north(meters); o.Point = &p } }
func wanting(tags ...string) term        { return func(o *match.Opening) { o.Tags = tags } }
func searching(q match.Query) term       { return func(o *match.Opening) { o.Search = &q } }

// begin opens a request that may wait for a minute, and a search for it.
func (a *actor) begin(id, search string, more ...term) match.Answer {
	a.t.Helper()
	answer, _ := a.beginning(id, search, more...)
	return answer
}

func (a *actor) beginning(id, search string, more ...term) (match.Answer, []match.Hits) {
	a.t.Helper()
	o := match.Opening{ID: id, Match: search, Radius: 3000, Patience: time.Minute, Wait: true}
	for _, want := range more {
		want(&o)
	}
	answer, hits, err := a.store.Begin(a.t.Context(), a.Session, o)
	a.must(err)
	if answer.Status == match.StatusOK {
		a.asked = match.Request{ID: id, Point: a.Point, Radius: o.Radius, Tags: append([]string{}, o.Tags...), Created: a.now,
			Deadline: a.now + o.Patience.Milliseconds(), Wait: o.Wait}
		if o.Point != nil {
			a.asked.Point = *o.Point
		}
	}
	return answer, hits
}

// await is a request that waits, having found nobody.
func (a *actor) await(id string, more ...term) {
	a.t.Helper()
	a.says(a.begin(id, "search-of-"+id, more...), match.StatusOK)
	a.says(a.fall("search-of-"+id, true), match.StatusWaiting)
}

func (a *actor) lease(search string) match.Answer {
	a.t.Helper()
	answer, err := a.store.Lease(a.t.Context(), a.Member, search)
	a.must(err)
	return answer
}

func (a *actor) fall(search string, wait bool) match.Answer {
	a.t.Helper()
	answer, err := a.store.Fall(a.t.Context(), a.Member, search, wait)
	a.must(err)
	return answer
}

func (a *actor) cancel() match.Answer {
	a.t.Helper()
	answer, err := a.store.Cancel(a.t.Context(), a.Session)
	a.must(err)
	return answer
}

// claim takes a candidate as it last reported.
func (a *actor) claim(search string, b *actor, tags ...string) match.Answer {
	a.t.Helper()
	answer, err := a.store.Claim(a.t.Context(), a.Member, search, tags, match.Candidate{Member: b.Member, Position: b.Position})
	a.must(err)
	return answer
}

func (a *actor) commit(search string, b *actor) match.Answer {
	a.t.Helper()
	answer, err := a.store.Commit(a.t.Context(), a.Member, search, b.Member)
	a.must(err)
	return answer
}

func (a *actor) confirm(search string, b *actor) match.Answer {
	a.t.Helper()
	answer, err := a.store.Confirm(a.t.Context(), a.Member, search, b.Member)
	a.must(err)
	return answer
}

func (a *actor) release(search string, b *actor, reason string) match.Answer {
	a.t.Helper()
	answer, err := a.store.Release(a.t.Context(), a.Member, search, b.Member, reason)
	a.must(err)
	return answer
}

func (a *actor) finish(search string, b *actor, reason string) match.Answer {
	a.t.Helper()
	answer, err := a.store.Finish(a.t.Context(), a.Member, search, b.Member, reason)
	a.must(err)
	return answer
}

func (a *actor) watch(search string, b *actor) match.Answer {
	a.t.Helper()
	answer, err := a.store.Watch(a.t.Context(), a.Member, search, b.Member)
	a.must(err)
	return answer
}

func (a *actor) told(search string, state match.State) {
	a.t.Helper()
	a.must(a.store.Told(a.t.Context(), a.Member, search, state))
}

// commits is a match as far as the routing table knows: the claim is not confirmed.
func (a *actor) commits(id, search string, b *actor, more ...term) {
	a.t.Helper()
	a.says(a.begin(id, search, more...), match.StatusOK)
	a.says(a.claim(search, b), match.StatusYours)
	a.says(a.commit(search, b), match.StatusYours)
}

// meets is a whole match, the index put right by it.
func (a *actor) meets(id, search string, b *actor, more ...term) {
	a.t.Helper()
	a.says(a.begin(id, search, more...), match.StatusOK)
	a.says(a.claim(search, b), match.StatusYours)
	committed := a.commit(search, b)
	a.says(committed, match.StatusYours)
	confirmed := a.confirm(search, b)
	a.says(confirmed, match.StatusYours)
	a.apply(committed.Changes...)
	b.apply(confirmed.Changes...)
}
