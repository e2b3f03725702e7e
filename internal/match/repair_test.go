package match_test

import (
	"testing"
	"time"

	"waggle/internal/match"
)

// The replies to locate in the match x: ben gets the request's point, ana gets the position of ben.
const (
	locatedAna = `push ben1 {"type":"location","id":"i","match":"x","lat":37.775,"lng":-122.42,"at":1,"seq":0}`
	locatedBen = `push ana1 {"type":"location","id":"i","match":"x","lat":37.776,"lng":-122.42,"at":5,"seq":2,"accuracy":3,"heading":90,"speed":1.5}`
)

func TestTheMatcheesHalfIsRepairedByTheMatchersRoute(t *testing.T) {
	has := func(state match.State, notified bool) result { return snapshot(nil, route(state, notified)) }
	otherMatch := func(state match.State) result {
		a := has(state, false)
		a.Route.Match = "y"
		return a
	}
	otherMatchee := func(state match.State) result {
		a := has(state, false)
		a.Route.Matchee = member("cyd")
		return a
	}
	none, ended := snapshot(nil, nil), snapshot(nil, nil)
	ended.Ends = []match.End{{Match: "w", Reason: "left"}, {Match: "x", Reason: "cancelled", Early: match.ByMatcher}, {Match: "y", Reason: "completed"}}
	located := join(expect("watch ana x ben", match.StatusActive), expect(locatedAna))
	untold := has(match.Active, true)
	untold.Tell = true
	repaired := join(commitAndConfirm("ana", "x", "ben"), expect("apply ana"), meanwhile("apply ben"), located)
	yours := withRequest(match.StatusYours, request())

	for name, test := range map[string]struct {
		claim *match.Claim
		other result
		steps script
		want  error
	}{
		"the route is active: located":                       {claim(9000, true), has(match.Active, true), located, nil},
		"the matcher was not told: repaired, then located":   {claim(9000, true), untold, repaired, nil},
		"the claim is not confirmed: repaired, then located": {claim(0, false), has(match.Active, true), repaired, nil},
		"the commit fails: the error":                        {claim(0, false), has(match.Active, true), expect("commit ana x ben", yours, err1), err1},
		"the commit is refused: the claim is released": {claim(0, false), has(match.Active, true),
			join(expect("commit ana x ben", withRequest(match.StatusRefused, request())), releaseClaim("lost")), noMatch()},
		"the commit is refused and the release fails: the error": {claim(0, false), has(match.Active, true),
			join(expect("commit ana x ben", match.StatusRefused), expect("release ana x ben lost", err1)), err1},
		"the confirm is refused: no match": {claim(0, false), has(match.Active, true),
			join(expect("commit ana x ben", yours), expect("confirm ana x ben", match.StatusRefused)), noMatch()},
		"the confirm fails: the error": {claim(0, false), has(match.Active, true),
			join(expect("commit ana x ben", yours), expect("confirm ana x ben", snapshot(claim(0, false), nil), err1)), err1},

		"the route is searching: no match yet":                                     {claim(9000, false), has(match.Searching, false), nil, noMatch()},
		"the route is searching for another match: the claim is released":          {claim(9000, false), otherMatch(match.Searching), releaseClaim("lost"), noMatch()},
		"the route has another match: the claim is released":                       {claim(9000, true), otherMatch(match.Active), releaseClaim("lost"), noMatch()},
		"the route has another matchee: the claim is released":                     {claim(9000, true), otherMatchee(match.Active), releaseClaim("lost"), noMatch()},
		"the route is waiting: the claim is released":                              {claim(9000, true), has(match.Waiting, false), releaseClaim("lost"), noMatch()},
		"there is no route: the claim is released":                                 {claim(9000, true), none, releaseClaim("lost"), noMatch()},
		"the matcher's ends have the match: the claim is released for that reason": {claim(9000, true), ended, releaseClaim("cancelled matcher"), noMatch()},
		"the match ended and both were notified: the claim is released":            {claim(9000, true), has(match.Ended, true), releaseClaim("lost"), noMatch()},
		"the end is half done: it is finished":                                     {claim(9000, true), has(match.Ended, false), finishMatch("completed"), noMatch()},
		"another match ended: the claim is released":                               {claim(9000, true), otherMatch(match.Ended), releaseClaim("lost"), noMatch()},
		"a match with another matchee ended: the claim is released":                {claim(9000, true), otherMatchee(match.Ended), releaseClaim("lost"), noMatch()},
		"the release fails: the error":                                             {claim(9000, true), none, expect("release ana x ben lost", err1), err1},
		"the end is half done and cannot be finished: the error":                   {claim(9000, true), has(match.Ended, false), expect("finish ana x ben completed", err1), err1},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, expect("read ben1", snapshot(test.claim, nil)), expect("read ana", test.other), test.steps)
			s.checkError(s.Locate(t.Context(), session("ben"), "i"), test.want)
		})
	}
	s := scripted(t, expect("read ben1", snapshot(claim(9000, true), nil)), expect("read ana", has(match.Active, true), err1))
	s.checkError(s.Locate(t.Context(), session("ben"), "i"), err1)
}

