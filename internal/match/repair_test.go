package match_test

import (
	"testing"
	"time"

	"waggle/internal/match"
)

// moment is the cache's time in these plays, epoch ms.
const moment = 50_000

// claim is ana's on ben, for a match x, so many milliseconds old.
func claim(age int64, confirmed bool) *match.Claim {
	return &match.Claim{Matcher: member("ana"), Match: "x", At: moment - age, Confirmed: confirmed}
}

// route is ana's, who has a match x with ben, or had it.
func route(state match.State, told bool) *match.Route {
	return &match.Route{State: state, Match: "x", Matchee: member("ben"), Notified: told, Request: wish(), Reason: "completed"}
}

// half is the answer to who reads one half of the match.
func half(c *match.Claim, r *match.Route) says {
	a := says{Status: match.StatusOK, Now: moment, Claim: c, Route: r}
	if c != nil {
		at, accuracy, heading, speed := north(1, 5), 3.0, 90.0, 1.5
		at.Seq, at.Accuracy, at.Heading, at.Speed = 2, &accuracy, &heading, &speed
		a.Position = &at
	}
	return a
}

// released gives ben's claim back for that reason.
func released(reason string) lines {
	return act(on("release ana x ben "+reason, match.StatusReleased), on("apply ben"))
}

// finished ends ana's match x, which neither is told of.
func finished(reason string) lines {
	return act(on("finish ana x ben "+reason, match.StatusAlreadyEnded), on("release ana x ben", match.StatusOther), on("apply ana"), beside("apply ben"))
}

// noMatch is the answer to who is in none.
func noMatch() error { return &match.Fault{Kind: match.NotFound, Text: "there is no match under way"} }

// What locate shows of the other side of the match x: to ben the request's point, to ana
// where ben is.
const (
	shownAna = `push ben1 {"type":"location","id":"i","match":"x","lat":37.775,"lng":-122.42,"at":1,"seq":0}`
	shownBen = `push ana1 {"type":"location","id":"i","match":"x","lat":37.776,"lng":-122.42,"at":5,"seq":2,"accuracy":3,"heading":90,"speed":1.5}`
)

func TestMatcheeFindsTheOtherHalf(t *testing.T) {
	has := func(state match.State, told bool) says { return half(nil, route(state, told)) }
	another := func(state match.State) says {
		a := has(state, false)
		a.Route.Match = "y"
		return a
	}
	withAnother := func(state match.State) says {
		a := has(state, false)
		a.Route.Matchee = member("cyd")
		return a
	}
	nothing, past := half(nil, nil), half(nil, nil)
	past.Ends = []match.End{{Match: "w", Reason: "left"}, {Match: "x", Reason: "cancelled"}, {Match: "y", Reason: "completed"}}
	shown := act(on("watch ana x ben", match.StatusActive), on(shownAna))
	repaired := act(made("ana", "x", "ben"), shown, beside("apply ana"), beside("apply ben"), on("notified ana x active"))
	yours := gains(match.StatusYours, wish())

	for name, test := range map[string]struct {
		claim *match.Claim
		other says
		play  lines
		want  error
	}{
		"it is active":               {claim(9000, true), has(match.Active, true), shown, nil},
		"both will be told soon":     {claim(3000, true), has(match.Active, false), shown, nil},
		"both should have been told": {claim(3001, true), has(match.Active, false), repaired, nil},
		"it is not confirmed":        {claim(0, false), has(match.Active, true), repaired, nil},
		"it cannot be":               {claim(0, false), has(match.Active, true), on("commit ana x ben", yours, trouble1), trouble1},
		"it is over by then": {claim(0, false), has(match.Active, true),
			act(on("commit ana x ben", gains(match.StatusRefused, wish())), released("lost")), noMatch()},
		"nor can that be undone": {claim(0, false), has(match.Active, true),
			act(on("commit ana x ben", match.StatusRefused), on("release ana x ben lost", trouble1)), trouble1},
		"the claim is gone by then": {claim(0, false), has(match.Active, true),
			act(on("commit ana x ben", yours), on("confirm ana x ben", match.StatusRefused)), noMatch()},
		"that is not to be known": {claim(0, false), has(match.Active, true),
			act(on("commit ana x ben", yours), on("confirm ana x ben", half(claim(0, false), nil), trouble1)), trouble1},

		"it is searching":    {claim(9000, false), has(match.Searching, false), nil, noMatch()},
		"for another match":  {claim(9000, false), another(match.Searching), released("lost"), noMatch()},
		"in another match":   {claim(9000, true), another(match.Active), released("lost"), noMatch()},
		"with another":       {claim(9000, true), withAnother(match.Active), released("lost"), noMatch()},
		"it waits":           {claim(9000, true), has(match.Waiting, false), released("lost"), noMatch()},
		"it has no route":    {claim(9000, true), nothing, released("lost"), noMatch()},
		"it knows why":       {claim(9000, true), past, released("cancelled"), noMatch()},
		"it ended":           {claim(9000, true), has(match.Ended, true), released("lost"), noMatch()},
		"not for both":       {claim(9000, true), has(match.Ended, false), finished("completed"), noMatch()},
		"another ended":      {claim(9000, true), another(match.Ended), released("lost"), noMatch()},
		"one with another":   {claim(9000, true), withAnother(match.Ended), released("lost"), noMatch()},
		"nor released":       {claim(9000, true), nothing, on("release ana x ben lost", trouble1), trouble1},
		"nor ended for both": {claim(9000, true), has(match.Ended, false), on("finish ana x ben completed", trouble1), trouble1},
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, on("read ben1", half(test.claim, nil)), on("read ana", test.other), test.play)
			p.ends(p.Locate(t.Context(), session("ben"), "i"), test.want)
		})
	}
	p := perform(t, on("read ben1", half(claim(9000, true), nil)), on("read ana", has(match.Active, true), trouble1))
	p.ends(p.Locate(t.Context(), session("ben"), "i"), trouble1)
}

