package match_test

import (
	"strings"
	"testing"
	"time"

	"waggle/internal/match"
)

func TestAConnectReplacesTheOlderConnection(t *testing.T) {
	const pushReplaced = `push ana0 {"type":"error","code":"replaced","message":"a newer connection of this member has taken over","retryable":false}`
	first := result{Status: match.StatusOK, Changes: []match.Change{{Epoch: 3}}}
	next := first
	next.Old = "ana0"
	expired := first
	expired.Old = match.ExpiredMark + "ana0"
	for name, test := range map[string]struct {
		steps script
		want  error
	}{
		"the first connection":                                  {join(expect("connect ana1", first), expect("apply ana -3")), nil},
		"a second connection: the first is notified and closed": {join(expect("connect ana1", next), expect(pushReplaced), meanwhile("close ana0"), meanwhile("apply ana -3")), nil},
		"a second connection, and the first is gone": {join(expect("connect ana1", next), expect(pushReplaced, match.ErrConnectionGone),
			meanwhile("close ana0", match.ErrConnectionGone), meanwhile("apply ana -3")), nil},
		"a second connection, and the first has expired: it is told that": {join(expect("connect ana1", expired), expect(strings.ReplaceAll(pushExpired, "ana1", "ana0")),
			meanwhile("close ana0"), meanwhile("apply ana -3")), nil},
		"a newer connection is there: replaced": {expect("connect ana1", match.StatusReplaced), replaced()},
		"too many connections: rate limited": {expect("connect ana1", limited(match.LimitConnects)),
			&match.Fault{Kind: match.RateLimited, RetryAfter: time.Second, Text: "at most 30 connections a minute, and 20 at once"}},
		"the member is kept out":         {expect("connect ana1", keptOut()), keptOutFault()},
		"the connect fails: the error":   {expect("connect ana1", first, err1), err1},
		"the unlisting fails: the error": {join(expect("connect ana1", next), expect(pushReplaced), meanwhile("close ana0"), meanwhile("apply ana -3", err1)), err1},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, test.steps)
			s.checkError(s.Connect(t.Context(), session("ana")), test.want)
		})
	}
}

// limited is the result of a step that a limit refused for a second.
func limited(by match.Limit) result {
	return result{Status: match.StatusRateLimited, Refusal: match.Refusal{Limit: by, RetryAfter: time.Second}}
}

func keptOut() result {
	return result{Status: match.StatusKeptOut, Refusal: match.Refusal{RetryAfter: 28100 * time.Millisecond}}
}

func keptOutFault() error {
	return &match.Fault{Kind: match.KeepOut, RetryAfter: 28100 * time.Millisecond, Text: "too many messages were refused: connect again in 29 seconds"}
}

func TestARefusedMessageNamesItsLimit(t *testing.T) {
	for name, test := range map[string]struct {
		refused result
		want    error
	}{
		"too many messages": {limited(match.LimitMessages),
			&match.Fault{Kind: match.RateLimited, RetryAfter: time.Second, Text: "at most 20 messages a second in this pool, and 40 at once"}},
		"the member is kept out": {keptOut(), keptOutFault()},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, expect("read ana1", test.refused))
			s.checkError(s.Ping(t.Context(), session("ana"), "p"), test.want)
		})
	}
}

func TestADisconnectUnlistsTheMember(t *testing.T) {
	gone := result{Status: match.StatusOK, Changes: []match.Change{{Epoch: 3}}}
	for name, test := range map[string]struct {
		steps script
		want  error
	}{
		"the member is unlisted":          {join(expect("disconnect ana ana1 0s", gone), expect("apply ana -3")), nil},
		"the unlisting fails: the error":  {join(expect("disconnect ana ana1 0s", gone), expect("apply ana -3", err1)), err1},
		"the disconnect fails: the error": {expect("disconnect ana ana1 0s", gone, err1), err1},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, test.steps)
			s.checkError(s.Disconnect(t.Context(), member("ana"), "ana1"), test.want)
		})
	}
}

