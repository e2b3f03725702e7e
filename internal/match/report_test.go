package match_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/protocol"
)

// reports performs a location of ben's, from north(1), without an id.
func reports(t *testing.T, want error, play ...lines) {
	t.Helper()
	reportsAs(t, "", want, play...)
}

func reportsAs(t *testing.T, id string, want error, play ...lines) {
	t.Helper()
	p := perform(t, play...)
	at := north(1, 0)
	p.ends(p.Report(t.Context(), session("ben"), &protocol.Location{ID: id, Lat: at.Lat, Lng: at.Lng, Seq: 3}, p.now), want)
}

// report is the step, and what comes of it for record and index.
func report(a says, m match.Move, comes ...any) lines {
	if a.Status == "" {
		a.Status = match.StatusOK
	}
	a.Index = m
	return on("report ben1", append(comes, a)...)
}

func TestReportSaysWhatCame(t *testing.T) {
	seven, zero, accuracy, heading, speed, no := int64(7), int64(0), 3.0, 90.0, 1.5, false
	tags, none := []string{"tall"}, []string{}
	arrival := time.UnixMilli(moment)
	restricted := session("ben")
	restricted.Restricted, restricted.Tags = true, []string{"calm", "tall"}
	whole := match.Report{Position: match.Position{Point: geo.Point{Lat: 1, Lng: 2}, At: 7, Seq: 3, Motion: protocol.Motion{Accuracy: &accuracy, Heading: &heading, Speed: &speed}},
		Arrival: arrival, Available: &no, Tags: &tags}
	for name, test := range map[string]struct {
		x    match.Session
		q    protocol.Location
		want match.Report
	}{
		"a place":          {session("ben"), protocol.Location{Lat: 1, Lng: 2}, match.Report{Position: match.Position{Point: geo.Point{Lat: 1, Lng: 2}}, Arrival: arrival}},
		"everything":       {session("ben"), protocol.Location{Lat: 1, Lng: 2, At: &seven, Seq: 3, Motion: protocol.Motion{Accuracy: &accuracy, Heading: &heading, Speed: &speed}, Available: &no, Tags: &tags}, whole},
		"very long ago":    {session("ben"), protocol.Location{At: &zero}, match.Report{Position: match.Position{At: 1}, Arrival: arrival}},
		"tags that it may": {restricted, protocol.Location{Tags: &tags}, match.Report{Arrival: arrival, Tags: &tags}},
		"no tags":          {restricted, protocol.Location{Tags: &none}, match.Report{Arrival: arrival, Tags: &none}},
		"nothing of tags":  {restricted, protocol.Location{}, match.Report{Arrival: arrival}},
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, on("report ben1", match.StatusGone))
			p.ends(p.Report(t.Context(), test.x, &test.q, arrival), &match.Fault{Kind: match.Gone, Text: "this connection has disconnected"})
			if diff := cmp.Diff(test.want, p.report); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	p := perform(t)
	p.ends(p.Report(t.Context(), restricted, &protocol.Location{Tags: &[]string{"tall", "rare"}}, arrival),
		&match.Fault{Kind: match.Forbidden, Text: "tags must be among those of the token"})
}

// TestReportThatIsRefused has moved nothing in the end. It goes to record and index at the
// same time, so that the index may have to be put right.
func TestReportThatIsRefused(t *testing.T) {
	refused := func(status match.Status, back ...int64) says {
		a := says{Status: status, Now: moment, Advice: match.Available}
		for _, epoch := range back {
			a.Undo = append(a.Undo, match.Change{List: true, Epoch: epoch})
		}
		return a
	}
	known, unknown, older := match.Move{Status: match.StatusMoved}, match.Move{Status: match.StatusAbsent}, match.Move{Status: match.StatusOlder}
	stale := &match.Fault{Kind: match.Stale, Now: moment, Text: "at is older than 60 seconds: set your clock by now"}
	limited := &match.Fault{Kind: match.RateLimited, Text: "at most 5 locations a second in this pool, and 10 at once: report as advised"}
	again := on("relist ben", says{Changes: []match.Change{{List: true, Epoch: 9}}})
	ack := on(`push ben1 {"type":"ack","id":"l1","report":{"afterSeconds":30,"moveMeters":50}}`)

	for name, test := range map[string]struct {
		id   string
		play lines
		want error
	}{
		"stale":                     {"l1", report(refused(match.StatusStale), unknown), stale},
		"stale, and moved":          {"l1", act(report(refused(match.StatusStale, 8), known), on("apply ben +8")), stale},
		"too often":                 {"l1", report(refused(match.StatusRateLimited), unknown), limited},
		"too often, and moved":      {"l1", act(report(refused(match.StatusRateLimited, 8), known), on("apply ben +8")), limited},
		"late":                      {"l1", act(report(refused(match.StatusLate, 8), older), ack), nil},
		"late, and nobody asks":     {"", report(refused(match.StatusLate, 8), older), nil},
		"late, and moved":           {"l1", act(report(refused(match.StatusLate, 8), known), on("apply ben +8"), ack), nil},
		"late, and never listed":    {"l1", act(report(refused(match.StatusLate, 8), unknown), on("apply ben +8"), ack), nil},
		"late, and nobody to find":  {"l1", act(report(refused(match.StatusLate), unknown), on("apply ben"), ack), nil},
		"late, for one that is not": {"", act(report(refused(match.StatusLate, 8), known), on("apply ben +8", trouble1)), trouble1},
		"not put right":             {"l1", act(report(refused(match.StatusStale, 8), known), on("apply ben +8", trouble1)), trouble1},

		"nobody knows":            {"l1", report(refused(match.StatusOK), unknown, trouble1), trouble1},
		"nobody knows, and moved": {"l1", act(report(refused(match.StatusOK), known, trouble1), again, on("apply ben +9")), trouble1},
		"and is not found":        {"l1", act(report(refused(match.StatusOK), known, trouble1), on("relist ben", says{Changes: []match.Change{{Epoch: 9}}}, trouble2)), trouble1},
		"and is not put right":    {"l1", act(report(refused(match.StatusOK), known, trouble1), again, on("apply ben +9", trouble2)), trouble2},
		"and it is known where":   {"l1", act(report(refused(match.StatusOK, 8), known, trouble1), on("apply ben +8")), trouble1},
		"replaced":                {"l1", report(refused(match.StatusReplaced), unknown), takenOver()},
		"replaced, and moved":     {"l1", act(report(refused(match.StatusReplaced), known), again, on("apply ben +9")), takenOver()},
		"not known at first":      {"l1", act(report(refused(match.StatusUnknown), unknown), listed("ben"), report(refused(match.StatusLate, 8), older), ack), nil},
	} {
		t.Run(name, func(t *testing.T) { reportsAs(t, test.id, test.want, test.play) })
	}
}