func TestTheMatchersHalfIsRepairedByTheMatcheesClaim(t *testing.T) {
	has := func(change func(*result)) result {
		a := snapshot(claim(9000, true), nil)
		change(&a)
		return a
	}
	claimed, none := snapshot(claim(9000, true), nil), snapshot(nil, nil)
	located := join(expect("watch ana x ben", match.StatusActive), expect(locatedBen))
	repaired := join(commitAndConfirm("ana", "x", "ben"), expect("apply ana"), meanwhile("apply ben"), located)
	for name, test := range map[string]struct {
		notified bool
		other    result
		steps    script
		want     error
	}{
		"the claim is confirmed: located":                        {true, claimed, located, nil},
		"the matchee was not told: repaired, then located":       {true, has(func(a *result) { a.Tell = true }), repaired, nil},
		"the claim is not confirmed: repaired, then located":     {true, snapshot(claim(0, false), nil), repaired, nil},
		"the commit fails: the error":                            {true, snapshot(claim(0, false), nil), expect("commit ana x ben", err1), err1},
		"the commit is refused: the claim is released":           {true, snapshot(claim(0, false), nil), join(expect("commit ana x ben", match.StatusRefused), releaseClaim("lost")), noMatch()},
		"there is no claim: the match ends as lost":              {true, none, finishMatch("lost"), noMatch()},
		"the claim is for another match: the match ends as lost": {true, has(func(a *result) { a.Claim.Match = "y" }), finishMatch("lost"), noMatch()},
		"the claim is another matcher's: the match ends as lost": {true, has(func(a *result) { a.Claim.Matcher = member("cyd") }), finishMatch("lost"), noMatch()},
		"the matchee has no position: the match ends as lost":    {true, has(func(a *result) { a.Position = nil }), finishMatch("lost"), noMatch()},
		"the match cannot be ended: the error":                   {true, none, expect("finish ana x ben lost", err1), err1},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, expect("read ana1", snapshot(nil, route(match.Active, test.notified))), expect("read ben", test.other), test.steps)
			s.checkError(s.Locate(t.Context(), session("ana"), "i"), test.want)
		})
	}
	s := scripted(t, expect("read ana1", snapshot(nil, route(match.Active, true))), expect("read ben", claimed, err1))
	s.checkError(s.Locate(t.Context(), session("ana"), "i"), err1)
}

func TestLocateWithoutAnActiveRouteIsNotFound(t *testing.T) {
	for name, test := range map[string]struct {
		route *match.Route
		steps script
		want  error
	}{
		"no route":                                           {nil, nil, noMatch()},
		"a searching route":                                  {route(match.Searching, false), nil, noMatch()},
		"an end of which both were notified":                 {route(match.Ended, true), nil, noMatch()},
		"a half-done end: it is finished":                    {route(match.Ended, false), finishMatch("completed"), noMatch()},
		"a half-done end that cannot be finished: the error": {route(match.Ended, false), expect("finish ana x ben completed", err1), err1},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, expect("read ana1", snapshot(nil, test.route)), test.steps)
			s.checkError(s.Locate(t.Context(), session("ana"), "i"), test.want)
		})
	}
}

