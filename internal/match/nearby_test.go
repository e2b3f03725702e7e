package match_test

import (
	"testing"
	"time"

	"waggle/internal/match"
	"waggle/internal/pool"
)

func TestNearbySaysHowManyAreInEachCellWithAtLeastThree(t *testing.T) {
	// The cells around the origin, by name: their counts are in this order.
	const some = `push ana1 {"type":"nearby","id":"i","cells":[{"cell":"862830807ffffff","count":3},{"cell":"862830957ffffff","count":4000}]}`
	const none = `push ana1 {"type":"nearby","id":"i","cells":[]}`
	needsReport := &match.Fault{Kind: match.Conflict, Text: "report your location first: nearby needs a report of the last 60 seconds"}
	unregistered := requesting(match.Waiting, false, true)
	registered := join(expect("register ana m1", hits()), expect("registered ana m1", true))
	lost := snapshot(nil, route(match.Active, true))
	lost.Check = true
	count := func(n ...any) script { return expect("count 7 50000", n...) }
	for name, test := range map[string]struct {
		nearby result
		steps  script
		want   error
	}{
		"three and more are shown":                {snapshot(nil, nil), join(count([]int{3, 2, 1, 0, 2, 4000, 2}), expect(some)), nil},
		"fewer are not":                           {snapshot(nil, nil), join(count([]int{2, 2, 2, 2, 2, 2, 2}), expect(none)), nil},
		"no fresh report: conflict, no counts":    {result{Status: match.StatusNoLocation}, nil, needsReport},
		"the counts cannot be read: the error":    {snapshot(nil, nil), count(err1), err1},
		"the record cannot be read: the error":    {result{}, nil, err1},
		"too often: rate limited, no counts":      {limited(match.LimitNearby), nil, &match.Fault{Kind: match.RateLimited, RetryAfter: time.Second, Text: "at most 6 nearby messages a minute in this pool"}},
		"a request that is not registered: it is": {unregistered, join(count([]int{0, 0, 0, 0, 0, 0, 0}), expect(none), registered), nil},
		"the match is to be looked at: it is":     {lost, join(count([]int{0, 0, 0, 0, 0, 0, 0}), expect(none), expect("read ben", snapshot(nil, nil)), finishMatch("lost")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			first := []any{test.nearby}
			if name == "the record cannot be read: the error" {
				first = append(first, err1)
			}
			s := scripted(t, expect("nearby ana1", first...), test.steps)
			s.checkError(s.Nearby(t.Context(), session("ana"), "i"), test.want)
		})
	}
	s := scripted(t, expect("nearby ana1", match.StatusNoLocation))
	var err error
	if s.Pools, err = pool.Parse([]byte(`{"pools":{"default":{"locationTTL":20}}}`)); err != nil {
		t.Fatal(err)
	}
	s.checkError(s.Nearby(t.Context(), session("ana"), ""), &match.Fault{Kind: match.Conflict,
		Text: "report your location first: nearby needs a report of the last 20 seconds"})
}
