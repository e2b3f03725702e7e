package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/gateway"
	"waggle/internal/match"
	"waggle/internal/protocol"
	"waggle/internal/store"
	"waggle/internal/telemetry"
)

// recorded is a Recorder that keeps what it is given.
type recorded struct {
	telemetry.Nowhere
	got []string
}

func (r *recorded) Record(id telemetry.ID, attribute string, value float64) {
	if i := id.Instrument(); id.Value(attribute) != attribute {
		attribute += ", which is not listed"
	} else if attribute == "" && i.Attribute != "" {
		attribute = "nothing"
	}
	r.got = append(r.got, fmt.Sprint(id.Instrument().Name, " ", attribute, " ", value))
}

func TestEachFigureIsRecorded(t *testing.T) {
	var r recorded
	meter{&r}.figures(match.Figures{
		Outcomes:     map[match.RequestOutcome]int{match.OutcomeMatched: 1, match.OutcomeOffered: 2, match.OutcomeWaiting: 3, match.OutcomeNoMatch: 4, match.OutcomeCancelled: 5},
		MatchedAfter: time.Second, WaitedFor: []time.Duration{2 * time.Second}, ShownAfter: []time.Duration{3 * time.Second, time.Second / 2},
		Searches:    []match.Searched{{Cells: 7, Candidates: 9}},
		Refused:     map[match.Status]int{match.StatusClaimed: 1, match.StatusTaken: 2, match.StatusBusy: 3, match.StatusUnavailable: 4, match.StatusMoved: 5},
		Repairs:     map[match.Repair]int{match.RepairFinished: 1, match.RepairUndone: 2, match.RepairEnded: 3},
		Unpublished: 6,
	})
	meter{&r}.figures(match.Figures{}) // records nothing
	slices.Sort(r.got)
	if diff := cmp.Diff([]string{
		"waggle.claims.refused busy 3", "waggle.claims.refused claimed 1", "waggle.claims.refused moved 5", "waggle.claims.refused taken 2", "waggle.claims.refused unavailable 4",
		"waggle.events.unpublished  6", "waggle.repairs ended 3", "waggle.repairs finished 1", "waggle.repairs undone 2",
		"waggle.report.push.duration  0.5", "waggle.report.push.duration  3", "waggle.request.match.duration  1",
		"waggle.request.outcomes cancelled 5", "waggle.request.outcomes matched 1", "waggle.request.outcomes no_match 4", "waggle.request.outcomes offered 2", "waggle.request.outcomes waiting 3",
		"waggle.request.wait.duration  2", "waggle.search.candidates  9", "waggle.search.cells  7",
	}, r.got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestATripIsRecordedAndAddedToItsInvocation(t *testing.T) {
	var r recorded
	var i telemetry.Invocation
	meter{&r}.trip(i.With(t.Context()), store.Trip{Took: time.Second / 4, Repeats: true, Result: store.TripNoReply})
	if diff := cmp.Diff([]string{"waggle.cache.trips no_reply 1", "waggle.cache.trip.duration  0.25"}, r.got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if all, repeats := i.Trips(); all != 1 || repeats != 1 || i.InCache() != time.Second/4 {
		t.Errorf("got %d trips, %d repeats, %v", all, repeats, i.InCache())
	}
}

func TestAPushIsRecordedByItsResult(t *testing.T) {
	for status, want := range map[int]string{http.StatusOK: "ok", http.StatusGone: "gone", http.StatusTooManyRequests: "throttled",
		http.StatusForbidden: "refused", http.StatusRequestEntityTooLarge: "refused", http.StatusBadGateway: "failed"} {
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		wantResult(t, api.URL, want)
		api.Close()
		wantResult(t, api.URL, "failed") // nobody answers
	}
}

// wantResult pushes once to an API.
func wantResult(t *testing.T, url, want string) {
	t.Helper()
	var r recorded
	var i telemetry.Invocation
	key := func(string) string { return "local" }
	err := measuredPusher{gateway.NewPusher(url, "us-east-1", role(key)), meter{&r}}.Push(i.With(t.Context()), "c=", &protocol.Pong{})
	if len(r.got) != 2 || r.got[0] != "waggle.pushes "+want+" 1" || i.Pushes() != 1 || (err == nil) != (want == "ok") {
		t.Errorf("%v: got %v and %d pushes, want %s", err, r.got, i.Pushes(), want)
	}
}
