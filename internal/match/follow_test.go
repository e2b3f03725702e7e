package match_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

func TestAReportIsPushedToTheMatcherWhileTheMatchLasts(t *testing.T) {
	const pushed = `push ana1 {"type":"location","match":"x","lat":37.776,"lng":-122.42,"at":49000,"seq":3}`
	moved := func(c *match.Claim) script {
		return join(expectReport(result{Now: cacheTime, At: 49_000, Claim: c}), expect("apply ben"))
	}
	watches := func(r result, outcome ...any) script {
		r.Status, r.Connection = match.StatusActive, "ana1"
		return expect("watch ana x ben", append(outcome, r)...)
	}
	watch := func(outcome ...any) script { return watches(result{}, outcome...) }
	untold, pushing := watches(result{Tell: true}), watches(result{Tell: true, Pushing: true})
	ended := func(status match.Status, reason string) script {
		return expect("watch ana x ben", result{Status: status, Reason: reason, Early: match.ByMatcher})
	}
	repaired := makeMatch("ana", "x", "ben")
	yours := withRequest(match.StatusYours, request())
	for name, steps := range map[string]script{
		"the match is active: pushed":                               join(moved(claim(9000, true)), watch(), expect(pushed)),
		"the match is new: pushed":                                  join(moved(claim(1000, true)), watch(), expect(pushed)),
		"the matcher was not told in 3 s: it is told, then pushed":  join(moved(claim(3001, true)), untold, repaired, watch(), expect(pushed)),
		"it cannot be told: not pushed":                             join(moved(claim(3001, true)), untold, repaired, untold),
		"it is just being told: pushed after a pause":               join(moved(claim(100, true)), pushing, expect("sleep 250ms"), watch(), expect(pushed)),
		"it was not told in the pause: it is told, then pushed":     join(moved(claim(100, true)), pushing, expect("sleep 250ms"), pushing, repaired, watch(), expect(pushed)),
		"the match ends in the pause: not pushed":                   join(moved(claim(100, true)), pushing, expect("sleep 250ms"), ended(match.StatusAlreadyEnded, "cancelled"), releaseClaim("cancelled matcher")),
		"no time for a pause: not pushed":                           join(moved(claim(100, true)), pushing, expect("sleep 250ms", err1)),
		"the claim is not confirmed yet: not pushed":                join(moved(claim(3000, false)), watch()),
		"the claim was not confirmed in 3 s: repaired, then pushed": join(moved(claim(3001, false)), watch(), repaired, watch(), expect(pushed)),
		"the repair fails: logged, not pushed":                      join(moved(claim(3001, false)), watch(), expect("commit ana x ben", yours, err1), expect("log complete a match: error 1")),
		"the repair finds no claim: not pushed": join(moved(claim(3001, false)), watch(), expect("commit ana x ben", yours),
			expect("confirm ana x ben", match.StatusRefused)),
		"watch takes 2 s: pushed":                                          join(moved(claim(9000, true)), watch(2*time.Second), expect(pushed)),
		"watch takes more than 2 s: not pushed":                            join(moved(claim(9000, true)), watch(2001*time.Millisecond)),
		"the route is searching: not pushed":                               join(moved(claim(9000, false)), expect("watch ana x ben", match.StatusSearching)),
		"the match has ended: the claim is released for its reason":        join(moved(claim(9000, true)), ended(match.StatusAlreadyEnded, "cancelled"), releaseClaim("cancelled matcher")),
		"the route does not know the match: the claim is released as lost": join(moved(claim(9000, true)), expect("watch ana x ben", match.StatusOther), releaseClaim("lost")),
		"the release fails: logged":                                        join(moved(claim(9000, true)), expect("watch ana x ben", match.StatusOther), expect("release ana x ben lost", err1), expect("log release a claim: error 1")),
		"watch fails: logged, not pushed":                                  join(moved(claim(9000, true)), watch(err1), expect("log show a location: error 1")),
		"no claim: nothing to push":                                        moved(nil),
	} {
		t.Run(name, func(t *testing.T) { sendReport(t, nil, steps) })
	}
}

