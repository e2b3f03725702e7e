package match_test

import (
	"testing"
	"time"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// TestReportIsShown to the matcher that watches the member, if the route says so.
func TestReportIsShown(t *testing.T) {
	const shown = `push ana1 {"type":"location","match":"x","lat":37.776,"lng":-122.42,"at":49000,"seq":3}`
	moved := func(c *match.Claim) lines {
		return act(report(says{Now: moment, At: 49_000, Claim: c}, match.Move{}), on("apply ben"))
	}
	watch := func(told bool, comes ...any) lines {
		return on("watch ana x ben", append(comes, says{Status: match.StatusActive, Connection: "ana1", Notified: told})...)
	}
	ended := func(status match.Status, reason string) lines {
		return on("watch ana x ben", says{Status: status, Reason: reason})
	}
	whole := meet("ana", "x", "ben")
	yours := gains(match.StatusYours, wish())
	for name, play := range map[string]lines{
		"it is active":               act(moved(claim(9000, true)), watch(true), on(shown)),
		"it is new":                  act(moved(claim(1000, true)), watch(false), on(shown)),
		"both will be told soon":     act(moved(claim(3000, true)), watch(false), on(shown)),
		"both should have been told": act(moved(claim(3001, true)), watch(false), whole, on(shown)),
		"it will be confirmed soon":  act(moved(claim(3000, false)), watch(true)),
		"it should have been":        act(moved(claim(3001, false)), watch(true), whole, on(shown)),
		"and cannot be":              act(moved(claim(3001, false)), watch(true), on("commit ana x ben", yours, trouble1), on("log complete a match: trouble 1")),
		"and is no more": act(moved(claim(3001, false)), watch(true), on("commit ana x ben", yours),
			on("confirm ana x ben", match.StatusRefused)),
		"it takes long to know":        act(moved(claim(9000, true)), watch(true, 2*time.Second), on(shown)),
		"it takes too long":            act(moved(claim(9000, true)), watch(true, 2001*time.Millisecond)),
		"it is decided":                act(moved(claim(9000, false)), on("watch ana x ben", match.StatusSearching)),
		"it has ended":                 act(moved(claim(9000, true)), ended(match.StatusAlreadyEnded, "cancelled"), released("cancelled")),
		"nothing is known of it":       act(moved(claim(9000, true)), ended(match.StatusOther, ""), released("lost")),
		"it cannot be given back":      act(moved(claim(9000, true)), ended(match.StatusOther, ""), on("release ana x ben lost", trouble1), on("log release a claim: trouble 1")),
		"that is not to be known":      act(moved(claim(9000, true)), watch(true, trouble1), on("log show a location: trouble 1")),
		"nobody has a claim on it yet": moved(nil),
	} {
		t.Run(name, func(t *testing.T) { reports(t, nil, play) })
	}
}

// TestReportIsShownInFull, while who sent it is answered.
func TestReportIsShownInFull(t *testing.T) {
	accuracy, heading, speed := 3.0, 90.0, 1.5
	p := perform(t, report(says{Now: moment, At: 49_000, Claim: claim(9000, true), Advice: match.Watched}, match.Move{}), on("apply ben"),
		on("watch ana x ben", says{Status: match.StatusActive, Connection: "ana1", Notified: true}),
		beside(`push ana1 {"type":"location","match":"x","lat":37.776,"lng":-122.42,"at":49000,"seq":3,"accuracy":3,"heading":90,"speed":1.5}`),
		beside(`push ben1 {"type":"ack","id":"l1","report":{"afterSeconds":3,"moveMeters":15}}`))
	p.ends(p.Report(t.Context(), session("ben"), &protocol.Location{ID: "l1", Lat: 37.776, Lng: -122.42, Seq: 3,
		Motion: protocol.Motion{Accuracy: &accuracy, Heading: &heading, Speed: &speed}}, p.now), nil)
}

// TestReportTendsToTheRest: the caller's own request or match.
func TestReportTendsToTheRest(t *testing.T) {
	stored := func(state match.State, registered, told bool) lines {
		r := &match.Route{State: state, Match: "y", Matchee: member("cyd"), Notified: told, Reason: "completed", Request: longing()}
		r.Request.Registered = registered
		return act(report(says{Route: r, Listed: true}, match.Move{Status: match.StatusMoved}), on("apply ben"))
	}
	parted := func(reason string) lines {
		return act(on("finish ben y cyd "+reason, match.StatusAlreadyEnded), on("release ben y cyd", match.StatusOther), on("apply ben"), beside("apply cyd"))
	}
	mine := half(&match.Claim{Matcher: member("ben"), Match: "y", At: moment, Confirmed: true}, nil)
	for name, test := range map[string]struct {
		play lines
		want error
	}{
		"it waits":                 {act(stored(match.Waiting, false, false), on("register ben m1", hits()), on("registered ben m1", true)), nil},
		"it searches":              {stored(match.Searching, false, false), nil},
		"it waits everywhere":      {stored(match.Waiting, true, false), nil},
		"and cannot be registered": {act(stored(match.Waiting, false, false), on("register ben m1", hits(), trouble1), on("log register a waiting request: trouble 1")), nil},
		"it is in a match":         {act(stored(match.Active, false, true), on("read cyd", mine)), nil},
		"with nobody":              {act(stored(match.Active, false, true), on("read cyd"), parted("lost")), nil},
		"nobody knows":             {act(stored(match.Active, false, true), on("read cyd", trouble1)), trouble1},
		"it ended":                 {stored(match.Ended, false, true), nil},
		"not for both":             {act(stored(match.Ended, false, false), parted("completed")), nil},
		"nor can it be":            {act(stored(match.Ended, false, false), on("finish ben y cyd completed", trouble1)), trouble1},
	} {
		t.Run(name, func(t *testing.T) { reports(t, test.want, test.play) })
	}
}
