package match_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

func TestTheFiguresAreWhatTheWorkCameTo(t *testing.T) {
	ben, cyd := candidate("ben", 1), candidate("cyd", 2)
	once := func(r match.Repair) match.Figures { return match.Figures{Repairs: map[match.Repair]int{r: 1}} }
	matches := func(s *scriptedService) error {
		return s.Match(t.Context(), session("ana"), matchMessage())
	}
	locates := func(s *scriptedService) error {
		return s.Locate(t.Context(), session("ben"), "i")
	}
	pings := func(s *scriptedService) error { return s.Ping(t.Context(), session("ana"), "i") }
	half := func(other result, steps ...script) script {
		return join(expect("read ben1", snapshot(claim(9000, true), nil)), expect("read ana", other), join(steps...))
	}
	untold := snapshot(nil, route(match.Active, true))
	untold.Tell = true
	for name, test := range map[string]struct {
		message func(*scriptedService) error
		steps   script
		err     error
		want    match.Figures
	}{
		"a match": {matches, join(beginFinds(cyd, ben), expect("claim ana 1 ben 5", match.StatusTaken), expect("claim ana 1 cyd 5", match.StatusYours), makeMatch("ana", "1", "cyd")), nil,
			match.Figures{Outcomes: map[match.RequestOutcome]int{match.OutcomeMatched: 1}, Refused: map[match.Status]int{match.StatusTaken: 1},
				Searches: []match.Searched{{Cells: 1, Candidates: 2}}}},
		"nobody": {matches, join(beginFinds(), expect("give_up ana 1", withRequest(match.StatusNoMatch, request())), expect("apply ana")), nil,
			match.Figures{Outcomes: map[match.RequestOutcome]int{match.OutcomeNoMatch: 1}, Searches: []match.Searched{{Cells: 1}}}},
		"half a match is finished": {locates, half(untold, makeMatch("ana", "x", "ben"), expect("watch ana x ben", match.StatusActive), expect(locatedAna)), nil, once(match.RepairFinished)},
		"half a match is undone":   {locates, half(snapshot(nil, nil), releaseClaim("lost")), noMatch(), once(match.RepairUndone)},
		"an end is completed":      {locates, half(snapshot(nil, route(match.Ended, false)), finishMatch("completed")), noMatch(), once(match.RepairEnded)},
		"nothing":                  {pings, join(expect("read ana1", snapshot(nil, nil)), expect(`push ana1 {"type":"pong","id":"i","now":50000}`)), nil, match.Figures{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, test.steps)
			var got []match.Figures
			s.Measure = func(f match.Figures) { got = append(got, f) }
			s.checkError(test.message(s), test.err)
			if diff := cmp.Diff([]match.Figures{test.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A location is shown so long after its arrival.
func TestTheFiguresHaveHowLongALocationTookToThePeer(t *testing.T) {
	s := scripted(t, expectReport(result{Now: cacheTime, At: 49_000, Claim: claim(9000, true)}), expect("apply ben"),
		expect("watch ana x ben", result{Status: match.StatusActive, Connection: "ana1"}),
		expect(`push ana1 {"type":"location","match":"x","lat":37.776,"lng":-122.42,"at":49000,"seq":3}`))
	var got match.Figures
	s.Measure = func(f match.Figures) { got = f }
	s.checkError(s.Report(t.Context(), session("ben"), &protocol.Location{Lat: 37.776, Lng: -122.42, Seq: 3}, s.now.Add(-time.Second)), nil)
	if diff := cmp.Diff(match.Figures{ShownAfter: []time.Duration{time.Second}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