// Otherwise a shard that is down would hide the location from the one who needs it.
func TestAReportIsPushedToTheMatcherEvenIfTheIndexFails(t *testing.T) {
	sendReport(t, err1, expectReport(result{Now: cacheTime, At: 49_000, Claim: claim(9000, true), Changes: []match.Change{{Epoch: 5}}}), expect("apply ben -5", err1),
		expect("watch ana x ben", result{Status: match.StatusActive, Connection: "ana1"}),
		expect(`push ana1 {"type":"location","match":"x","lat":37.776,"lng":-122.42,"at":49000,"seq":3}`))
}

// The ack to the sender is pushed at the same time.
func TestAPushedReportHasAllFields(t *testing.T) {
	accuracy, heading, speed := 3.0, 90.0, 1.5
	s := scripted(t, expectReport(result{Now: cacheTime, At: 49_000, Claim: claim(9000, true), Advice: match.Watched}), expect("apply ben"),
		expect("watch ana x ben", result{Status: match.StatusActive, Connection: "ana1"}),
		meanwhile(`push ana1 {"type":"location","match":"x","lat":37.776,"lng":-122.42,"at":49000,"seq":3,"accuracy":3,"heading":90,"speed":1.5}`),
		meanwhile(`push ben1 {"type":"ack","id":"l1","report":{"afterSeconds":3,"moveMeters":15}}`))
	s.checkError(s.Report(t.Context(), session("ben"), &protocol.Location{ID: "l1", Lat: 37.776, Lng: -122.42, Seq: 3,
		Motion: protocol.Motion{Accuracy: &accuracy, Heading: &heading, Speed: &speed}}, s.now), nil)
}

// The matcher sees none from before the match, none that it was pushed before, and none where
// nobody believes the member to be.
func TestThePointsBeforeTheNewestReachTheMatcherToo(t *testing.T) {
	accuracy := func(meters float64) protocol.Motion { return protocol.Motion{Accuracy: &meters} }
	sent := []protocol.Fix{
		{Lat: 37.771, Lng: -122.42, At: 44_000}, {Lat: 37.773, Lng: -122.42, At: 46_000, Seq: 7, Motion: accuracy(500)},
		{Lat: 37.774, Lng: -122.42, At: 46_500, Motion: accuracy(501)}, {Lat: 38.774, Lng: -122.42, At: 47_000},
		{Lat: 37.775, Lng: -122.42, At: 48_000}, {Lat: 37.776, Lng: -122.42, At: 49_000, Seq: 3},
	}
	const first, second = `{"lat":37.773,"lng":-122.42,"at":46000,"seq":7,"accuracy":500}`, `{"lat":37.775,"lng":-122.42,"at":48000}`
	for name, test := range map[string]struct {
		claim    *match.Claim
		notTaken string
		pushed   string
		taken    int
	}{
		"those since the last position":            {claim(9000, true), "", `,"points":[` + first + "," + second + "]", 5},
		"none from before the match":               {claim(3000, true), "", `,"points":[` + second + "]", 5},
		"nothing if the newest is not believed":    {claim(9000, true), protocol.PositionJump, "", 0},
		"only the newest if the match is that new": {claim(1500, true), "", " ", 5},
	} {
		t.Run(name, func(t *testing.T) {
			push, position := script{}, ""
			if test.pushed != "" {
				push = meanwhile(`push ana1 {"type":"location","match":"x","lat":37.776,"lng":-122.42,"at":49000,"seq":3` + strings.TrimSpace(test.pushed) + `}`)
			}
			if test.notTaken != "" {
				position = `,"position":"` + test.notTaken + `"`
			}
			s := scripted(t, expectReport(result{Status: match.StatusOK, Now: cacheTime, At: 49_000, Since: 44_000, Claim: test.claim, NotTaken: test.notTaken, Advice: match.Watched}),
				expect("apply ben"), expect("watch ana x ben", result{Status: match.StatusActive, Connection: "ana1"}), push,
				meanwhile(fmt.Sprintf(`push ben1 {"type":"ack","report":{"afterSeconds":3,"moveMeters":15}%s,"taken":%d}`, position, test.taken)))
			s.checkError(s.Report(t.Context(), session("ben"), &protocol.Location{Lat: 37.776, Lng: -122.42, Seq: 3, Points: sent}, s.now), nil)
		})
	}
}

