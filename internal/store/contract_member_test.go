package store_test

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/protocol"
)

// A member is one connection of a member of the fixture's pool, with what it last sent.
type member struct {
	*fixture
	match.Session
	match.Position       // of its last report that was taken
	heard          int64 // when that was, epoch ms
	tags           string
	asked          match.Request // its last request
}

// newMember is a member that is not connected yet. It has both roles.
func (f *fixture) newMember(name string) *member {
	return &member{fixture: f, Session: match.Session{Member: match.Member{Pool: f.pool, ID: name}, Connection: name + "-c",
		ConnectedAt: time.UnixMilli(f.now), Matcher: true, Matchee: true}}
}

// connected is a member that is connected.
func (f *fixture) connected(name string) *member {
	f.t.Helper()
	a := f.newMember(name)
	f.says(a.connect(), match.StatusOK)
	return a
}

// listed is a member that is connected, and listed so many metres north.
func (f *fixture) listed(name string, meters float64, options ...reportOption) *member {
	f.t.Helper()
	a := f.connected(name)
	a.moveTo(meters, options...)
	return a
}

// nextSession is a newer connection of the same member, which the store does not know yet.
func (a *member) nextSession() *member {
	next := *a
	next.Connection += "+"
	next.ConnectedAt = a.ConnectedAt.Add(time.Millisecond)
	return &next
}

// done returns the result of a step that must succeed.
func done[R any](a *member, result R, err error) R {
	a.t.Helper()
	a.must(err)
	return result
}

func (a *member) connect() match.Connected {
	a.t.Helper()
	result, err := a.store.Connect(a.t.Context(), a.Session, false)
	return done(a, result, err)
}

func (a *member) disconnect(age time.Duration) match.Disconnected {
	a.t.Helper()
	result, err := a.store.Disconnect(a.t.Context(), a.Member, a.Connection, age)
	return done(a, result, err)
}

// leave disconnects the member and takes it out of the index.
func (a *member) leave() {
	a.t.Helper()
	left := a.disconnect(0)
	a.says(left, match.StatusOK)
	a.apply(left.Changes...)
}

// read is a reading by the member itself, a sign of life.
func (a *member) read() match.Snapshot {
	a.t.Helper()
	result, err := a.store.Read(a.t.Context(), a.Member, &a.Session, false)
	return done(a, result, err)
}

// nearby is a question of the member how many members are near.
func (a *member) nearby() match.Nearby {
	a.t.Helper()
	result, err := a.store.Nearby(a.t.Context(), a.Session)
	return done(a, result, err)
}

// snapshot is a reading by another member.
func (a *member) snapshot() match.Snapshot {
	a.t.Helper()
	result, err := a.store.Read(a.t.Context(), a.Member, nil, false)
	return done(a, result, err)
}

// described is what a back end may know of the member.
func (a *member) described() match.Description {
	a.t.Helper()
	result, err := a.store.Describe(a.t.Context(), a.Member)
	return done(a, result, err)
}

// A reportOption sets a field of a report.
type reportOption func(*match.Report)

func at(ms int64) reportOption       { return func(r *match.Report) { r.At = ms } }
func seq(n int64) reportOption       { return func(r *match.Report) { r.Seq = n } }
func arriving(ms int64) reportOption { return func(r *match.Report) { r.Arrival = time.UnixMilli(ms) } }
func available(is bool) reportOption { return func(r *match.Report) { r.Available = &is } }
func tagged(tags ...string) reportOption {
	return func(r *match.Report) { r.Tags = &tags }
}

// report reports that the member is so many metres north. Without options it is newer
// than the report before: the clock may stand still, so seq goes up.
func (a *member) report(meters float64, options ...reportOption) match.Reported {
	a.t.Helper()
	r := match.Report{Position: match.Position{Point: north(meters), Seq: a.Seq + 1}, Arrival: time.UnixMilli(a.now)}
	for _, set := range options {
		set(&r)
	}
	reported, err := a.store.Report(a.t.Context(), a.Session, r)
	a.must(err)
	if reported.Status == match.StatusOK && reported.NotTaken == "" {
		a.Position, a.heard = r.Position, a.now
		a.At = reported.At
		if r.Tags != nil {
			a.tags = strings.Join(*r.Tags, " ")
		}
		if reported.Mark != "" {
			a.told(reported.Mark)
		}
	}
	return reported
}

// moveTo makes a report, which must be taken, and changes the index accordingly.
func (a *member) moveTo(meters float64, options ...reportOption) {
	a.t.Helper()
	reported := a.report(meters, options...)
	a.says(reported, match.StatusOK)
	a.apply(reported.Changes...)
}

// relist returns the changes that list the member anew.
func (a *member) relist() []match.Change {
	a.t.Helper()
	result, err := a.store.Read(a.t.Context(), a.Member, nil, true)
	return done(a, result, err).Changes
}