// requesting is the snapshot of a member with a request.
func requesting(state match.State, registered, wait bool) result {
	r := waitingRequest()
	r.Registered, r.Wait = registered, wait
	return snapshot(nil, &match.Route{State: state, Request: r, Notified: true})
}

// grown is the snapshot of a member whose request's circle has grown since it was searched.
func grown(state match.State, registered bool) result {
	r := requesting(state, registered, true)
	r.Route.Grown = true
	return r
}

func TestPingRepairsARequestOrAnEnd(t *testing.T) {
	const pong = `push ana1 {"type":"pong","id":"p","now":50000}`
	registered := join(expect(pong), expect("register ana m1", hits()), expect("registered ana m1", true))
	for name, test := range map[string]struct {
		read  result
		steps script
		want  error
	}{
		"no request": {snapshot(nil, nil), expect(pong), nil},
		"a waiting request, not registered: it is registered":              {requesting(match.Waiting, false, true), registered, nil},
		"a waiting request, registered":                                    {requesting(match.Waiting, true, true), expect(pong), nil},
		"a waiting request whose circle has grown: an attempt is made":     {grown(match.Waiting, true), join(expect(pong), attempt("ana", "1"), giveUp("ana", "1")), nil},
		"a searching request whose circle has grown":                       {grown(match.Searching, true), expect(pong), nil},
		"a request that is not registered and has grown: it is registered": {grown(match.Waiting, false), registered, nil},
		"a request that does not wait, between two attempts":               {requesting(match.Waiting, false, false), expect(pong), nil},
		"a searching request":                                              {requesting(match.Searching, false, true), expect(pong), nil},
		"a half-done end: it is finished":                                  {snapshot(nil, route(match.Ended, false)), join(finishMatch("completed"), expect(pong)), nil},
		"a half-done end that cannot be finished: the error":               {snapshot(nil, route(match.Ended, false)), expect("finish ana x ben completed", err1), err1},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, expect("read ana1", test.read), test.steps)
			s.checkError(s.Ping(t.Context(), session("ana"), "p"), test.want)
		})
	}
	s := scripted(t, expect("read ana1", snapshot(nil, route(match.Ended, false)), err1))
	s.checkError(s.Ping(t.Context(), session("ana"), "p"), err1)
}

// welcome is the push of ana's welcome, with that advice and the match or request under way.
func welcome(advice, underWay string) string {
	return welcomeSaying(advice, `false,"tags":[]`, underWay)
}

// welcomeSaying is a welcome that says so of available and tags.
func welcomeSaying(advice, said, underWay string) string {
	return `push ana1 {"type":"welcome","id":"h","member":"ana","pool":"default","protocol":1,"now":50000,"expiresAt":7200000,"report":` +
		advice + `,"available":` + said + underWay + `}`
}