func TestAClaimIsRepairedBeforeTheRoute(t *testing.T) {
	both := snapshot(claim(9000, true), nil)
	both.Route = &match.Route{State: match.Active, Match: "z", Matchee: member("cyd"), Notified: true, Request: request()}
	cyds := snapshot(&match.Claim{Matcher: member("ben"), Match: "z", Confirmed: true}, nil)
	cyds.Position.Accuracy, cyds.Position.Heading, cyds.Position.Speed = nil, nil, nil
	s := scripted(t, expect("read ben1", both), expect("read ana", snapshot(nil, nil)), releaseClaim("lost"),
		expect("read cyd", cyds), expect("watch ben z cyd", match.StatusActive),
		expect(`push ben1 {"type":"location","id":"i","match":"z","lat":37.776,"lng":-122.42,"at":5,"seq":2}`))
	s.checkError(s.Locate(t.Context(), session("ben"), "i"), nil)

	s = scripted(t, expect("read ben1", both), expect("read ana", snapshot(nil, nil), err1))
	s.checkError(s.Locate(t.Context(), session("ben"), "i"), err1)
}

// The reply depends on the route, read last and within 2 s.
func TestThePeerIsLocatedOnlyWhileTheMatchLasts(t *testing.T) {
	watch := func(outcome ...any) script { return expect("watch ana x ben", outcome...) }
	const late = 2001 * time.Millisecond
	for name, test := range map[string]struct {
		steps script
		want  error
	}{
		"the match lasts: located":                          {join(watch(match.StatusActive, 2*time.Second), expect(locatedBen)), nil},
		"the match has ended: not found":                    {watch(match.StatusAlreadyEnded), noMatch()},
		"watch fails: the error":                            {watch(match.StatusActive, err1), err1},
		"two slow replies, then a quick one: located":       {join(watch(match.StatusActive, late), watch(match.StatusActive, late), watch(match.StatusActive), expect(locatedBen)), nil},
		"a slow reply, then the match has ended: not found": {join(watch(match.StatusActive, late), watch(match.StatusAlreadyEnded)), noMatch()},
		"three slow replies: unavailable":                   {join(watch(match.StatusActive, late), watch(match.StatusActive, late), watch(match.StatusActive, late)), match.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, expect("read ana1", snapshot(nil, route(match.Active, true))), expect("read ben", snapshot(claim(9000, true), nil)), test.steps)
			s.checkError(s.Locate(t.Context(), session("ana"), "i"), test.want)
		})
	}
}

