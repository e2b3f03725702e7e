package match_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/match"
	"waggle/internal/pool"
	"waggle/internal/protocol"
)

// TestOpening: what is asked of the cache for a message.
func TestOpening(t *testing.T) {
	narrow, err := pool.Parse([]byte(`{"pools":{"default":{"maxRadius":2000}}}`))
	if err != nil {
		t.Fatal(err)
	}
	at := here()
	whole := &protocol.Match{ID: "m1", Radius: 500, Point: &protocol.Point{Lat: at.Lat, Lng: at.Lng}, Tags: []string{"tall"}, Wait: 30.5}
	for name, test := range map[string]struct {
		pools pool.Pools
		q     *protocol.Match
		want  match.NewRequest
	}{
		"nothing said": {pool.Pools{}, &protocol.Match{}, match.NewRequest{Match: "1", Radius: 3000, Open: time.Second}},
		"everything": {pool.Pools{}, whole, match.NewRequest{ID: "m1", Match: "1", Point: &at, Radius: 500, Tags: []string{"tall"},
			Open: 30500 * time.Millisecond, Wait: true,
			Search: &match.Query{Self: member("ana"), Point: at, Radius: 500, Tags: []string{"tall"}, Want: 8}}},
		"a short wait":        {pool.Pools{}, &protocol.Match{Wait: 0.5}, match.NewRequest{Match: "1", Radius: 3000, Open: time.Second, Wait: true}},
		"the widest":          {pool.Pools{}, &protocol.Match{Radius: 20_000}, match.NewRequest{Match: "1", Radius: 20_000, Open: time.Second}},
		"nothing said there":  {narrow, &protocol.Match{}, match.NewRequest{Match: "1", Radius: 2000, Open: time.Second}},
		"the widest there is": {narrow, &protocol.Match{Radius: 2000}, match.NewRequest{Match: "1", Radius: 2000, Open: time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, on("begin ana1 1", match.StatusNoLocation))
			p.Pools = test.pools
			p.ends(p.Match(t.Context(), session("ana"), test.q),
				&match.Fault{Kind: match.Conflict, Text: "report your location first, or give lat and lng"})
			if diff := cmp.Diff(test.want, p.begun); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}

	p := perform(t)
	p.ends(p.Match(t.Context(), session("ana"), &protocol.Match{Radius: 20_000.1}),
		&match.Fault{Kind: match.Invalid, Text: "radius must be 100 to 20000 metres in this pool"})
	matchee := session("ana")
	matchee.Matcher = false
	p.ends(p.Match(t.Context(), matchee, &protocol.Match{}),
		&match.Fault{Kind: match.Forbidden, Text: "the token does not give the role matcher"})
}

// underWay is the answer to a member whose request is in that state.
func underWay(state match.State, r match.Request) says {
	return says{Status: match.Status(state), Route: &match.Route{State: state, Request: r}}
}

// undecided is the answer to who asks for a second while something else is going on.
func undecided() error {
	return &match.Fault{Kind: match.Conflict, Text: "another request of yours is being decided: ask again in a second", Retryable: true}
}

// asked performs a match message n1 of ana's.
func asked(t *testing.T, want error, play ...lines) {
	t.Helper()
	p := perform(t, play...)
	p.ends(p.Match(t.Context(), session("ana"), &protocol.Match{ID: "n1"}), want)
}

func TestMatchWhileSomethingIsUnderWay(t *testing.T) {
	const waiting = `push ana1 {"type":"waiting","id":"n1","expiresAt":30001}`
	asks := func(wait, registered bool) match.Request {
		r := longing()
		r.Wait, r.Registered = wait, registered
		return r
	}
	begin := func(comes ...any) lines { return on("begin ana1 1", comes...) }
	ended := func(told bool) says {
		a := gains(match.StatusOK, wish())
		a.Unfinished = route(match.Ended, told)
		return a
	}
	goes := act(on("search for ana", hits()), nobody())
	for name, test := range map[string]struct {
		play lines
		want error
	}{
		"a match that is over for both": {act(begin(ended(true)), goes), nil},
		"not for both":                  {act(begin(ended(false)), finished("completed"), goes), nil},
		"nor can it be":                 {act(begin(ended(false)), on("finish ana x ben completed", trouble1)), trouble1},
		"a request that waits":          {act(begin(underWay(match.Waiting, asks(true, true))), on(waiting)), nil},
		"not everywhere": {act(begin(underWay(match.Waiting, asks(true, false))), on(waiting),
			on("register ana m1", hits()), on("registered ana m1", true)), nil},
		"one that is searched for": {act(begin(underWay(match.Searching, asks(true, false))), on(waiting)), nil},
		"too far": {begin(match.StatusTooFar),
			&match.Fault{Kind: match.Forbidden, Text: "lat and lng must be within 20 km of your own last location in this pool"}},
		"too often": {begin(match.StatusRateLimited),
			&match.Fault{Kind: match.RateLimited, Text: "at most 10 requests a minute and 30 matches an hour in this pool"}},
		"a newer connection": {begin(match.StatusReplaced), takenOver()},
		"no pause":           {act(begin(underWay(match.Searching, asks(false, false))), on("sleep 60ms", trouble1)), trouble1},
	} {
		t.Run(name, func(t *testing.T) { asked(t, test.want, test.play) })
	}
}

// TestMatchIsDecidedSoon: what is under way and does not wait is decided within a second.
func TestMatchIsDecidedSoon(t *testing.T) {
	const rest = 940 * time.Millisecond
	search, another := underWay(match.Searching, wish()), says{Status: match.StatusOther}
	between := underWay(match.Waiting, wish())
	asked(t, nil, on("begin ana1 1", search), on("sleep 60ms"), on("begin ana1 2", between), on("sleep 60ms"),
		on("begin ana1 3", another), on("sleep 60ms"), on("begin ana1 4", says{Status: match.StatusRepeat, Outcome: match.Outcome{Kind: "no_match", Radius: 500}}),
		on(`push ana1 {"type":"no_match","id":"n1","radius":500}`))
	asked(t, undecided(), on("begin ana1 1", search), on("sleep 60ms", rest), on("begin ana1 2", search))
	asked(t, undecided(), on("begin ana1 1", search), on("sleep 60ms", rest-time.Millisecond), on("begin ana1 2", search),
		on("sleep 60ms"), on("begin ana1 3", search))
}

// foundBen answers ana's message n1 with her match x.
func foundBen() lines {
	return act(on("read ana1", half(nil, route(match.Active, true))), on("read ben", half(claim(9000, true), nil)),
		on("watch ana x ben", match.StatusActive),
		on(`push ana1 {"type":"matched","id":"n1","match":"x","role":"matcher","peer":{"lat":37.776,"lng":-122.42,"at":5,"distance":111.2},"report":{"afterSeconds":20,"moveMeters":1000}}`))
}

// foundByBen answers it with his match x.
func foundByBen() lines {
	return act(on("read ana1", byBen(true)), on("read ben", bens()), on("watch ben x ana", match.StatusActive),
		on(`push ana1 {"type":"matched","id":"n1","match":"x","role":"matchee","peer":{"lat":37.775,"lng":-122.42,"at":1,"distance":111.2},"report":{"afterSeconds":3,"moveMeters":15}}`))
}

// byBen is how things stand with ana while ben has a claim on her.
func byBen(confirmed bool) says {
	return half(&match.Claim{Matcher: member("ben"), Match: "x", At: moment - 1000, Confirmed: confirmed}, nil)
}

// bens is his half.
func bens() says {
	return half(nil, &match.Route{State: match.Active, Match: "x", Matchee: member("ana"), Notified: true, Request: wish()})
}

// TestMatchWhileInAMatch is answered with it, once nothing can make it another.
func TestMatchWhileInAMatch(t *testing.T) {
	begin := func(id string, status match.Status, a says) lines {
		return on("begin ana1 "+id, says{Status: status, Claim: a.Claim, Route: a.Route, Outcome: a.Outcome})
	}
	active := half(nil, route(match.Active, true))
	another, otherClaim := half(nil, route(match.Active, true)), byBen(true)
	another.Route.Match, otherClaim.Claim.Match = "y", "y"
	matched := func(m string) says {
		return says{Outcome: match.Outcome{Kind: "matched", Match: m}}
	}
	pause, none := on("sleep 60ms"), on("read ana1", half(nil, nil))
	notThat := foundBen()[:3]
	notHis := foundByBen()[:3]
	for name, test := range map[string]struct {
		play lines
		want error
	}{
		"its own":             {act(begin("1", match.StatusActive, active), foundBen()), nil},
		"which is over":       {act(begin("1", match.StatusActive, active), none, pause, begin("2", match.StatusNoLocation, active)), noLocation()},
		"which is another":    {act(begin("1", match.StatusActive, another), notThat, pause, begin("2", match.StatusActive, active), foundBen()), nil},
		"which nobody knows":  {act(begin("1", match.StatusActive, active), on("read ana1", trouble1)), trouble1},
		"another's":           {act(begin("1", match.StatusClaimed, byBen(true)), foundByBen()), nil},
		"that is over":        {act(begin("1", match.StatusClaimed, byBen(true)), none, pause, begin("2", match.StatusNoLocation, active)), noLocation()},
		"that is another":     {act(begin("1", match.StatusClaimed, otherClaim), notHis, pause, begin("2", match.StatusNoLocation, active)), noLocation()},
		"that nobody knows":   {act(begin("1", match.StatusClaimed, byBen(true)), on("read ana1", trouble1)), trouble1},
		"by an id":            {act(begin("1", match.StatusRepeat, matched("x")), foundBen()), nil},
		"by that of another":  {act(begin("1", match.StatusRepeat, matched("y")), notThat, pause, begin("2", match.StatusNoLocation, active)), noLocation()},
		"by one in trouble":   {act(begin("1", match.StatusRepeat, matched("x")), on("read ana1", trouble1)), trouble1},
		"not confirmed":       {act(begin("1", match.StatusClaimed, byBen(false)), notHis, begin("2", match.StatusRepeat, matched("x")), foundByBen()), nil},
		"not decided":         {act(begin("1", match.StatusClaimed, byBen(false)), none, pause, begin("2", match.StatusNoLocation, active)), noLocation()},
		"not to be looked at": {act(begin("1", match.StatusClaimed, byBen(false)), on("read ana1", trouble1)), trouble1},
	} {
		t.Run(name, func(t *testing.T) { asked(t, test.want, test.play) })
	}
}

func noLocation() error {
	return &match.Fault{Kind: match.Conflict, Text: "report your location first, or give lat and lng"}
}

// TestRepeatedMatch has the outcome that it had.
func TestRepeatedMatch(t *testing.T) {
	repeat := func(o match.Outcome) lines {
		return on("begin ana1 1", says{Status: match.StatusRepeat, Outcome: o})
	}
	asked(t, nil, repeat(match.Outcome{Kind: "ended", Match: "x", Reason: "left"}), on(`push ana1 {"type":"ended","id":"n1","match":"x","reason":"left"}`))
	asked(t, nil, repeat(match.Outcome{Kind: "cancelled"}), on(`push ana1 {"type":"ended","id":"n1","reason":"cancelled"}`))
	asked(t, nil, repeat(match.Outcome{Kind: "no_match", Radius: 500}), on(`push ana1 {"type":"no_match","id":"n1","radius":500}`))
	asked(t, noLocation(), repeat(match.Outcome{Kind: "open"}), on("sleep 60ms"), on("begin ana1 2", match.StatusNoLocation))
}

// TestMatchThatIsNotAnswered is begun again under another id: the first may still come.
func TestMatchThatIsNotAnswered(t *testing.T) {
	opened := gains(match.StatusOK, wish())
	searching := func(id string) says {
		a := underWay(match.Searching, wish())
		a.Route.Match = id
		return a
	}
	other := says{Status: match.StatusNoLocation, Route: &match.Route{Match: "1"}}
	lost := on("begin ana1 1", opened, trouble1)
	asked(t, nil, lost, on("begin ana1 2", opened), on("search for ana", hits()), on("give_up ana 2", match.StatusOther), on("apply ana"))
	asked(t, nil, lost, on("begin ana1 2", searching("1")), on("search for ana", hits()), on("give_up ana 1", match.StatusOther), on("apply ana"))
	asked(t, noLocation(), lost, on("begin ana1 2", searching("3")), on("sleep 60ms"), on("begin ana1 3", match.StatusNoLocation))
	asked(t, noLocation(), lost, on("begin ana1 2", other))
	asked(t, trouble2, lost, on("begin ana1 2", searching("1"), trouble2))
	asked(t, takenOver(), on("begin ana1 1", match.StatusReplaced))
	asked(t, context.Canceled, on("begin ana1 1", opened, context.Canceled)) // not one that may have been done

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := perform(t, lost)
	p.ends(p.Match(ctx, session("ana"), &protocol.Match{ID: "n1"}), trouble1)
}

func TestCancel(t *testing.T) {
	cancelled := gains(match.StatusCancelled, longing())
	cancelled.Changes = []match.Change{{List: true, Epoch: 7}}
	atOnce := cancelled
	atOnce.Request = &match.Request{ID: "m1", Created: 1}
	repeated := says{Status: match.StatusCancelled, Request: &match.Request{ID: "m1", Wait: true}}
	told := on(`push ana1 {"type":"ended","id":"c","reason":"cancelled"}`)
	for name, test := range map[string]struct {
		id   string
		play lines
		want error
	}{
		"one that waits": {"c", act(on("cancel ana1", cancelled), told, on("withdraw ana m1"), on("apply ana +7")), nil},
		"without an id": {"", act(on("cancel ana1", cancelled),
			on(`push ana1 {"type":"ended","id":"m1","reason":"cancelled"}`), on("withdraw ana m1"), on("apply ana +7")), nil},
		"one that does not": {"c", act(on("cancel ana1", atOnce), told, on("apply ana +7")), nil},
		"once more":         {"c", act(on("cancel ana1", repeated), told, on("apply ana")), nil},
		"not all of it": {"c", act(on("cancel ana1", cancelled), told, on("withdraw ana m1", trouble1),
			on("log withdraw a request: trouble 1"), on("apply ana +7", trouble2)), trouble2},
		"a match":            {"c", on("cancel ana1", match.StatusActive), &match.Fault{Kind: match.Conflict, Text: "the request has led to a match: end that"}},
		"nothing":            {"c", on("cancel ana1", match.StatusOther), &match.Fault{Kind: match.NotFound, Text: "there is no request under way"}},
		"nobody knows what":  {"c", on("cancel ana1", cancelled, trouble1), trouble1},
		"by an older device": {"c", on("cancel ana1", match.StatusReplaced), takenOver()},
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, test.play)
			p.ends(p.Cancel(t.Context(), session("ana"), test.id), test.want)
		})
	}
}
