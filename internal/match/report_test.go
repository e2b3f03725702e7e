package match_test

import (
	"fmt"
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

// expectReport is the step of ben's location.
func expectReport(r result, outcome ...any) script {
	if r.Status == "" {
		r.Status = match.StatusOK
	}
	return expect("report ben1", append(outcome, r)...)
}

func TestAReportIsStoredAsItCame(t *testing.T) {
	seven, zero, accuracy, heading, speed, no := int64(7), int64(0), 3.0, 90.0, 1.5, false
	tags, none := []string{"tall"}, []string{}
	arrival := time.UnixMilli(cacheTime)
	restricted := session("ben")
	restricted.Restricted, restricted.Tags = true, []string{"calm", "tall"}
	whole := match.Report{Position: match.Position{Point: geo.Point{Lat: 1, Lng: 2}, At: 7, Seq: 3, Motion: protocol.Motion{Accuracy: &accuracy, Heading: &heading, Speed: &speed}},
		Arrival: arrival, Choice: match.Choice{Available: &no, Tags: &tags}}
	for name, test := range map[string]struct {
		x    match.Session
		q    protocol.Location
		want match.Report
	}{
		"only a point":          {session("ben"), protocol.Location{Lat: 1, Lng: 2}, match.Report{Position: match.Position{Point: geo.Point{Lat: 1, Lng: 2}}, Arrival: arrival}},
		"every field":           {session("ben"), protocol.Location{Lat: 1, Lng: 2, At: &seven, Seq: 3, Motion: protocol.Motion{Accuracy: &accuracy, Heading: &heading, Speed: &speed}, Available: &no, Tags: &tags}, whole},
		"at 0: stored as 1":     {session("ben"), protocol.Location{At: &zero}, match.Report{Position: match.Position{At: 1}, Arrival: arrival}},
		"tags of the token":     {restricted, protocol.Location{Tags: &tags}, match.Report{Arrival: arrival, Choice: match.Choice{Tags: &tags}}},
		"an empty list of tags": {restricted, protocol.Location{Tags: &none}, match.Report{Arrival: arrival, Choice: match.Choice{Tags: &none}}},
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

// A refused report makes no second call of the store. A late one may be a repeat: its changes
// list the member whose first try never came to the index.
func TestARefusedReportMovesNothing(t *testing.T) {
	refused := func(status match.Status, changes ...match.Change) result {
		return result{Status: status, Now: cacheTime, Advice: match.Available, Changes: changes}
	}
	again := match.Change{List: true, Epoch: 8}
	tooOften := refused(match.StatusRateLimited, again)
	tooOften.Refusal = match.Refusal{Limit: match.LimitReports, RetryAfter: time.Second}
	ack := expect(`push ben1 {"type":"ack","id":"l1","report":{"afterSeconds":30,"moveMeters":50}}`)
	late := expectReport(refused(match.StatusLate, again))
	for name, test := range map[string]struct {
		id    string
		steps script
		want  error
	}{
		"stale: refused": {"l1", expectReport(refused(match.StatusStale, again)),
			&match.Fault{Kind: match.Stale, Now: cacheTime, Text: "at is older than 60 seconds: set your clock by now"}},
		"too often: refused": {"l1", expectReport(tooOften),
			&match.Fault{Kind: match.RateLimited, RetryAfter: time.Second, Text: "at most 5 locations a second in this pool, and 40 at once: report as advised"}},
		"late: only acknowledged":                       {"l1", join(expectReport(refused(match.StatusLate)), expect("apply ben"), ack), nil},
		"late, without an id: no ack":                   {"", join(expectReport(refused(match.StatusLate)), expect("apply ben")), nil},
		"a repeat: it is listed":                        {"l1", join(late, expect("apply ben +8"), ack), nil},
		"a repeat of an unlisted member: unlisted":      {"", join(expectReport(refused(match.StatusLate, match.Change{Epoch: 8})), expect("apply ben -8")), nil},
		"a repeat that cannot be listed: the error":     {"l1", join(late, expect("apply ben +8", err1)), err1},
		"the record fails: the error":                   {"l1", expectReport(refused(match.StatusOK, again), err1), err1},
		"replaced: refused":                             {"l1", expectReport(refused(match.StatusReplaced, again)), replaced()},
		"the session is unknown: it is connected first": {"l1", join(expectReport(refused(match.StatusUnknown)), reconnect("ben"), late, expect("apply ben +8"), ack), nil},
	} {
		t.Run(name, func(t *testing.T) { sendReportAs(t, test.id, test.want, test.steps) })
	}
}

func TestTheChangesOfAReportAreApplied(t *testing.T) {
	with := func(changes ...match.Change) result { return result{Changes: changes} }
	moved, listed, unlisted := match.Change{List: true, Moved: true, Epoch: 6}, match.Change{List: true, Epoch: 6}, match.Change{Epoch: 5}
	for name, test := range map[string]struct {
		steps script
		want  error
	}{
		"it moves within its cell: the listing moves":         {join(expectReport(with(moved)), expect("apply ben ~6")), nil},
		"it comes to another cell: both cells are changed":    {join(expectReport(with(unlisted, listed)), expect("apply ben -5 +6")), nil},
		"it becomes unavailable: it is unlisted":              {join(expectReport(with(unlisted)), expect("apply ben -5")), nil},
		"it stays unlisted: nothing changes":                  {join(expectReport(with()), expect("apply ben")), nil},
		"the index fails: the error, and no request is woken": {join(expectReport(with(moved)), expect("apply ben ~6", []match.WaitingRequest{requestOf("ada", 1, 1)}, err1)), err1},
	} {
		t.Run(name, func(t *testing.T) { sendReport(t, test.want, test.steps) })
	}
}

func TestAReportWakesWaitingRequests(t *testing.T) {
	sendReport(t, nil, expectReport(result{}), expect("apply ben", []match.WaitingRequest{requestOf("abe", 2, 1), requestOf("ada", 1, 1)}),
		expect("lease ada 1", match.StatusSearching), expect("lease abe 2", match.StatusSearching))
}

func TestAReportGetsAnAckIfItHasAnIDOrTheAdviceChanged(t *testing.T) {
	const ack = `push ben1 {"type":"ack","id":"l1","report":{"afterSeconds":30,"moveMeters":50}}`
	advised := result{Mark: "advice 7", Advice: match.Watched}
	sendReportAs(t, "l1", nil, expectReport(result{Advice: match.Available}), expect("apply ben"), expect(ack))
	sendReportAs(t, "", nil, expectReport(result{Advice: match.Available}), expect("apply ben"))
	sendReportAs(t, "", nil, expectReport(advised), expect("apply ben"), expect(`push ben1 {"type":"ack","report":{"afterSeconds":3,"moveMeters":15}}`),
		expect("told ben1 advice 7"))
}

func TestAMemberIsToldThatItsClockIsOff(t *testing.T) {
	off := result{Status: match.StatusOK, Now: cacheTime, ClockOff: true, Advice: match.Available, Lag: 45 * time.Second}
	const ack = `push ben1 {"type":"ack","report":{"afterSeconds":10,"moveMeters":50},"now":50000}`
	sendReportAs(t, "", nil, expectReport(off), expect("apply ben"), expect(ack), expect("told ben1 clock off"))
	sendReportAs(t, "", nil, expectReport(off), expect("apply ben"), expect(ack, err1), expect("log push failed: error 1"))
	off.Mark = "advice 7"
	sendReportAs(t, "", nil, expectReport(off), expect("apply ben"), expect(ack), expect("told ben1 advice 7+clock off"))
}

func TestAMemberThatIsNotListedIsToldUntilWhen(t *testing.T) {
	until := func(after, told int64) script {
		r := result{Mark: "advice 7", Advice: match.Unlisted, Now: cacheTime, Unlisted: cacheTime + after}
		return join(expectReport(r), expect("apply ben"), expect(fmt.Sprintf(
			`push ben1 {"type":"ack","report":{"afterSeconds":%d,"moveMeters":1000},"unlisted":{"until":%d,"reason":"ended_early"}}`, told, cacheTime+after)), expect("told ben1 advice 7"))
	}
	sendReportAs(t, "", nil, until(600_000, 300))
	sendReportAs(t, "", nil, until(120_001, 121)) // a report after that lists it
}

func TestAnAckSaysWhatWasNotTaken(t *testing.T) {
	no, none := false, []string{}
	for name, test := range map[string]struct {
		id   string
		read result
		ack  string // "" for none
	}{
		"a late position": {"l1", result{Status: match.StatusLate, NotTaken: "late"},
			`{"type":"ack","id":"l1","report":{"afterSeconds":300,"moveMeters":1000},"position":"late"}`},
		"a late position, without id": {"", result{Status: match.StatusLate, NotTaken: "late"}, ""},
		"a stale position, whose choice was taken": {"", result{Status: match.StatusChosen, NotTaken: "stale", Now: cacheTime},
			`{"type":"ack","report":{"afterSeconds":300,"moveMeters":1000},"position":"stale","now":50000}`},
		"one beyond the rate, whose choice was taken": {"", result{Status: match.StatusChosen, NotTaken: "rate_limited", Now: cacheTime},
			`{"type":"ack","report":{"afterSeconds":300,"moveMeters":1000},"position":"rate_limited"}`},
		"a later choice stands": {"", result{Status: match.StatusOK, Stands: match.Choice{Available: &no, Tags: &none}},
			`{"type":"ack","report":{"afterSeconds":300,"moveMeters":1000},"available":false,"tags":[]}`},
		"later tags stand": {"", result{Status: match.StatusOK, Stands: match.Choice{Tags: &[]string{"xl"}}},
			`{"type":"ack","report":{"afterSeconds":300,"moveMeters":1000},"tags":["xl"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			steps := join(expectReport(test.read), expect("apply ben"))
			if test.ack != "" {
				steps = join(steps, expect("push ben1 "+test.ack))
			}
			sendReportAs(t, test.id, nil, steps)
		})
	}
}
