package match_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/protocol"
)

// sendReport sends ben's location north(1), without an id.
func sendReport(t *testing.T, want error, steps ...script) {
	t.Helper()
	sendReportAs(t, "", want, steps...)
}

// sendReportAs sends it with an id.
func sendReportAs(t *testing.T, id string, want error, steps ...script) {
	t.Helper()
	s := scripted(t, steps...)
	at := north(1, 0)
	s.checkError(s.Report(t.Context(), session("ben"), &protocol.Location{ID: id, Lat: at.Lat, Lng: at.Lng, Seq: 3}, s.now), want)
}

// expectReport is the step of ben's location, with its result for the record and for the index.
func expectReport(r result, index match.Move, outcome ...any) script {
	if r.Status == "" {
		r.Status = match.StatusOK
	}
	r.Index = index
	return expect("report ben1", append(outcome, r)...)
}

func TestAReportIsStoredAsItCame(t *testing.T) {
	seven, zero, accuracy, heading, speed, no := int64(7), int64(0), 3.0, 90.0, 1.5, false
	tags, none := []string{"tall"}, []string{}
	arrival := time.UnixMilli(cacheTime)
	restricted := session("ben")
	restricted.Restricted, restricted.Tags = true, []string{"calm", "tall"}
	whole := match.Report{Position: match.Position{Point: geo.Point{Lat: 1, Lng: 2}, At: 7, Seq: 3, Motion: protocol.Motion{Accuracy: &accuracy, Heading: &heading, Speed: &speed}},
		Arrival: arrival, Available: &no, Tags: &tags}
	for name, test := range map[string]struct {
		x    match.Session
		q    protocol.Location
		want match.Report
	}{
		"only a point":          {session("ben"), protocol.Location{Lat: 1, Lng: 2}, match.Report{Position: match.Position{Point: geo.Point{Lat: 1, Lng: 2}}, Arrival: arrival}},
		"every field":           {session("ben"), protocol.Location{Lat: 1, Lng: 2, At: &seven, Seq: 3, Motion: protocol.Motion{Accuracy: &accuracy, Heading: &heading, Speed: &speed}, Available: &no, Tags: &tags}, whole},
		"at 0: stored as 1":     {session("ben"), protocol.Location{At: &zero}, match.Report{Position: match.Position{At: 1}, Arrival: arrival}},
		"tags of the token":     {restricted, protocol.Location{Tags: &tags}, match.Report{Arrival: arrival, Tags: &tags}},
		"an empty list of tags": {restricted, protocol.Location{Tags: &none}, match.Report{Arrival: arrival, Tags: &none}},
		"no tags field":         {restricted, protocol.Location{}, match.Report{Arrival: arrival}},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, expect("report ben1", match.StatusGone))
			s.checkError(s.Report(t.Context(), test.x, &test.q, arrival), &match.Fault{Kind: match.Gone, Text: "this connection has disconnected"})
			if diff := cmp.Diff(test.want, s.report); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	s := scripted(t)
	s.checkError(s.Report(t.Context(), restricted, &protocol.Location{Tags: &[]string{"tall", "rare"}}, arrival),
		&match.Fault{Kind: match.Forbidden, Text: "tags must be among those of the token"})
}