func TestHelloReturnsTheMatchOrRequestUnderWay(t *testing.T) {
	const (
		unavailable = `{"afterSeconds":300,"moveMeters":1000}`
		available   = `{"afterSeconds":30,"moveMeters":50}`
		watching    = `{"afterSeconds":20,"moveMeters":1000}`
		watched     = `{"afterSeconds":3,"moveMeters":15}`
		waiting     = `,"request":{"id":"m1","radius":500,"expiresAt":30001}`
		asMatcher   = `,"match":{"match":"x","role":"matcher","state":"active","peer":{"lat":37.776,"lng":-122.42,"at":5,"distance":111.2,"card":"B"}}`
		asMatchee   = `,"match":{"match":"x","role":"matchee","state":"active","peer":{"lat":37.775,"lng":-122.42,"at":1,"distance":111.2,"card":"C"}}`
		noDistance  = `,"match":{"match":"x","role":"matchee","state":"active","peer":{"lat":37.775,"lng":-122.42,"at":1,"distance":0}}`
	)
	willing := func(available string) result {
		r := snapshot(nil, nil)
		r.Available = available
		if available == "1" {
			r.Tags = "bike xl"
		}
		return r
	}
	notListed := func(available string) result {
		r := willing(available)
		r.Unlisted = cacheTime + 100_000
		return r
	}
	idle := expect(welcome(unavailable, ""))
	waits := expect(welcome(watching, waiting))

	matched := snapshot(nil, route(match.Active, true))
	benClaimed := snapshot(claim(9000, true), nil)
	benClaimed.Card = `"B"`
	claimedByCyd := snapshot(&match.Claim{Matcher: member("cyd"), Match: "x", Confirmed: true}, nil)
	noPosition := claimedByCyd
	noPosition.Position = nil
	searched := requesting(match.Waiting, true, true)
	searched.Searched = true
	justGrown := grown(match.Waiting, true)
	justGrown.Searched = true
	both := claimedByCyd
	both.Route = requesting(match.Waiting, true, true).Route
	cydMatched := snapshot(nil, &match.Route{State: match.Active, Match: "x", Matchee: member("ana"), Notified: true, Request: request()})
	withCard := cydMatched
	withCard.Card = `"C"`
	welcomeBen := join(expect("read ben", benClaimed), expect("watch ana x ben", match.StatusActive), expect(welcome(watching, asMatcher)))
	welcomeCyd := join(expect("read cyd", withCard), expect("watch cyd x ana", match.StatusActive), expect(welcome(watched, asMatchee)))
	welcomeNoPosition := join(expect("read cyd", cydMatched), expect("watch cyd x ana", match.StatusActive), expect(welcome(watched, noDistance)))

	for name, test := range map[string]struct {
		read           result
		welcome, after script
	}{
		"nothing is under way":  {snapshot(nil, nil), idle, nil},
		"an available member":   {willing("1"), expect(welcomeSaying(available, `true,"tags":["bike","xl"]`, "")), nil},
		"an unavailable member": {willing("0"), idle, nil},
		"a matcher":             {matched, welcomeBen, nil},
		"a matchee":             {claimedByCyd, welcomeCyd, nil},
		"a matchee without a position: the distance is 0":   {noPosition, welcomeNoPosition, nil},
		"a matchee whose own request waits: only the match": {both, welcomeCyd, nil},

		"a waiting request, registered: an attempt is made":                                   {requesting(match.Waiting, true, true), waits, expect("lease ana 1", match.StatusClaimed)},
		"a waiting request that was searched for just now: no attempt":                        {searched, waits, nil},
		"a waiting request that was searched for just now, and has grown: an attempt is made": {justGrown, waits, expect("lease ana 1", match.StatusClaimed)},
		"a waiting request, not registered: it is registered":                                 {requesting(match.Waiting, false, true), waits, join(expect("register ana m1", hits()), expect("registered ana m1", true))},
		"a waiting request that is searching, registered: an attempt is made":                 {requesting(match.Searching, true, true), waits, expect("lease ana 1", match.StatusSearching)},
		"a waiting request that is searching, not registered":                                 {requesting(match.Searching, false, true), waits, nil},
		"a request that does not wait":                                                        {requesting(match.Waiting, true, false), idle, nil},
		"a match that ended":                                                                  {requesting(match.Ended, true, true), idle, nil},
		"not listed for a while, and willing":                                                 {notListed("1"), expect(welcomeSaying(`{"afterSeconds":100,"moveMeters":1000}`, `true,"tags":["bike","xl"]`, `,"unlisted":{"until":150000,"reason":"ended_early"}`)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			test.read.Changes = []match.Change{{List: true, Epoch: 7}}
			s := scripted(t, expect("read ana1 anew", test.read), test.welcome, expect("apply ana +7"), test.after)
			s.checkError(s.Hello(t.Context(), session("ana"), "h"), nil)
		})
	}

	s := scripted(t, expect("read ana1 anew", willing("1")), expect(welcomeSaying(unavailable, `true,"tags":["bike","xl"]`, "")), expect("apply ana"))
	x := session("ana")
	x.Matchee = false
	s.checkError(s.Hello(t.Context(), x, "h"), nil)
}

