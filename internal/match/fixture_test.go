package match_test

import (
	"math"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/protocol"
)

// cacheTime is the cache's time in the scripts, epoch ms.
const cacheTime = 50_000

// origin is the place of the scripted tests, near the middle of a shard cell.
func origin() geo.Point { return geo.Point{Lat: 37.775, Lng: -122.42} }

// north is a position so many times 111 m north of the origin, reported at that time.
func north(times float64, at int64) match.Position {
	return match.Position{Point: geo.Point{Lat: (37_775 + times) / 1000, Lng: origin().Lng}, At: at}
}

func member(name string) match.Member { return match.Member{Pool: "default", ID: name} }

// session is the session of ana on her connection ana1, and likewise of others.
func session(name string) match.Session {
	return match.Session{Member: member(name), Connection: name + "1", Expires: time.UnixMilli(7_200_000), Matcher: true, Matchee: true}
}

// candidate is a member at north(times), reported at the time 5.
func candidate(name string, times float64) match.Candidate {
	c := match.Candidate{Member: member(name), Position: north(times, 5)}
	c.Distance = geo.Distance(origin(), c.Point)
	return c
}

// hits are the candidates of one cell.
func hits(found ...match.Candidate) []match.Hits {
	return []match.Hits{{Candidates: found, Horizon: math.Inf(1)}}
}

// request is the request of a message m1 that does not wait.
func request() match.Request {
	return match.Request{ID: "m1", Point: origin(), Radius: 500, Created: 1, Deadline: 1001}
}

// waitingRequest is the request of a message m1 that waits.
func waitingRequest() match.Request {
	r := request()
	r.Wait, r.Deadline = true, 30_001
	return r
}

// requestOf is a member's waiting request, as a cell returns it.
func requestOf(owner string, created int64, distance float64) match.WaitingRequest {
	r := waitingRequest()
	r.Created = created
	return match.WaitingRequest{Owner: member(owner), Request: r, Distance: distance}
}

// claim is ana's claim on ben for the match x, so many milliseconds old.
func claim(age int64, confirmed bool) *match.Claim {
	return &match.Claim{Matcher: member("ana"), Match: "x", At: cacheTime - age, Confirmed: confirmed}
}

// route is ana's route, which has the match x with ben.
func route(state match.State, notified bool) *match.Route {
	return &match.Route{State: state, Match: "x", Matchee: member("ben"), Notified: notified, Request: request(), Reason: "completed"}
}

// snapshot is the result of reading a member with that claim and that route. A member
// with a claim has a position.
func snapshot(c *match.Claim, r *match.Route) result {
	s := result{Status: match.StatusOK, Now: cacheTime, Claim: c, Route: r}
	if c != nil {
		at, accuracy, heading, speed := north(1, 5), 3.0, 90.0, 1.5
		at.Seq, at.Accuracy, at.Heading, at.Speed = 2, &accuracy, &heading, &speed
		s.Position = &at
	}
	return s
}

// withRequest is a result with that status and that request.
func withRequest(status match.Status, r match.Request) result {
	return result{Status: status, Request: &r}
}

// matchMessage is the message of request.
func matchMessage() *protocol.Match {
	return &protocol.Match{ID: "m1", Radius: 500, Point: &protocol.Point{Lat: origin().Lat, Lng: origin().Lng}}
}

// beginFinds begins ana's request, which does not wait, and returns these candidates.
func beginFinds(found ...match.Candidate) script {
	return join(expect("begin ana1 1", withRequest(match.StatusOK, request())), expect("search for ana", hits(found...)))
}

// nobodyFound ends the attempt of that request.
func nobodyFound() script {
	return join(expect("give_up ana 1", match.StatusOther), expect("apply ana"))
}

// retracted takes back a member's request after its message has failed.
func retracted(owner string) script {
	return join(expect("retract "+owner+" 1"), expect("apply "+owner))
}

// connect connects and lists a member. These requests wait for it.
func connect(name string, waiting ...match.WaitingRequest) script {
	return join(expect("connect "+name+"1", match.StatusOK), expect("apply "+name, waiting))
}

// attempt begins an attempt for a waiting request. The search returns these.
func attempt(owner, id string, found ...match.Candidate) script {
	return join(expect("lease "+owner+" "+id, withRequest(match.StatusOK, waitingRequest())), expect("search for "+owner, hits(found...)))
}

// giveUp ends an attempt that found nobody, and lists the owner. These requests wait for it.
func giveUp(owner, id string, waiting ...match.WaitingRequest) script {
	return join(expect("give_up "+owner+" "+id+" wait", withRequest(match.StatusWaiting, waitingRequest())), expect("apply "+owner, waiting))
}

// giveUpMissed is giveUp after a search that may have missed a member.
func giveUpMissed(owner, id string, waiting ...match.WaitingRequest) script {
	steps := giveUp(owner, id, waiting...)
	steps[0].result.Missed = true
	return steps
}

// claimAndMatch claims a candidate and makes the match.
func claimAndMatch(matcher, id, matchee string) script {
	return join(expect("claim "+matcher+" "+id+" "+matchee+" 5", match.StatusYours), makeMatch(matcher, id, matchee))
}

// makeMatch makes a claim a match. Neither member is connected, so nothing is pushed.
func makeMatch(matcher, id, matchee string) script {
	return join(commitAndConfirm(matcher, id, matchee), expect("apply "+matcher), meanwhile("apply "+matchee),
		expect("notified "+matcher+" "+id+" active"))
}

// commitAndConfirm makes a claim a match of which nobody is notified yet.
func commitAndConfirm(matcher, id, matchee string) script {
	at := north(1, 5)
	return join(expect("commit "+matcher+" "+id+" "+matchee, withRequest(match.StatusYours, request())),
		expect("confirm "+matcher+" "+id+" "+matchee, result{Status: match.StatusYours, Position: &at}))
}

// releaseClaim releases the claim on ben, for that reason.
func releaseClaim(reason string) script {
	return join(expect("release ana x ben "+reason, match.StatusReleased), expect("apply ben"))
}

// finishMatch finishes ana's match x, of which neither member has to be notified.
func finishMatch(reason string) script {
	return join(expect("finish ana x ben "+reason, match.StatusAlreadyEnded), expect("release ana x ben", match.StatusOther),
		expect("apply ana"), meanwhile("apply ben"))
}

// replaced is the error of a connection that is not the newest.
func replaced() error {
	return &match.Fault{Kind: match.Replaced, Text: "a newer connection of this member has taken over"}
}

// noMatch is the error of a member who is in no match.
func noMatch() error { return &match.Fault{Kind: match.NotFound, Text: "there is no match under way"} }

// noLocation is the error of a request without a point, of a member without a location.
func noLocation() error {
	return &match.Fault{Kind: match.Conflict, Text: "report your location first, or give lat and lng"}
}