// A report goes to the record and the index in one trip, so a refused one may have moved the
// listing, which is then undone.
func TestARefusedReportMovesNothing(t *testing.T) {
	refused := func(status match.Status, undo ...int64) result {
		r := result{Status: status, Now: cacheTime, Advice: match.Available}
		for _, epoch := range undo {
			r.Undo = append(r.Undo, match.Change{List: true, Epoch: epoch})
		}
		return r
	}
	moved, absent, older := match.Move{Status: match.StatusMoved}, match.Move{Status: match.StatusAbsent}, match.Move{Status: match.StatusOlder}
	stale := &match.Fault{Kind: match.Stale, Now: cacheTime, Text: "at is older than 60 seconds: set your clock by now"}
	limited := &match.Fault{Kind: match.RateLimited, Text: "at most 5 locations a second in this pool, and 10 at once: report as advised"}
	relist := expect("relist ben", result{Changes: []match.Change{{List: true, Epoch: 9}}})
	ack := expect(`push ben1 {"type":"ack","id":"l1","report":{"afterSeconds":30,"moveMeters":50}}`)

	for name, test := range map[string]struct {
		id    string
		steps script
		want  error
	}{
		"stale: refused": {"l1", expectReport(refused(match.StatusStale), absent), stale},
		"stale, and the listing moved: it is moved back":         {"l1", join(expectReport(refused(match.StatusStale, 8), moved), expect("apply ben +8")), stale},
		"too often: refused":                                     {"l1", expectReport(refused(match.StatusRateLimited), absent), limited},
		"too often, and the listing moved: it is moved back":     {"l1", join(expectReport(refused(match.StatusRateLimited, 8), moved), expect("apply ben +8")), limited},
		"late: only acknowledged":                                {"l1", join(expectReport(refused(match.StatusLate, 8), older), ack), nil},
		"late, without an id: no ack":                            {"", expectReport(refused(match.StatusLate, 8), older), nil},
		"late, and the listing moved: it is moved back":          {"l1", join(expectReport(refused(match.StatusLate, 8), moved), expect("apply ben +8"), ack), nil},
		"late, and not listed: it is listed":                     {"l1", join(expectReport(refused(match.StatusLate, 8), absent), expect("apply ben +8"), ack), nil},
		"late, and unavailable: nothing to list":                 {"l1", join(expectReport(refused(match.StatusLate), absent), expect("apply ben"), ack), nil},
		"late, and the listing cannot be moved back: the error":  {"", join(expectReport(refused(match.StatusLate, 8), moved), expect("apply ben +8", err1)), err1},
		"stale, and the listing cannot be moved back: the error": {"l1", join(expectReport(refused(match.StatusStale, 8), moved), expect("apply ben +8", err1)), err1},

		"the step fails: the error":                                 {"l1", expectReport(refused(match.StatusOK), absent, err1), err1},
		"the record fails, and the listing moved: it is relisted":   {"l1", join(expectReport(refused(match.StatusOK), moved, err1), relist, expect("apply ben +9")), err1},
		"the record fails, and so does the relist: the first error": {"l1", join(expectReport(refused(match.StatusOK), moved, err1), expect("relist ben", result{Changes: []match.Change{{Epoch: 9}}}, err2)), err1},
		"the record fails, and so does the listing: its error":      {"l1", join(expectReport(refused(match.StatusOK), moved, err1), relist, expect("apply ben +9", err2)), err2},
		"the record fails, and the undo is known: it is moved back": {"l1", join(expectReport(refused(match.StatusOK, 8), moved, err1), expect("apply ben +8")), err1},
		"replaced: refused": {"l1", expectReport(refused(match.StatusReplaced), absent), replaced()},
		"replaced, and the listing moved: it is relisted": {"l1", join(expectReport(refused(match.StatusReplaced), moved), relist, expect("apply ben +9")), replaced()},
		"the session is unknown: it is connected first":   {"l1", join(expectReport(refused(match.StatusUnknown), absent), connect("ben"), expectReport(refused(match.StatusLate, 8), older), ack), nil},
	} {
		t.Run(name, func(t *testing.T) { sendReportAs(t, test.id, test.want, test.steps) })
	}
}