func TestAMatchIsNotifiedToBothAndBothAreUnlisted(t *testing.T) {
	const (
		ana       = `push ana1 {"type":"matched","id":"m1","match":"1","role":"matcher","peer":{"lat":37.776,"lng":-122.42,"at":5,"distance":111.2,"card":"B"},"report":{"afterSeconds":20,"moveMeters":1000}}`
		ben       = `push ben1 {"type":"matched","match":"1","role":"matchee","peer":{"lat":37.775,"lng":-122.42,"at":1,"distance":111.2,"card":"A"},"report":{"afterSeconds":3,"moveMeters":15}}`
		benWithID = `push ben1 {"type":"matched","id":"b7","match":"1","role":"matchee","peer":{"lat":37.775,"lng":-122.42,"at":1,"distance":111.2,"card":"A"},"report":{"afterSeconds":3,"moveMeters":15}}`
		late      = 2001 * time.Millisecond
	)
	at := north(1, 5)
	committed := withRequest(match.StatusYours, request())
	committed.Connection, committed.Card, committed.Changes = "ana1", `"A"`, []match.Change{{Epoch: 3}}
	confirmed := result{Status: match.StatusYours, Connection: "ben1", Card: `"B"`, Changes: []match.Change{{Epoch: 4}}, Position: &at}
	committed.Tell, confirmed.Tell = true, true
	matcherTold, matcheeTold := committed, confirmed
	matcherTold.Tell, matcheeTold.Tell = false, false
	told := expect("told ana1 matched 1, ben1 matched 1")
	waits, hadRequest, hasRequest := committed, confirmed, confirmed
	waits.Request = &match.Request{ID: "m1", Point: origin(), Radius: 500, Created: 1, Wait: true}
	hadRequest.Request = &match.Request{ID: "b7"}
	hasRequest.Request = &match.Request{ID: "b7", Point: origin(), Radius: 500, Wait: true}
	unlisted := join(expect("apply ana -3"), meanwhile("apply ben -4"))
	noPosition, refused, noRequest := confirmed, confirmed, committed
	noPosition.Position, refused.Status, noRequest.Request = nil, match.StatusRefused, nil

	for name, test := range map[string]struct {
		commit, confirm result
		takes           time.Duration
		steps           script
	}{
		"confirmed in 2 s: both are notified":                                  {committed, confirmed, 2 * time.Second, join(unlisted, meanwhile(ana), meanwhile(ben), told)},
		"the matcher was told before: the matchee is notified":                 {matcherTold, confirmed, 0, join(unlisted, meanwhile(ben), expect("told ben1 matched 1"))},
		"the matchee was told before: the matcher is notified":                 {committed, matcheeTold, 0, join(unlisted, meanwhile(ana), expect("told ana1 matched 1"))},
		"a push fails: only the other one is noted":                            {committed, confirmed, 0, join(unlisted, meanwhile(ana), meanwhile(ben, err1), meanwhile("log push failed: error 1"), expect("told ana1 matched 1"))},
		"what was told cannot be noted: logged":                                {committed, confirmed, 0, join(unlisted, meanwhile(ana), meanwhile(ben), expect("told ana1 matched 1, ben1 matched 1", err1), expect("log note what was told: error 1"))},
		"confirmed too late: neither is notified":                              {committed, confirmed, late, unlisted},
		"the matcher's request waited: it is withdrawn":                        {waits, confirmed, 0, join(unlisted, meanwhile("withdraw ana m1"), meanwhile(ana), meanwhile(ben), told)},
		"the matchee's request waited: it is withdrawn":                        {committed, hasRequest, 0, join(unlisted, meanwhile("withdraw ben b7"), meanwhile(ana), meanwhile(benWithID), told)},
		"both requests waited and the confirm is late: both are withdrawn":     {waits, hasRequest, late, join(unlisted, meanwhile("withdraw ben b7"), meanwhile("withdraw ana m1"))},
		"the confirm is a repeat: matched has the id of the matchee's request": {committed, hadRequest, 0, join(unlisted, meanwhile(ana), meanwhile(benWithID), told)},
		"the confirm is refused: no match":                                     {committed, refused, 0, nil},
		"the matchee has no position: no match":                                {committed, noPosition, 0, nil},
		"the matcher has no request: no match":                                 {noRequest, confirmed, 0, nil},
		"every step fails: each error is logged": {waits, hasRequest, 0, join(expect("apply ana -3", err1), meanwhile("log unlist the matcher: error 1"),
			meanwhile("apply ben -4", err2), meanwhile("log unlist the matchee: error 2"),
			meanwhile("withdraw ana m1", err1), meanwhile("log withdraw a request: error 1"),
			meanwhile("withdraw ben b7", err2), meanwhile("log withdraw a request: error 2"),
			meanwhile(ana, err1), meanwhile("log push failed: error 1"), meanwhile(benWithID, err2), meanwhile("log push failed: error 2"))},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, beginFinds(candidate("ben", 1)), expect("claim ana 1 ben 5", match.StatusYours),
				expect("commit ana 1 ben", test.commit), expect("confirm ana 1 ben", test.confirm, test.takes), test.steps)
			s.checkError(s.Match(t.Context(), session("ana"), matchMessage()), nil)
		})
	}
}

// TestTheMatcheeLocatesASharingMatcher where it was last. If that is not known, or not shared, it
// gets the point of the request.
func TestTheMatcheeLocatesASharingMatcher(t *testing.T) {
	const fixed, last = `"lat":37.775,"lng":-122.42,"at":1,"seq":0`, `"lat":37.777,"lng":-122.42,"at":9,"seq":4`
	for name, test := range map[string]struct {
		share, known bool
		want         string
	}{
		"shared":     {true, true, last},
		"not known":  {true, false, fixed},
		"not shared": {false, true, fixed},
	} {
		t.Run(name, func(t *testing.T) {
			other := snapshot(nil, route(match.Active, true))
			other.Route.Request.Share = test.share
			if p := north(2, 9); test.known {
				p.Seq = 4
				other.Position = &p
			}
			s := scripted(t, expect("read ben1", snapshot(claim(9000, true), nil)), expect("read ana", other), expect("watch ana x ben", match.StatusActive),
				expect(`push ben1 {"type":"location","id":"i","match":"x",`+test.want+`}`))
			s.checkError(s.Locate(t.Context(), session("ben"), "i"), nil)
		})
	}
}