// apply changes the index.
func (a *member) apply(changes ...match.Change) []match.WaitingRequest {
	a.t.Helper()
	waiting, err := a.store.Apply(a.t.Context(), a.Member, changes)
	return done(a, waiting, err)
}

// list is the change that lists the member as it last reported, under that epoch.
func (a *member) list(epoch int64) match.Change {
	p := a.Position
	p.Motion = protocol.Motion{}
	return match.Change{List: true, Cell: geo.ShardCell(p.Point), Epoch: epoch, Position: p, Heard: a.heard,
		Session: a.ConnectedAt.UnixMilli(), Tags: a.tags}
}

// move is the change that a report makes of that listing.
func (a *member) move(epoch int64) match.Change {
	c := a.list(epoch)
	c.Moved = true
	return c
}

// unlist is the change that takes a member out of the cell so many metres north.
func unlist(meters float64, epoch int64) match.Change {
	return match.Change{Cell: geo.ShardCell(north(meters)), Epoch: epoch}
}

// A requestOption sets a field of a request.
type requestOption func(*match.NewRequest)

func atOnce(r *match.NewRequest)            { r.Wait, r.Open = false, time.Second }
func openFor(d time.Duration) requestOption { return func(r *match.NewRequest) { r.Open = d } }
func around(meters float64) requestOption {
	return func(r *match.NewRequest) { p := north(meters); r.Point = &p }
}
func confirmedIn(d time.Duration) requestOption {
	return func(r *match.NewRequest) { r.Confirm = d }
}
func wanting(tags ...string) requestOption    { return func(r *match.NewRequest) { r.Tags = tags } }
func sharing(r *match.NewRequest)             { r.Share = true }
func withRadius(meters float64) requestOption { return func(r *match.NewRequest) { r.Radius = meters } }

// widening lets the circle grow. It follows withRadius.
func widening(to float64, over time.Duration) requestOption {
	return func(r *match.NewRequest) { r.Widening = match.Widening{From: r.Radius, To: to, Over: over} }
}

// begin opens a request that may wait for a minute, and a search for it.
func (a *member) begin(id, search string, options ...requestOption) match.Begun {
	a.t.Helper()
	r := match.NewRequest{ID: id, Match: search, Radius: 3000, Open: time.Minute, Wait: true}
	for _, set := range options {
		set(&r)
	}
	begun, err := a.store.Begin(a.t.Context(), a.Session, r)
	a.must(err)
	if begun.Status == match.StatusOK {
		a.asked = match.Request{ID: id, Point: a.Point, Radius: r.Radius, Widening: r.Widening,
			Tags: append([]string{}, r.Tags...), Created: a.now,
			Deadline: a.now + r.Open.Milliseconds(), Wait: r.Wait, Share: r.Share, Confirm: r.Confirm}
		if r.Point != nil {
			a.asked.Point = *r.Point
		}
	}
	return begun
}

// await makes a request that finds nobody and waits.
func (a *member) await(id string, options ...requestOption) {
	a.t.Helper()
	a.says(a.begin(id, "search-of-"+id, options...), match.StatusOK)
	a.says(a.giveUp("search-of-"+id, true), match.StatusWaiting)
}

func (a *member) lease(search string) match.Leased {
	a.t.Helper()
	result, err := a.store.Lease(a.t.Context(), a.Member, search)
	return done(a, result, err)
}

func (a *member) giveUp(search string, wait bool) match.GivenUp {
	a.t.Helper()
	result, err := a.store.GiveUp(a.t.Context(), a.Member, search, wait)
	return done(a, result, err)
}

func (a *member) cancel() match.Cancelled {
	a.t.Helper()
	return a.cancelRequest("", "")
}

// cancelRequest sends a cancel with this id, which names a request.
func (a *member) cancelRequest(id, request string) match.Cancelled {
	a.t.Helper()
	result, err := a.store.Cancel(a.t.Context(), a.Session, id, request)
	return done(a, result, err)
}

// retract takes back the request that was made at that time.
func (a *member) retract(created int64) []match.Change {
	a.t.Helper()
	changes, err := a.store.Retract(a.t.Context(), a.Member, created)
	return done(a, changes, err)
}

// claim claims a candidate as it last reported.
func (a *member) claim(search string, b *member, tags ...string) match.Claimed {
	a.t.Helper()
	result, err := a.store.Claim(a.t.Context(), a.Member, search, tags, match.Candidate{Member: b.Member, Position: b.Position}, false)
	return done(a, result, err)
}

// claimToOffer claims a member to offer it a match.
func (a *member) claimToOffer(search string, b *member) match.Claimed {
	a.t.Helper()
	result, err := a.store.Claim(a.t.Context(), a.Member, search, nil, match.Candidate{Member: b.Member, Position: b.Position}, true)
	return done(a, result, err)
}