func TestAReportCorrectsTheIndex(t *testing.T) {
	cell := geo.ShardCell(north(1, 0).Point)
	change := func(in geo.Cell, epoch int64) match.Change { return match.Change{Cell: in, Epoch: epoch} }
	with := func(r result, changes ...match.Change) result {
		r.Changes = changes
		return r
	}
	moved, absent := match.Move{Status: match.StatusMoved, Epoch: 6}, match.Move{Status: match.StatusAbsent}
	listed, unlisted := result{Listed: true, Epoch: 6}, result{Epoch: 6}
	confirmed, unconfirmed := unlisted, unlisted
	confirmed.Claim, unconfirmed.Claim = claim(0, true), claim(0, false)
	relist := func(outcome ...any) script {
		return expect("relist ben", append(outcome, result{Changes: []match.Change{{List: true, Epoch: 9}}})...)
	}
	searching := expect("watch ana x ben", match.StatusSearching)
	for name, test := range map[string]struct {
		steps script
		want  error
	}{
		"listed and moved: nothing to correct":                            {join(expectReport(listed, moved), expect("apply ben")), nil},
		"listed in another cell: both cells are changed":                  {join(expectReport(with(listed, change("far", 4), change(cell, 5)), absent), expect("apply ben -4 -5")), nil},
		"listed but absent: relisted":                                     {join(expectReport(listed, absent), relist(), expect("apply ben +9")), nil},
		"listed but absent, with another change: that and the relisting":  {join(expectReport(with(listed, change("far", 4)), absent), relist(), expect("apply ben -4 +9")), nil},
		"the relist fails: the error":                                     {join(expectReport(listed, absent), relist(err1)), err1},
		"unlisted but moved: unlisted":                                    {join(expectReport(unlisted, moved), expect("apply ben -6")), nil},
		"unlisted but moved, with another change: that and the unlisting": {join(expectReport(with(unlisted, change("far", 4)), moved), expect("apply ben -4 -6")), nil},
		"unlisted by the record's own change: only that":                  {join(expectReport(with(unlisted, change(cell, 5)), moved), expect("apply ben -5")), nil},
		"unlisted and absent: nothing to correct":                         {join(expectReport(unlisted, absent), expect("apply ben")), nil},
		"matched but moved: unlisted":                                     {join(expectReport(confirmed, moved), expect("apply ben -6"), searching), nil},
		"claimed and moved: stays listed until the claim is confirmed":    {join(expectReport(unconfirmed, moved), expect("apply ben"), searching), nil},
		"the listing fails: the error":                                    {join(expectReport(listed, moved), expect("apply ben", err1)), err1},
	} {
		t.Run(name, func(t *testing.T) { sendReport(t, test.want, test.steps) })
	}
}

// Both trips return requests. None is woken if the member is unlisted or claimed.
func TestAReportWakesWaitingRequests(t *testing.T) {
	index := match.Move{Status: match.StatusMoved, Waiting: []match.WaitingRequest{requestOf("abe", 2, 1)}}
	waiting := []match.WaitingRequest{requestOf("ada", 1, 1)}
	claimed := result{Listed: true, Claim: claim(0, false)}
	sendReport(t, nil, expectReport(result{Listed: true}, index), expect("apply ben", waiting),
		expect("lease ada 1", match.StatusSearching), expect("lease abe 2", match.StatusSearching))
	sendReport(t, nil, expectReport(result{Epoch: 6}, index), expect("apply ben -6", waiting))
	sendReport(t, nil, expectReport(claimed, index), expect("apply ben", waiting), expect("watch ana x ben", match.StatusSearching))
}

func TestAReportGetsAnAckIfItHasAnIDOrTheAdviceChanged(t *testing.T) {
	const ack = `push ben1 {"type":"ack","id":"l1","report":{"afterSeconds":30,"moveMeters":50}}`
	moved := match.Move{Status: match.StatusMoved}
	advised := result{Listed: true, AdviceChanged: true, Advice: match.Watched}
	sendReportAs(t, "l1", nil, expectReport(result{Listed: true, Advice: match.Available}, moved), expect("apply ben"), expect(ack))
	sendReportAs(t, "", nil, expectReport(result{Listed: true, Advice: match.Available}, moved), expect("apply ben"))
	sendReportAs(t, "", nil, expectReport(advised, moved), expect("apply ben"), expect(`push ben1 {"type":"ack","report":{"afterSeconds":3,"moveMeters":15}}`))
}