func TestMatcherFindsTheOtherHalf(t *testing.T) {
	has := func(change func(*says)) says {
		a := half(claim(9000, true), nil)
		change(&a)
		return a
	}
	whole, none := half(claim(9000, true), nil), half(nil, nil)
	shown := act(on("watch ana x ben", match.StatusActive), on(shownBen))
	repaired := act(made("ana", "x", "ben"), shown, beside("apply ana"), beside("apply ben"), on("notified ana x active"))
	for name, test := range map[string]struct {
		told  bool
		other says
		play  lines
		want  error
	}{
		"it is claimed":              {true, whole, shown, nil},
		"both will be told soon":     {false, half(claim(3000, true), nil), shown, nil},
		"both should have been told": {false, half(claim(3001, true), nil), repaired, nil},
		"it is not confirmed":        {true, half(claim(0, false), nil), repaired, nil},
		"it cannot be":               {true, half(claim(0, false), nil), on("commit ana x ben", trouble1), trouble1},
		"it is over by then":         {true, half(claim(0, false), nil), act(on("commit ana x ben", match.StatusRefused), released("lost")), noMatch()},
		"it is not claimed":          {true, none, finished("lost"), noMatch()},
		"for another match":          {true, has(func(a *says) { a.Claim.Match = "y" }), finished("lost"), noMatch()},
		"by another":                 {true, has(func(a *says) { a.Claim.Matcher = member("cyd") }), finished("lost"), noMatch()},
		"it has been nowhere":        {true, has(func(a *says) { a.Position = nil }), finished("lost"), noMatch()},
		"it cannot be ended":         {true, none, on("finish ana x ben lost", trouble1), trouble1},
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, on("read ana1", half(nil, route(match.Active, test.told))), on("read ben", test.other), test.play)
			p.ends(p.Locate(t.Context(), session("ana"), "i"), test.want)
		})
	}
	p := perform(t, on("read ana1", half(nil, route(match.Active, true))), on("read ben", whole, trouble1))
	p.ends(p.Locate(t.Context(), session("ana"), "i"), trouble1)
}

func TestMatcherWithoutAMatch(t *testing.T) {
	for name, test := range map[string]struct {
		route *match.Route
		play  lines
		want  error
	}{
		"there is no request": {nil, nil, noMatch()},
		"it is searched for":  {route(match.Searching, false), nil, noMatch()},
		"it ended":            {route(match.Ended, true), nil, noMatch()},
		"not for both":        {route(match.Ended, false), finished("completed"), noMatch()},
		"nor can it be":       {route(match.Ended, false), on("finish ana x ben completed", trouble1), trouble1},
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, on("read ana1", half(nil, test.route)), test.play)
			p.ends(p.Locate(t.Context(), session("ana"), "i"), test.want)
		})
	}
}

// TestBothHalves: of a member with a claim and a route, the claim is looked at first.
func TestBothHalves(t *testing.T) {
	mine := half(claim(9000, true), nil)
	mine.Route = &match.Route{State: match.Active, Match: "z", Matchee: member("cyd"), Notified: true, Request: wish()}
	cyds := half(&match.Claim{Matcher: member("ben"), Match: "z", Confirmed: true}, nil)
	cyds.Position.Accuracy, cyds.Position.Heading, cyds.Position.Speed = nil, nil, nil
	p := perform(t, on("read ben1", mine), on("read ana", half(nil, nil)), released("lost"),
		on("read cyd", cyds), on("watch ben z cyd", match.StatusActive),
		on(`push ben1 {"type":"location","id":"i","match":"z","lat":37.776,"lng":-122.42,"at":5,"seq":2}`))
	p.ends(p.Locate(t.Context(), session("ben"), "i"), nil)

	p = perform(t, on("read ben1", mine), on("read ana", half(nil, nil), trouble1))
	p.ends(p.Locate(t.Context(), session("ben"), "i"), trouble1)
}