func (a *member) offer(search string, b *member) match.OfferMade {
	a.t.Helper()
	result, err := a.store.Offer(a.t.Context(), a.Member, search, b.Member, 250)
	return done(a, result, err)
}

func (a *member) accept(search string) match.Snapshot {
	a.t.Helper()
	result, err := a.store.Accept(a.t.Context(), a.Session, search)
	return done(a, result, err)
}

func (a *member) decline(search string, b *member) match.Declined {
	a.t.Helper()
	result, err := a.store.Decline(a.t.Context(), a.Member, search, b.Member)
	return done(a, result, err)
}

func (a *member) commit(search string, b *member) match.Committed {
	a.t.Helper()
	result, err := a.store.Commit(a.t.Context(), a.Member, search, b.Member, 100)
	return done(a, result, err)
}

func (a *member) confirm(search string, b *member) match.Confirmed {
	a.t.Helper()
	result, err := a.store.Confirm(a.t.Context(), a.Member, search, b.Member)
	return done(a, result, err)
}

func (a *member) release(search string, b *member, reason string, early ...match.By) match.Released {
	a.t.Helper()
	result, err := a.store.Release(a.t.Context(), a.Member, search, b.Member, reason, append(early, "")[0])
	return done(a, result, err)
}

func (a *member) finish(search string, b *member, reason string, by ...match.By) match.Finished {
	a.t.Helper()
	result, err := a.store.Finish(a.t.Context(), a.Member, search, b.Member, reason, append(by, match.ByNobody)[0])
	return done(a, result, err)
}

// end is a message of the member itself.
func (a *member) end(search, reason string) match.Ending {
	a.t.Helper()
	result, err := a.store.End(a.t.Context(), a.Session, search, reason)
	return done(a, result, err)
}

func (a *member) watch(search string, b *member) match.WatchedRoute {
	a.t.Helper()
	result, err := a.store.Watch(a.t.Context(), a.Member, search, b.Member)
	return done(a, result, err)
}

// skip keeps positions that no push has shown, and shown forgets them.
func (a *member) skip(search string, points ...protocol.Fix) {
	a.t.Helper()
	a.must(a.store.Skip(a.t.Context(), a.Member, search, points))
}

func (a *member) shown(last protocol.Fix) {
	a.t.Helper()
	a.must(a.store.Shown(a.t.Context(), a.Member, last))
}

// told notes that pushes to the member's connection have told it what has these marks.
func (a *member) told(marks ...string) {
	a.t.Helper()
	a.must(a.store.Told(a.t.Context(), []match.Told{{Member: a.Member, Connection: a.Connection, Marks: marks}}))
}

// free notes that both sides of an ended match are free again.
func (a *member) free(search string) {
	a.t.Helper()
	a.must(a.store.Told(a.t.Context(), []match.Told{{Member: a.Member, Free: search}}))
}

// notices are what a member is to be told, each with its request, or else with what it is about.
func notices(all []match.Untold) string {
	var words []string
	for _, u := range all {
		words = append(words, string(u.Notice)+" "+cmp.Or(u.ID, u.Which))
	}
	return strings.Join(words, ", ")
}

// noMatch is the mark of the no_match of the member's last request.
func (a *member) noMatch() string { return match.NoticeNoMatch.Mark(fmt.Sprint(a.asked.Deadline)) }

// advice is the mark of advice that changes now.
func (f *fixture) advice() string { return match.NoticeAdvice.Mark(fmt.Sprint(f.now)) }

// commitWith makes a match whose claim is not confirmed.
func (a *member) commitWith(id, search string, b *member, options ...requestOption) {
	a.t.Helper()
	a.says(a.begin(id, search, options...), match.StatusOK)
	a.says(a.claim(search, b), match.StatusYours)
	a.says(a.commit(search, b), match.StatusYours)
}

// offerTo offers a match that the member has a quarter of a minute to accept.
func (a *member) offerTo(id, search string, b *member, options ...requestOption) {
	a.t.Helper()
	a.says(a.begin(id, search, append([]requestOption{confirmedIn(15 * time.Second)}, options...)...), match.StatusOK)
	a.says(a.claimToOffer(search, b), match.StatusYours)
	a.says(a.offer(search, b), match.StatusYours)
	a.told(match.NoticeOffered.Mark(search))
	b.told(match.NoticeOffered.Mark(search))
}

// matchWith makes a whole match, and changes the index accordingly.
func (a *member) matchWith(id, search string, b *member, options ...requestOption) {
	a.t.Helper()
	a.says(a.begin(id, search, options...), match.StatusOK)
	a.says(a.claim(search, b), match.StatusYours)
	committed := a.commit(search, b)
	a.says(committed, match.StatusYours)
	confirmed := a.confirm(search, b)
	a.says(confirmed, match.StatusYours)
	a.apply(committed.Changes...)
	b.apply(confirmed.Changes...)
	a.told(match.NoticeMatched.Mark(search))
	b.told(match.NoticeMatched.Mark(search))
}