func TestAReportRepairsTheCallersRequestMatchOrEnd(t *testing.T) {
	reportWithRoute := func(state match.State, registered, notified bool) script {
		r := &match.Route{State: state, Match: "y", Matchee: member("cyd"), Notified: notified, Reason: "completed", Request: waitingRequest()}
		r.Request.Registered = registered
		return join(expectReport(result{Route: r}), expect("apply ben"))
	}
	finish := func(reason string) script {
		return join(expect("finish ben y cyd "+reason, match.StatusAlreadyEnded), expect("release ben y cyd", match.StatusOther), expect("apply ben"), meanwhile("apply cyd"))
	}
	claimOnCyd := snapshot(&match.Claim{Matcher: member("ben"), Match: "y", At: cacheTime, Confirmed: true}, nil)
	for name, test := range map[string]struct {
		steps script
		want  error
	}{
		"a waiting request, not registered: it is registered": {join(reportWithRoute(match.Waiting, false, false), expect("register ben m1", hits()), expect("registered ben m1", true)), nil},
		"a searching request: nothing to do":                  {reportWithRoute(match.Searching, false, false), nil},
		"a waiting request, registered: nothing to do":        {reportWithRoute(match.Waiting, true, false), nil},
		"a waiting request that cannot be registered: logged": {join(reportWithRoute(match.Waiting, false, false), expect("register ben m1", hits(), err1), expect("log register a waiting request: error 1")), nil},
		"a match whose matchee has the claim: nothing to do":  {join(reportWithRoute(match.Active, false, true), expect("read cyd", claimOnCyd)), nil},
		"a match whose matchee has no claim: it ends as lost": {join(reportWithRoute(match.Active, false, true), expect("read cyd"), finish("lost")), nil},
		"a match whose matchee cannot be read: the error":     {join(reportWithRoute(match.Active, false, true), expect("read cyd", err1)), err1},
		"an end of which both were notified: nothing to do":   {reportWithRoute(match.Ended, false, true), nil},
		"a half-done end: it is finished":                     {join(reportWithRoute(match.Ended, false, false), finish("completed")), nil},
		"a half-done end that cannot be finished: the error":  {join(reportWithRoute(match.Ended, false, false), expect("finish ben y cyd completed", err1)), err1},
	} {
		t.Run(name, func(t *testing.T) { sendReport(t, test.want, test.steps) })
	}
}

// TestAReportOfASharingMatcherIsPushedToItsMatchee while the match lasts. Without share, it is not.
func TestAReportOfASharingMatcherIsPushedToItsMatchee(t *testing.T) {
	const pushed = `push ben1 {"type":"location","match":"x","lat":37.776,"lng":-122.42,"at":49000,"seq":3}`
	reported := func(change func(*result)) script {
		r := result{Status: match.StatusOK, Now: cacheTime, At: 49_000, Since: 44_000, Advice: match.Watched, Route: route(match.Active, true)}
		r.Route.Request.Share = true
		change(&r)
		return join(expect("report ana1", r), expect("apply ana"))
	}
	moved := reported(func(*result) {})
	claimed := func(c *match.Claim) result { return connected(snapshot(c, nil), "ben1") }
	ben := claimed(claim(9000, true))
	pushing, untold := ben, ben
	pushing.Pushing, untold.Tell = true, true
	repaired := join(commitAndConfirm("ana", "x", "ben"), expect("apply ana"), meanwhile("apply ben"))
	for name, test := range map[string]struct {
		steps script
		want  error
	}{
		"the match is active: pushed":                          {join(moved, expect("read ben", ben), expect(pushed)), nil},
		"without share: not pushed":                            {join(reported(func(r *result) { r.Route.Request.Share = false }), expect("read ben", ben)), nil},
		"the match has ended: not pushed":                      {reported(func(r *result) { r.Route.State = match.Ended }), nil},
		"the position is not believed: not pushed":             {join(reported(func(r *result) { r.NotTaken = protocol.PositionJump }), expect("read ben", ben)), nil},
		"the matchee was not told: it is told, not pushed":     {join(moved, expect("read ben", untold), repaired), nil},
		"the matchee is just being told: not pushed":           {join(moved, expect("read ben", pushing)), nil},
		"the claim is not confirmed: repaired, not pushed":     {join(moved, expect("read ben", claimed(claim(0, false))), repaired), nil},
		"the claim is lost: the match ends, and is not pushed": {join(moved, expect("read ben", snapshot(nil, nil)), finishMatch("lost")), nil},
		"the claim is for another match: not pushed": {join(moved, expect("read ben", claimed(&match.Claim{Matcher: member("ana"), Match: "y", Confirmed: true})),
			finishMatch("lost")), nil},
		"it takes 2 s: pushed":               {join(moved, expect("read ben", ben, 2*time.Second), expect(pushed)), nil},
		"it takes more than 2 s: not pushed": {join(moved, expect("read ben", ben, 2001*time.Millisecond)), nil},
		"the read fails: logged, not pushed": {join(moved, expect("read ben", ben, err1), expect("log share a location: error 1")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, test.steps)
			s.checkError(s.Report(t.Context(), session("ana"), &protocol.Location{Lat: 37.776, Lng: -122.42, Seq: 3}, s.now), test.want)
		})
	}
	// Of several points the matchee gets those since the match began and the last report.
	sent := []protocol.Fix{{Lat: 37.774, Lng: -122.42, At: 44_000}, {Lat: 37.7745, Lng: -122.42, At: 45_000}, {Lat: 37.775, Lng: -122.42, At: 47_000},
		{Lat: 37.776, Lng: -122.42, At: 49_000, Seq: 3}}
	for age, points := range map[int64]string{9000: `{"lat":37.7745,"lng":-122.42,"at":45000},`, 4000: ""} {
		s := scripted(t, moved, expect("read ben", claimed(claim(age, true))),
			meanwhile(strings.TrimSuffix(pushed, "}")+`,"points":[`+points+`{"lat":37.775,"lng":-122.42,"at":47000}]}`),
			meanwhile(`push ana1 {"type":"ack","report":{"afterSeconds":3,"moveMeters":15},"taken":4}`))
		s.checkError(s.Report(t.Context(), session("ana"), &protocol.Location{Lat: 37.776, Lng: -122.42, Seq: 3, Points: sent}, s.now), nil)
	}
}

