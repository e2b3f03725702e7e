package match_test

import (
	"testing"

	"waggle/internal/match"
)

// takenOver is the answer to a connection that is not the newest.
func takenOver() error {
	return &match.Fault{Kind: match.Replaced, Text: "a newer connection of this member has taken over"}
}

func TestConnect(t *testing.T) {
	const goodbye = `push ana0 {"type":"error","code":"replaced","message":"a newer connection of this member has taken over","retryable":false}`
	first := says{Status: match.StatusOK, Changes: []match.Change{{Epoch: 3}}}
	next := first
	next.Old = "ana0"
	for name, test := range map[string]struct {
		play lines
		want error
	}{
		"the first": {act(on("connect ana1", first), on("apply ana -3")), nil},
		"the next":  {act(on("connect ana1", next), on(goodbye), beside("close ana0"), beside("apply ana -3")), nil},
		"the one before is gone": {act(on("connect ana1", next), on(goodbye, match.ErrConnectionGone),
			beside("close ana0", match.ErrConnectionGone), beside("apply ana -3")), nil},
		"a newer one is there": {on("connect ana1", match.StatusReplaced), takenOver()},
		"nobody knows":         {on("connect ana1", first, trouble1), trouble1},
		"it is not unlisted":   {act(on("connect ana1", next), on(goodbye), beside("close ana0"), beside("apply ana -3", trouble1)), trouble1},
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, test.play)
			p.ends(p.Connect(t.Context(), session("ana")), test.want)
		})
	}
}

func TestDisconnect(t *testing.T) {
	gone := says{Status: match.StatusOK, Changes: []match.Change{{Epoch: 3}}}
	for name, test := range map[string]struct {
		play lines
		want error
	}{
		"it is unlisted":     {act(on("disconnect ana ana1 0s", gone), on("apply ana -3")), nil},
		"it is not":          {act(on("disconnect ana ana1 0s", gone), on("apply ana -3", trouble1)), trouble1},
		"it cannot be known": {on("disconnect ana ana1 0s", gone, trouble1), trouble1},
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, test.play)
			p.ends(p.Disconnect(t.Context(), member("ana"), "ana1"), test.want)
		})
	}
}

// asking is how things stand with a member that has asked.
func asking(state match.State, registered, wait bool) says {
	r := longing()
	r.Registered, r.Wait = registered, wait
	return half(nil, &match.Route{State: state, Request: r, Notified: true})
}

func TestPing(t *testing.T) {
	const pong = `push ana1 {"type":"pong","id":"p","now":50000}`
	attended := act(on(pong), on("register ana m1", hits()), on("registered ana m1", true))
	for name, test := range map[string]struct {
		read says
		play lines
		want error
	}{
		"nothing is asked for":      {half(nil, nil), on(pong), nil},
		"a request waits":           {asking(match.Waiting, false, true), attended, nil},
		"in all its cells":          {asking(match.Waiting, true, true), on(pong), nil},
		"between two tries":         {asking(match.Waiting, false, false), on(pong), nil},
		"it is searched for":        {asking(match.Searching, false, true), on(pong), nil},
		"an end is left half done":  {half(nil, route(match.Ended, false)), act(finished("completed"), on(pong)), nil},
		"and cannot be done either": {half(nil, route(match.Ended, false)), on("finish ana x ben completed", trouble1), trouble1},
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, on("read ana1", test.read), test.play)
			p.ends(p.Ping(t.Context(), session("ana"), "p"), test.want)
		})
	}
	p := perform(t, on("read ana1", half(nil, route(match.Ended, false)), trouble1))
	p.ends(p.Ping(t.Context(), session("ana"), "p"), trouble1)
}

// welcome is what hello tells ana, with that advice and what is under way.
func welcome(advice, underWay string) string {
	return `push ana1 {"type":"welcome","id":"h","member":"ana","pool":"default","protocol":1,"now":50000,"expiresAt":7200000,"report":` + advice + underWay + `}`
}

