package match_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/match"
	"waggle/internal/pool"
	"waggle/internal/protocol"
)

func TestARequestIsOpenedAsTheMessageSays(t *testing.T) {
	narrow, err := pool.Parse([]byte(`{"pools":{"default":{"maxRadius":2000}}}`))
	if err != nil {
		t.Fatal(err)
	}
	at := origin()
	whole := &protocol.Match{ID: "m1", Radius: 500, Point: &protocol.Point{Lat: at.Lat, Lng: at.Lng}, Tags: []string{"tall"}, Wait: 30.5}
	for name, test := range map[string]struct {
		pools pool.Pools
		q     *protocol.Match
		want  match.NewRequest
	}{
		"no fields: the defaults": {pool.Pools{}, &protocol.Match{}, match.NewRequest{Match: "1", Radius: 3000, Open: time.Second}},
		"all fields": {pool.Pools{}, whole, match.NewRequest{ID: "m1", Match: "1", Point: &at, Radius: 500, Tags: []string{"tall"},
			Open: 30500 * time.Millisecond, Wait: true}},
		"a widening": {pool.Pools{}, &protocol.Match{Radius: 500, Wait: 60, WidenTo: 500, WidenSeconds: 0.5}, match.NewRequest{Match: "1", Radius: 500,
			Widening: match.Widening{From: 500, To: 500, Over: 500 * time.Millisecond}, Open: time.Minute, Wait: true}},
		"a widening to the largest radius of the pool": {narrow, &protocol.Match{Wait: 60, WidenTo: 2000, WidenSeconds: 30}, match.NewRequest{Match: "1", Radius: 2000,
			Widening: match.Widening{From: 2000, To: 2000, Over: 30 * time.Second}, Open: time.Minute, Wait: true}},
		"a short wait: open for at least a second":         {pool.Pools{}, &protocol.Match{Wait: 0.5}, match.NewRequest{Match: "1", Radius: 3000, Open: time.Second, Wait: true}},
		"the largest radius":                               {pool.Pools{}, &protocol.Match{Radius: 20_000}, match.NewRequest{Match: "1", Radius: 20_000, Open: time.Second}},
		"no radius in a pool with a smaller maximum: that": {narrow, &protocol.Match{}, match.NewRequest{Match: "1", Radius: 2000, Open: time.Second}},
		"the largest radius of that pool":                  {narrow, &protocol.Match{Radius: 2000}, match.NewRequest{Match: "1", Radius: 2000, Open: time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, expect("begin ana1 1", match.StatusNoLocation))
			s.Pools = test.pools
			s.checkError(s.Match(t.Context(), session("ana"), test.q),
				&match.Fault{Kind: match.Conflict, Text: "report your location first, or give lat and lng"})
			if diff := cmp.Diff(test.want, s.begun); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}

	s := scripted(t)
	s.checkError(s.Match(t.Context(), session("ana"), &protocol.Match{Radius: 20_000.1}),
		&match.Fault{Kind: match.Invalid, Text: "radius must be 100 to 20000 metres in this pool"})
	s.checkError(s.Match(t.Context(), session("ana"), &protocol.Match{Wait: 1, WidenTo: 20_000.1, WidenSeconds: 1}),
		&match.Fault{Kind: match.Invalid, Text: "widenTo must be 100 to 20000 metres in this pool"})
	s.checkError(s.Match(t.Context(), session("ana"), &protocol.Match{Wait: 1, WidenTo: 2999.5, WidenSeconds: 1}),
		&match.Fault{Kind: match.Invalid, Text: "widenTo must be at least the radius, which is 3000 metres"})
	matchee := session("ana")
	matchee.Matcher = false
	s.checkError(s.Match(t.Context(), matchee, &protocol.Match{}),
		&match.Fault{Kind: match.Forbidden, Text: "the token does not give the role matcher"})
}

// underWay is the result of Begin for a member whose other request is in that state.
func underWay(state match.State, r match.Request) result {
	return result{Status: match.Status(state), Route: &match.Route{State: state, Request: r}}
}

// undecided is the error of a match message that waited a second for another request.
func undecided() error {
	return &match.Fault{Kind: match.Conflict, Text: "another request of yours is being decided: ask again in a second", Retryable: true}
}

// sendMatch sends ana's match message n1.
func sendMatch(t *testing.T, want error, steps ...script) {
	t.Helper()
	s := scripted(t, steps...)
	s.checkError(s.Match(t.Context(), session("ana"), &protocol.Match{ID: "n1"}), want)
}

func TestEachStatusOfBeginHasItsReply(t *testing.T) {
	const waiting = `push ana1 {"type":"waiting","id":"n1","request":"m1","expiresAt":30001}`
	requestWith := func(wait, registered bool) match.Request {
		r := waitingRequest()
		r.Wait, r.Registered = wait, registered
		return r
	}
	begin := func(outcome ...any) script { return expect("begin ana1 1", outcome...) }
	ended := func(notified bool) result {
		r := withRequest(match.StatusOK, request())
		r.Unfinished = route(match.Ended, notified)
		return r
	}
	opened := join(expect("search for ana", hits()), nobodyFound())
	for name, test := range map[string]struct {
		steps script
		want  error
	}{
		"an end of which both were notified: opened":         {join(begin(ended(true)), opened), nil},
		"a half-done end: it is finished, then opened":       {join(begin(ended(false)), finishMatch("completed"), opened), nil},
		"a half-done end that cannot be finished: the error": {join(begin(ended(false)), expect("finish ana x ben completed", err1), retracted("ana")), err1},
		"a waiting request, registered: waiting":             {join(begin(underWay(match.Waiting, requestWith(true, true))), expect(waiting)), nil},
		"a waiting request, not registered: waiting, and it is registered": {join(begin(underWay(match.Waiting, requestWith(true, false))), expect(waiting),
			expect("register ana m1", hits()), expect("registered ana m1", true)), nil},
		"a searching request that may wait: waiting": {join(begin(underWay(match.Searching, requestWith(true, false))), expect(waiting)), nil},
		"too far: forbidden": {begin(match.StatusTooFar),
			&match.Fault{Kind: match.Forbidden, Text: "lat and lng must be within 20 km of your own last location in this pool"}},
		"too many requests: rate limited": {begin(limited(match.LimitRequests)),
			&match.Fault{Kind: match.RateLimited, RetryAfter: time.Second, Text: "at most 10 requests a minute and 30 matches an hour in this pool"}},
		"too many matches ended early: rate limited": {begin(limited(match.LimitHarvest)), &match.Fault{Kind: match.RateLimited, RetryAfter: time.Second,
			Text: "at most 20 matches an hour may end within 60 seconds of their start in this pool, 10 of them at once"}},
		"a newer connection: replaced":                        {begin(match.StatusReplaced), replaced()},
		"a searching request, and the pause fails: the error": {join(begin(underWay(match.Searching, requestWith(false, false))), expect("sleep 60ms", err1)), err1},
	} {
		t.Run(name, func(t *testing.T) { sendMatch(t, test.want, test.steps) })
	}
}

func TestWhereRemoteRequestsAreRefusedARequestIsToldWhichReportItNeeds(t *testing.T) {
	s := scripted(t, expect("begin ana1 1", match.StatusNoLocation))
	var err error
	if s.Pools, err = pool.Parse([]byte(`{"pools":{"default":{"remoteRequests":false,"locationTTL":20}}}`)); err != nil {
		t.Fatal(err)
	}
	s.checkError(s.Match(t.Context(), session("ana"), &protocol.Match{Point: &protocol.Point{}}), &match.Fault{Kind: match.Conflict,
		Text: "report your location first: in this pool a request needs a report of the last 20 seconds, with lat and lng too"})
}

func TestAMatchMessageWaitsASecondForAnUndecidedRequest(t *testing.T) {
	const rest = 940 * time.Millisecond
	search, another := underWay(match.Searching, request()), result{Status: match.StatusOther}
	between := underWay(match.Waiting, request())
	sendMatch(t, nil, expect("begin ana1 1", search), expect("sleep 60ms"), expect("begin ana1 2", between), expect("sleep 60ms"),
		expect("begin ana1 3", another), expect("sleep 60ms"), expect("begin ana1 4", result{Status: match.StatusRepeat, Outcome: match.Outcome{Kind: "no_match", Radius: 500}}),
		expect(`push ana1 {"type":"no_match","id":"n1","radius":500}`))
	sendMatch(t, undecided(), expect("begin ana1 1", search), expect("sleep 60ms", rest), expect("begin ana1 2", search))
	sendMatch(t, undecided(), expect("begin ana1 1", search), expect("sleep 60ms", rest-time.Millisecond), expect("begin ana1 2", search),
		expect("sleep 60ms"), expect("begin ana1 3", search))
}

// replyAsMatcher replies to ana's message n1 with the match x, whose matchee is ben.
func replyAsMatcher() script {
	return join(expect("read ana1", snapshot(nil, route(match.Active, true))), expect("read ben", snapshot(claim(9000, true), nil)),
		expect("watch ana x ben", match.StatusActive),
		expect(`push ana1 {"type":"matched","id":"n1","request":"m1","match":"x","role":"matcher","peer":{"lat":37.776,"lng":-122.42,"at":5,"distance":111.2},"report":{"afterSeconds":20,"moveMeters":1000}}`))
}

// replyAsMatchee replies to it with the match x, whose matcher is ben.
func replyAsMatchee() script {
	return join(expect("read ana1", claimedByBen(true)), expect("read ben", bensRoute()), expect("watch ben x ana", match.StatusActive),
		expect(`push ana1 {"type":"matched","id":"n1","match":"x","role":"matchee","peer":{"lat":37.775,"lng":-122.42,"at":1,"distance":111.2},"report":{"afterSeconds":3,"moveMeters":15}}`))
}

// claimedByBen is the snapshot of ana, whom ben has claimed for the match x.
func claimedByBen(confirmed bool) result {
	return snapshot(&match.Claim{Matcher: member("ben"), Match: "x", At: cacheTime - 1000, Confirmed: confirmed}, nil)
}

// bensRoute is the snapshot of ben, the matcher of x.
func bensRoute() result {
	return snapshot(nil, &match.Route{State: match.Active, Match: "x", Matchee: member("ana"), Notified: true, Request: request()})
}

// The reply waits until the match is confirmed, so that it cannot change.
func TestAMemberInAMatchGetsThatMatch(t *testing.T) {
	begin := func(id string, status match.Status, r result) script {
		return expect("begin ana1 "+id, result{Status: status, Claim: r.Claim, Route: r.Route, Outcome: r.Outcome})
	}
	active := snapshot(nil, route(match.Active, true))
	otherRoute, otherClaim := snapshot(nil, route(match.Active, true)), claimedByBen(true)
	otherRoute.Route.Match, otherClaim.Claim.Match = "y", "y"
	matched := func(m string) result {
		return result{Outcome: match.Outcome{Kind: "matched", Match: m}}
	}
	pause, none := expect("sleep 60ms"), expect("read ana1", snapshot(nil, nil))
	matcherOnly := replyAsMatcher()[:3]
	matcheeOnly := replyAsMatchee()[:3]
	for name, test := range map[string]struct {
		steps script
		want  error
	}{
		"an active route: matched":                                          {join(begin("1", match.StatusActive, active), replyAsMatcher()), nil},
		"an active route that is over: begun again":                         {join(begin("1", match.StatusActive, active), none, pause, begin("2", match.StatusNoLocation, active)), noLocation()},
		"an active route that is another by now: begun again":               {join(begin("1", match.StatusActive, otherRoute), matcherOnly, pause, begin("2", match.StatusActive, active), replyAsMatcher()), nil},
		"an active route that cannot be read: the error":                    {join(begin("1", match.StatusActive, active), expect("read ana1", err1)), err1},
		"a confirmed claim: matched":                                        {join(begin("1", match.StatusClaimed, claimedByBen(true)), replyAsMatchee()), nil},
		"a confirmed claim that is released: begun again":                   {join(begin("1", match.StatusClaimed, claimedByBen(true)), none, pause, begin("2", match.StatusNoLocation, active)), noLocation()},
		"a confirmed claim for another match: begun again":                  {join(begin("1", match.StatusClaimed, otherClaim), matcheeOnly, pause, begin("2", match.StatusNoLocation, active)), noLocation()},
		"a confirmed claim that cannot be read: the error":                  {join(begin("1", match.StatusClaimed, claimedByBen(true)), expect("read ana1", err1)), err1},
		"a repeated id that was matched: matched":                           {join(begin("1", match.StatusRepeat, matched("x")), replyAsMatcher()), nil},
		"a repeated id of an earlier match: begun again":                    {join(begin("1", match.StatusRepeat, matched("y")), matcherOnly, pause, begin("2", match.StatusNoLocation, active)), noLocation()},
		"a repeated id whose match cannot be read: the error":               {join(begin("1", match.StatusRepeat, matched("x")), expect("read ana1", err1)), err1},
		"a claim that is confirmed meanwhile: begun again at once, matched": {join(begin("1", match.StatusClaimed, claimedByBen(false)), matcheeOnly, begin("2", match.StatusRepeat, matched("x")), replyAsMatchee()), nil},
		"a claim that is released meanwhile: begun again":                   {join(begin("1", match.StatusClaimed, claimedByBen(false)), none, pause, begin("2", match.StatusNoLocation, active)), noLocation()},
		"an unconfirmed claim that cannot be read: the error":               {join(begin("1", match.StatusClaimed, claimedByBen(false)), expect("read ana1", err1)), err1},
	} {
		t.Run(name, func(t *testing.T) { sendMatch(t, test.want, test.steps) })
	}
}

func TestARepeatOfTheRequestUnderWayNamesNoOther(t *testing.T) {
	r := waitingRequest()
	r.Wait, r.Registered = true, true
	for _, steps := range []script{
		join(expect("begin ana1 1", underWay(match.Waiting, r)), expect(`push ana1 {"type":"waiting","id":"m1","expiresAt":30001}`)),
		join(expect("begin ana1 1", result{Status: match.StatusRepeat, Outcome: match.Outcome{Kind: "matched", Match: "x"}}),
			expect("read ana1", snapshot(nil, route(match.Active, true))), expect("read ben", snapshot(claim(9000, true), nil)),
			expect("watch ana x ben", match.StatusActive),
			expect(`push ana1 {"type":"matched","id":"m1","match":"x","role":"matcher","peer":{"lat":37.776,"lng":-122.42,"at":5,"distance":111.2},"report":{"afterSeconds":20,"moveMeters":1000}}`)),
	} {
		s := scripted(t, steps)
		s.checkError(s.Match(t.Context(), session("ana"), &protocol.Match{ID: "m1"}), nil)
	}
}

func TestARepeatedMatchMessageGetsTheSameOutcome(t *testing.T) {
	repeat := func(o match.Outcome) script {
		return expect("begin ana1 1", result{Status: match.StatusRepeat, Outcome: o})
	}
	sendMatch(t, nil, repeat(match.Outcome{Kind: "ended", Match: "x", Reason: "left"}), expect(`push ana1 {"type":"ended","id":"n1","match":"x","reason":"left"}`))
	sendMatch(t, nil, repeat(match.Outcome{Kind: "cancelled"}), expect(`push ana1 {"type":"ended","id":"n1","reason":"cancelled"}`))
	sendMatch(t, nil, repeat(match.Outcome{Kind: "no_match", Radius: 500}), expect(`push ana1 {"type":"no_match","id":"n1","radius":500}`))
	sendMatch(t, noLocation(), repeat(match.Outcome{Kind: "open"}), expect("sleep 60ms"), expect("begin ana1 2", match.StatusNoLocation))
}

// The first begin may still arrive, so the second has another id.
func TestALostBeginIsRepeatedUnderAnotherID(t *testing.T) {
	opened := withRequest(match.StatusOK, request())
	searching := func(id string) result {
		r := underWay(match.Searching, request())
		r.Route.Match = id
		return r
	}
	other := result{Status: match.StatusNoLocation, Route: &match.Route{Match: "1"}}
	lost := expect("begin ana1 1", opened, err1)
	sendMatch(t, nil, lost, expect("begin ana1 2", opened), expect("search for ana", hits()), expect("give_up ana 2", match.StatusOther), expect("apply ana"))
	sendMatch(t, nil, lost, expect("begin ana1 2", searching("1")), expect("search for ana", hits()), expect("give_up ana 1", match.StatusOther), expect("apply ana"))
	sendMatch(t, noLocation(), lost, expect("begin ana1 2", searching("3")), expect("sleep 60ms"), expect("begin ana1 3", match.StatusNoLocation))
	sendMatch(t, noLocation(), lost, expect("begin ana1 2", other))
	sendMatch(t, err2, lost, expect("begin ana1 2", searching("1"), err2))
	notDone := fmt.Errorf("full: %w", match.ErrNotDone)
	sendMatch(t, notDone, expect("begin ana1 1", opened, notDone))
	sendMatch(t, replaced(), expect("begin ana1 1", match.StatusReplaced))
	sendMatch(t, context.Canceled, expect("begin ana1 1", opened, context.Canceled)) // this step was not done, so it is not repeated

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := scripted(t, lost)
	s.checkError(s.Match(ctx, session("ana"), &protocol.Match{ID: "n1"}), err1)
}

func TestCancelWithdrawsTheRequest(t *testing.T) {
	cancelled := withRequest(match.StatusCancelled, waitingRequest())
	cancelled.Changes = []match.Change{{List: true, Epoch: 7}}
	atOnce := cancelled
	atOnce.Request = &match.Request{ID: "m1", Created: 1}
	repeated := result{Status: match.StatusCancelled, Request: &match.Request{ID: "m1", Wait: true}}
	pushed := expect(`push ana1 {"type":"ended","id":"c","reason":"cancelled"}`)
	for name, test := range map[string]struct {
		id    string
		steps script
		want  error
	}{
		"a waiting request: it is withdrawn": {"c", join(expect("cancel ana1", cancelled), pushed, expect("withdraw ana m1"), expect("apply ana +7")), nil},
		"no id: the reply has the request's": {"", join(expect("cancel ana1", cancelled),
			expect(`push ana1 {"type":"ended","id":"m1","reason":"cancelled"}`), expect("withdraw ana m1"), expect("apply ana +7")), nil},
		"a request that does not wait: there is nothing to withdraw": {"c", join(expect("cancel ana1", atOnce), pushed, expect("apply ana +7")), nil},
		"repeated: the same reply":                                   {"c", join(expect("cancel ana1", repeated), pushed, expect("apply ana")), nil},
		"the withdrawal and the listing fail: logged, and the error": {"c", join(expect("cancel ana1", cancelled), pushed, expect("withdraw ana m1", err1),
			expect("log withdraw a request: error 1"), expect("apply ana +7", err2)), err2},
		"the request was matched: conflict": {"c", expect("cancel ana1", match.StatusActive), &match.Fault{Kind: match.Conflict, Text: "the request has led to a match: end that"}},
		"the request was matched, and the match was lost: conflict, then the end": {"c", join(
			expect("cancel ana1", result{Status: match.StatusActive, Route: route(match.Active, false)}), expect("read ben", match.StatusOK), finishMatch("lost")),
			&match.Fault{Kind: match.Conflict, Text: "the request has led to a match: end that"}},
		"no request: not found":         {"c", expect("cancel ana1", match.StatusOther), &match.Fault{Kind: match.NotFound, Text: "there is no request under way"}},
		"the cancel fails: the error":   {"c", expect("cancel ana1", cancelled, err1), err1},
		"an older connection: replaced": {"c", expect("cancel ana1", match.StatusReplaced), replaced()},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, test.steps)
			s.checkError(s.Cancel(t.Context(), session("ana"), &protocol.Cancel{ID: test.id}), test.want)
		})
	}
	s := scripted(t, expect("cancel r1 ana1", repeated), pushed, expect("apply ana"))
	s.checkError(s.Cancel(t.Context(), session("ana"), &protocol.Cancel{ID: "c", Request: "r1"}), nil)
}