// TestReportIsIndexed: what the script that went along could not do is done.
func TestReportIsIndexed(t *testing.T) {
	there := geo.ShardCell(north(1, 0).Point)
	change := func(cell geo.Cell, epoch int64) match.Change { return match.Change{Cell: cell, Epoch: epoch} }
	with := func(a says, changes ...match.Change) says {
		a.Changes = changes
		return a
	}
	known, unknown := match.Move{Status: match.StatusMoved, Epoch: 6}, match.Move{Status: match.StatusAbsent}
	listed, unlisted := says{Listed: true, Epoch: 6}, says{Epoch: 6}
	confirmed, unconfirmed := unlisted, unlisted
	confirmed.Claim, unconfirmed.Claim = claim(0, true), claim(0, false)
	again := func(comes ...any) lines {
		return on("relist ben", append(comes, says{Changes: []match.Change{{List: true, Epoch: 9}}})...)
	}
	searching := on("watch ana x ben", match.StatusSearching)
	for name, test := range map[string]struct {
		play lines
		want error
	}{
		"it was moved":                {act(report(listed, known), on("apply ben")), nil},
		"to another cell":             {act(report(with(listed, change("far", 4), change(there, 5)), unknown), on("apply ben -4 -5")), nil},
		"it was swept":                {act(report(listed, unknown), again(), on("apply ben +9")), nil},
		"and elsewhere":               {act(report(with(listed, change("far", 4)), unknown), again(), on("apply ben -4 +9")), nil},
		"and cannot be listed":        {act(report(listed, unknown), again(trouble1)), trouble1},
		"it should not be there":      {act(report(unlisted, known), on("apply ben -6")), nil},
		"nor elsewhere":               {act(report(with(unlisted, change("far", 4)), known), on("apply ben -4 -6")), nil},
		"as the record says":          {act(report(with(unlisted, change(there, 5)), known), on("apply ben -5")), nil},
		"it is not there":             {act(report(unlisted, unknown), on("apply ben")), nil},
		"it is matched":               {act(report(confirmed, known), on("apply ben -6"), searching), nil},
		"it may be soon":              {act(report(unconfirmed, known), on("apply ben"), searching), nil},
		"nothing of that can be done": {act(report(listed, known), on("apply ben", trouble1)), trouble1},
	} {
		t.Run(name, func(t *testing.T) { reports(t, test.want, test.play) })
	}
}

// TestReportServesWhoWaits, found by either trip, unless the member is not to be had.
func TestReportServesWhoWaits(t *testing.T) {
	here := match.Move{Status: match.StatusMoved, Waiting: []match.WaitingRequest{waiter("abe", 2, 1)}}
	there := []match.WaitingRequest{waiter("ada", 1, 1)}
	claimed := says{Listed: true, Claim: claim(0, false)}
	reports(t, nil, report(says{Listed: true}, here), on("apply ben", there),
		on("lease ada 1", match.StatusSearching), on("lease abe 2", match.StatusSearching))
	reports(t, nil, report(says{Epoch: 6}, here), on("apply ben -6", there))
	reports(t, nil, report(claimed, here), on("apply ben", there), on("watch ana x ben", match.StatusSearching))
}

func TestReportIsAcknowledged(t *testing.T) {
	const ack = `push ben1 {"type":"ack","id":"l1","report":{"afterSeconds":30,"moveMeters":50}}`
	known := match.Move{Status: match.StatusMoved}
	advised := says{Listed: true, AdviceChanged: true, Advice: match.Watched}
	reportsAs(t, "l1", nil, report(says{Listed: true, Advice: match.Available}, known), on("apply ben"), on(ack))
	reportsAs(t, "", nil, report(says{Listed: true, Advice: match.Available}, known), on("apply ben"))
	reportsAs(t, "", nil, report(advised, known), on("apply ben"), on(`push ben1 {"type":"ack","report":{"afterSeconds":3,"moveMeters":15}}`))
}