func TestHello(t *testing.T) {
	const (
		unavailable = `{"afterSeconds":300,"moveMeters":1000}`
		available   = `{"afterSeconds":30,"moveMeters":50}`
		watching    = `{"afterSeconds":20,"moveMeters":1000}`
		watched     = `{"afterSeconds":3,"moveMeters":15}`
		request     = `,"request":{"id":"m1","radius":500,"expiresAt":30001}`
		asMatcher   = `,"match":{"match":"x","role":"matcher","state":"active","peer":{"lat":37.776,"lng":-122.42,"at":5,"distance":111.2,"card":"B"}}`
		asMatchee   = `,"match":{"match":"x","role":"matchee","state":"active","peer":{"lat":37.775,"lng":-122.42,"at":1,"distance":111.2,"card":"C"}}`
		nowhere     = `,"match":{"match":"x","role":"matchee","state":"active","peer":{"lat":37.775,"lng":-122.42,"at":1,"distance":0}}`
	)
	willing := func(available string) says {
		a := half(nil, nil)
		a.Available = available
		return a
	}
	idle := on(welcome(unavailable, ""))
	waits := on(welcome(unavailable, request))

	matched := half(nil, route(match.Active, true))
	bens := half(claim(9000, true), nil)
	bens.Card = `"B"`
	byCyd := half(&match.Claim{Matcher: member("cyd"), Match: "x", Confirmed: true}, nil)
	unplaced := byCyd
	unplaced.Position = nil
	both := byCyd
	both.Route = asking(match.Waiting, true, true).Route
	cyds := half(nil, &match.Route{State: match.Active, Match: "x", Matchee: member("ana"), Notified: true, Request: wish()})
	withCard := cyds
	withCard.Card = `"C"`
	shownBen := act(on("read ben", bens), on("watch ana x ben", match.StatusActive), on(welcome(watching, asMatcher)))
	shownCyd := act(on("read cyd", withCard), on("watch cyd x ana", match.StatusActive), on(welcome(watched, asMatchee)))
	unplacedCyd := act(on("read cyd", cyds), on("watch cyd x ana", match.StatusActive), on(welcome(watched, nowhere)))

	for name, test := range map[string]struct {
		read       says
		told, then lines
	}{
		"nothing is under way":       {half(nil, nil), idle, nil},
		"it may be found":            {willing("1"), on(welcome(available, "")), nil},
		"it does not want to be":     {willing("0"), idle, nil},
		"it has found":               {matched, shownBen, nil},
		"it was found":               {byCyd, shownCyd, nil},
		"from nowhere":               {unplaced, unplacedCyd, nil},
		"it was found while it asks": {both, shownCyd, nil},

		"it waits":          {asking(match.Waiting, true, true), waits, on("lease ana 1", match.StatusClaimed)},
		"not everywhere":    {asking(match.Waiting, false, true), waits, act(on("register ana m1", hits()), on("registered ana m1", true))},
		"it is served":      {asking(match.Searching, true, true), waits, on("lease ana 1", match.StatusSearching)},
		"not registered":    {asking(match.Searching, false, true), waits, nil},
		"it does not wait":  {asking(match.Waiting, true, false), idle, nil},
		"it has been ended": {asking(match.Ended, true, true), idle, nil},
	} {
		t.Run(name, func(t *testing.T) {
			test.read.Changes = []match.Change{{List: true, Epoch: 7}}
			p := perform(t, on("read ana1 anew", test.read), test.told, on("apply ana +7"), test.then)
			p.ends(p.Hello(t.Context(), session("ana"), "h"), nil)
		})
	}

	p := perform(t, on("read ana1 anew", willing("1")), idle, on("apply ana"))
	x := session("ana")
	x.Matchee = false
	p.ends(p.Hello(t.Context(), x, "h"), nil)
}

func TestHelloInTrouble(t *testing.T) {
	said := on(welcome(`{"afterSeconds":300,"moveMeters":1000}`, ""))
	for name, test := range map[string]struct {
		play lines
		want error
	}{
		"nothing is known": {on("read ana1 anew", half(nil, nil), trouble1), trouble1},
		"it is not listed": {act(on("read ana1 anew", half(nil, nil)), said, on("apply ana", trouble1)), trouble1},
		"others wait": {act(on("read ana1 anew", half(nil, nil)), said, on("apply ana", []match.WaitingRequest{waiter("abe", 1, 1)}),
			on("lease abe 1", match.StatusSearching)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, test.play)
			p.ends(p.Hello(t.Context(), session("ana"), "h"), test.want)
		})
	}
}

// TestHelloFreesTheMatcher whose match with the caller ended last, and not for both.
func TestHelloFreesTheMatcher(t *testing.T) {
	was := func(matcher, id string, age int64) match.End {
		p := match.End{Match: id, Reason: "completed", At: moment - age}
		if matcher != "" {
			p.Matcher = member(matcher)
		}
		return p
	}
	another := route(match.Ended, false)
	another.Match = "y"
	finished := act(on("finish dan x ben completed", match.StatusAlreadyEnded), on("release dan x ben", match.StatusOther), on("apply dan"), beside("apply ben"))
	for name, test := range map[string]struct {
		past []match.End
		play lines
		want error
	}{
		"not for both":     {[]match.End{was("eve", "w", 1), was("dan", "x", 59_999)}, act(on("read dan", half(nil, route(match.Ended, false))), finished), nil},
		"for both":         {[]match.End{was("dan", "x", 1)}, on("read dan", half(nil, route(match.Ended, true))), nil},
		"nobody knows":     {[]match.End{was("dan", "x", 1)}, on("read dan", half(nil, route(match.Ended, false)), trouble1), trouble1},
		"nor can it be":    {[]match.End{was("dan", "x", 1)}, act(on("read dan", half(nil, route(match.Ended, false))), on("finish dan x ben completed", trouble1)), trouble1},
		"there is another": {[]match.End{was("dan", "x", 1)}, on("read dan", half(nil, another)), nil},
		"there is none":    {[]match.End{was("dan", "x", 1)}, on("read dan"), nil},
		"a minute ago":     {[]match.End{was("dan", "x", 60_000)}, nil, nil},
		"as its matcher":   {[]match.End{was("dan", "x", 1), was("", "y", 1)}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			read := half(nil, nil)
			read.Ends = test.past
			p := perform(t, on("read ana1 anew", read), on(welcome(`{"afterSeconds":300,"moveMeters":1000}`, "")), on("apply ana"), test.play)
			p.ends(p.Hello(t.Context(), session("ana"), "h"), test.want)
		})
	}

	// In a match, it has something else to do.
	read := half(nil, route(match.Active, true))
	read.Ends = []match.End{was("dan", "w", 1)}
	p := perform(t, on("read ana1 anew", read), on("read ben", half(claim(9000, true), nil)), on("watch ana x ben", match.StatusActive),
		on(welcome(`{"afterSeconds":20,"moveMeters":1000}`, `,"match":{"match":"x","role":"matcher","state":"active","peer":{"lat":37.776,"lng":-122.42,"at":5,"distance":111.2}}`)),
		on("apply ana"))
	p.ends(p.Hello(t.Context(), session("ana"), "h"), nil)
}