// TestMatchIsShownWhileItLasts: the route has the last word, if it is quick.
func TestMatchIsShownWhileItLasts(t *testing.T) {
	watch := func(comes ...any) lines { return on("watch ana x ben", comes...) }
	const late = 2001 * time.Millisecond
	for name, test := range map[string]struct {
		play lines
		want error
	}{
		"it does":            {act(watch(match.StatusActive, 2*time.Second), on(shownBen)), nil},
		"it has ended":       {watch(match.StatusAlreadyEnded), noMatch()},
		"nobody knows":       {watch(match.StatusActive, trouble1), trouble1},
		"it did a while ago": {act(watch(match.StatusActive, late), watch(match.StatusActive, late), watch(match.StatusActive), on(shownBen)), nil},
		"it did, and ended":  {act(watch(match.StatusActive, late), watch(match.StatusAlreadyEnded)), noMatch()},
		"the cache is slow":  {act(watch(match.StatusActive, late), watch(match.StatusActive, late), watch(match.StatusActive, late)), match.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, on("read ana1", half(nil, route(match.Active, true))), on("read ben", half(claim(9000, true), nil)), test.play)
			p.ends(p.Locate(t.Context(), session("ana"), "i"), test.want)
		})
	}
}

// TestMatchIsMade: what both are told, and what is taken out of the index.
func TestMatchIsMade(t *testing.T) {
	const (
		ana     = `push ana1 {"type":"matched","id":"m1","match":"1","role":"matcher","peer":{"lat":37.776,"lng":-122.42,"at":5,"distance":111.2,"card":"B"},"report":{"afterSeconds":20,"moveMeters":1000}}`
		ben     = `push ben1 {"type":"matched","match":"1","role":"matchee","peer":{"lat":37.775,"lng":-122.42,"at":1,"distance":111.2,"card":"A"},"report":{"afterSeconds":3,"moveMeters":15}}`
		benAsks = `push ben1 {"type":"matched","id":"b7","match":"1","role":"matchee","peer":{"lat":37.775,"lng":-122.42,"at":1,"distance":111.2,"card":"A"},"report":{"afterSeconds":3,"moveMeters":15}}`
		late    = 2001 * time.Millisecond
	)
	at := north(1, 5)
	committed := gains(match.StatusYours, wish())
	committed.Connection, committed.Card, committed.Changes = "ana1", `"A"`, []match.Change{{Epoch: 3}}
	confirmed := says{Status: match.StatusYours, Connection: "ben1", Card: `"B"`, Changes: []match.Change{{Epoch: 4}}, Position: &at}
	waits, asked, seeks := committed, confirmed, confirmed
	waits.Request = &match.Request{ID: "m1", Point: here(), Radius: 500, Created: 1, Wait: true}
	asked.Request = &match.Request{ID: "b7"}
	seeks.Request = &match.Request{ID: "b7", Point: here(), Radius: 500, Wait: true}
	unlisted := act(on("apply ana -3"), beside("apply ben -4"))
	nowhere, refused, nothing := confirmed, confirmed, committed
	nowhere.Position, refused.Status, nothing.Request = nil, match.StatusRefused, nil

	for name, test := range map[string]struct {
		commit, confirm says
		takes           time.Duration
		play            lines
	}{
		"in time":                          {committed, confirmed, 2 * time.Second, act(unlisted, beside(ana), beside(ben), on("notified ana 1 active"))},
		"too late to tell":                 {committed, confirmed, late, unlisted},
		"the matcher waited":               {waits, confirmed, 0, act(unlisted, beside("withdraw ana m1"), beside(ana), beside(ben), on("notified ana 1 active"))},
		"the matchee waited":               {committed, seeks, 0, act(unlisted, beside("withdraw ben b7"), beside(ana), beside(benAsks), on("notified ana 1 active"))},
		"both waited, and it is late":      {waits, seeks, late, act(unlisted, beside("withdraw ben b7"), beside("withdraw ana m1"))},
		"the matchee had asked":            {committed, asked, 0, act(unlisted, beside(ana), beside(benAsks), on("notified ana 1 active"))},
		"the claim was not there any more": {committed, refused, 0, nil},
		"nor the matchee's place":          {committed, nowhere, 0, nil},
		"nor the request":                  {nothing, confirmed, 0, nil},
		"nothing of that works": {waits, seeks, 0, act(on("apply ana -3", trouble1), beside("log unlist the matcher: trouble 1"),
			beside("apply ben -4", trouble2), beside("log unlist the matchee: trouble 2"),
			beside("withdraw ana m1", trouble1), beside("log withdraw a request: trouble 1"),
			beside("withdraw ben b7", trouble2), beside("log withdraw a request: trouble 2"),
			beside(ana, trouble1), beside("log push failed: trouble 1"), beside(benAsks, trouble2), beside("log push failed: trouble 2"),
			on("notified ana 1 active", trouble1), on("log note that both were notified: trouble 1"))},
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, found(seen("ben", 1)), on("claim ana 1 ben 5", match.StatusYours),
				on("commit ana 1 ben", test.commit), on("confirm ana 1 ben", test.confirm, test.takes), test.play)
			p.ends(p.Match(t.Context(), session("ana"), asks()), nil)
		})
	}
}