// TestWhatNoPushHasShownGoesAlongWithTheNext, and is kept until a push has succeeded.
func TestWhatNoPushHasShownGoesAlongWithTheNext(t *testing.T) {
	skipped := []protocol.Fix{{Lat: 37.7, Lng: -122.42, At: 42_000}, {Lat: 37.71, Lng: -122.42, At: 43_000, Seq: 1}}
	const trail = `{"lat":37.7,"lng":-122.42,"at":42000},{"lat":37.71,"lng":-122.42,"at":43000,"seq":1}`
	const here = `push ana1 {"type":"location","match":"x","lat":37.776,"lng":-122.42,"at":49000,"seq":3`
	late := append(skipped, protocol.Fix{At: 49_000, Seq: 3}, skipped[0], protocol.Fix{At: 50_000})
	var many []protocol.Fix
	var newest []string
	for n := range int64(100) {
		many, newest = append(many, protocol.Fix{At: 1000 + n}), append(newest, fmt.Sprintf(`{"lat":0,"lng":0,"at":%d}`, 1000+n))
	}
	connection, apply := result{Status: match.StatusActive, Connection: "ana1"}, expect("apply ben")
	for name, test := range map[string]struct {
		skipped []protocol.Fix
		steps   script
	}{
		"shown: forgotten":                            {skipped, join(expect(here+`,"points":[`+trail+"]}"), expect("shown ben 43000"))},
		"shown, but not forgotten: logged":            {skipped, join(expect(here+`,"points":[`+trail+"]}"), expect("shown ben 43000", err1), expect("log forget what was shown: error 1"))},
		"the push fails: kept":                        {nil, join(expect(here+"}", err1), expect("log push failed: error 1"), expect("skip ben x [49000]"))},
		"it fails again: the new one is kept, too":    {skipped, join(expect(here+`,"points":[`+trail+"]}", err1), expect("log push failed: error 1"), expect("skip ben x [49000]"))},
		"it cannot be kept: logged":                   {nil, join(expect(here+"}", err1), expect("log push failed: error 1"), expect("skip ben x [49000]", err2), expect("log keep what was not shown: error 2"))},
		"each once, and only those before the newest": {late, join(expect(here+`,"points":[`+trail+"]}"), expect("shown ben 50000"))},
		"the newest 99":                               {many, join(expect(here+`,"points":[`+strings.Join(newest[1:], ",")+"]}"), expect("shown ben 1099"))},
	} {
		t.Run(name, func(t *testing.T) {
			sendReport(t, nil, expectReport(result{Now: cacheTime, At: 49_000, Claim: claim(9000, true), Skipped: test.skipped}), apply,
				expect("watch ana x ben", connection), test.steps)
		})
	}
}