func TestHelloReturnsTheErrorOfAFailedStep(t *testing.T) {
	welcomed := expect(welcome(`{"afterSeconds":300,"moveMeters":1000}`, ""))
	for name, test := range map[string]struct {
		steps script
		want  error
	}{
		"the read fails: the error":    {expect("read ana1 anew", snapshot(nil, nil), err1), err1},
		"the listing fails: the error": {join(expect("read ana1 anew", snapshot(nil, nil)), welcomed, expect("apply ana", err1)), err1},
		"another request waits for the caller: it is served": {join(expect("read ana1 anew", snapshot(nil, nil)), welcomed, expect("apply ana", []match.WaitingRequest{requestOf("abe", 1, 1)}),
			expect("lease abe 1", match.StatusSearching)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, test.steps)
			s.checkError(s.Hello(t.Context(), session("ana"), "h"), test.want)
		})
	}
}

// The caller was the matchee: the matcher's route says whether the end is half done.
func TestHelloRepairsTheLastEnd(t *testing.T) {
	ended := func(matcher, id string, age int64) match.End {
		e := match.End{Match: id, Reason: "completed", At: cacheTime - age}
		if matcher != "" {
			e.Matcher = member(matcher)
		}
		return e
	}
	other := route(match.Ended, false)
	other.Match = "y"
	finished := join(expect("finish dan x ben completed", match.StatusAlreadyEnded), expect("release dan x ben", match.StatusOther), expect("apply dan"), meanwhile("apply ben"))
	for name, test := range map[string]struct {
		ends  []match.End
		steps script
		want  error
	}{
		"the last end is half done: it is finished":    {[]match.End{ended("eve", "w", 1), ended("dan", "x", 59_999)}, join(expect("read dan", snapshot(nil, route(match.Ended, false))), finished), nil},
		"both were notified of the last end":           {[]match.End{ended("dan", "x", 1)}, expect("read dan", snapshot(nil, route(match.Ended, true))), nil},
		"the matcher cannot be read: the error":        {[]match.End{ended("dan", "x", 1)}, expect("read dan", snapshot(nil, route(match.Ended, false)), err1), err1},
		"the last end cannot be finished: the error":   {[]match.End{ended("dan", "x", 1)}, join(expect("read dan", snapshot(nil, route(match.Ended, false))), expect("finish dan x ben completed", err1)), err1},
		"the matcher's route has another match":        {[]match.End{ended("dan", "x", 1)}, expect("read dan", snapshot(nil, other)), nil},
		"the matcher has no route":                     {[]match.End{ended("dan", "x", 1)}, expect("read dan"), nil},
		"the last end was a minute ago":                {[]match.End{ended("dan", "x", 60_000)}, nil, nil},
		"the caller was the matcher of the last match": {[]match.End{ended("dan", "x", 1), ended("", "y", 1)}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			read := snapshot(nil, nil)
			read.Ends = test.ends
			s := scripted(t, expect("read ana1 anew", read), expect(welcome(`{"afterSeconds":300,"moveMeters":1000}`, "")), expect("apply ana"), test.steps)
			s.checkError(s.Hello(t.Context(), session("ana"), "h"), test.want)
		})
	}

	// In a match, the last end is not looked at.
	read := snapshot(nil, route(match.Active, true))
	read.Ends = []match.End{ended("dan", "w", 1)}
	s := scripted(t, expect("read ana1 anew", read), expect("read ben", snapshot(claim(9000, true), nil)), expect("watch ana x ben", match.StatusActive),
		expect(welcome(`{"afterSeconds":20,"moveMeters":1000}`, `,"match":{"match":"x","role":"matcher","state":"active","peer":{"lat":37.776,"lng":-122.42,"at":5,"distance":111.2}}`)),
		expect("apply ana"))
	s.checkError(s.Hello(t.Context(), session("ana"), "h"), nil)
}
