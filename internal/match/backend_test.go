package match_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/pool"
	"waggle/internal/protocol"
)

// answered is the answer to a back end, whose error must be this one.
func (s *scriptedService) answered(want error) func(match.Result, error) protocol.Frame {
	s.t.Helper()
	return func(r match.Result, err error) (answer protocol.Frame) {
		s.t.Helper()
		s.checkError(errors.Join(err, r.Deliver(s.t.Context(), func(_ context.Context, f protocol.Frame) bool {
			answer = f
			return true
		})), want)
		return answer
	}
}

// A half match that a back end looks at is repaired, and its members are notified.
func TestALookAtAMemberRepairsItsMatch(t *testing.T) {
	for name, test := range map[string]struct {
		steps script
		match *protocol.MemberMatch
		err   error
	}{
		"a matchee whose match goes on": {join(expect("describe ben", snapshot(claim(0, true), nil)), expect("read ana", snapshot(nil, route(match.Active, false)))),
			&protocol.MemberMatch{Match: "x", Role: "matchee", Peer: "ana", Since: cacheTime}, nil},
		"a matcher whose match goes on": {join(expect("describe ben", snapshot(nil, &match.Route{State: match.Active, Match: "x", Matchee: member("ana"), Request: request()})),
			expect("read ana", func() result {
				c := claim(7, true)
				c.Matcher = member("ben")
				return snapshot(c, nil)
			}())), &protocol.MemberMatch{Match: "x", Role: "matcher", Peer: "ana", Since: cacheTime - 7}, nil},
		"a matchee whose match has ended": {join(expect("describe ben", snapshot(claim(0, true), nil)), expect("read ana", snapshot(nil, nil)),
			expect("release ana x ben lost", match.StatusReleased), expect("apply ben")), nil, nil},
		"the end of its match was left half done": {join(expect("describe ben", snapshot(nil, &match.Route{State: match.Ended, Match: "x", Matchee: member("ana"), Reason: "completed"})),
			expect("finish ben x ana completed", match.StatusAlreadyEnded), expect("release ben x ana", match.StatusOther), expect("apply ben"), meanwhile("apply ana")), nil, nil},
		"it cannot be looked at": {expect("describe ben", err1), nil, err1},
		"its end cannot be completed": {join(expect("describe ben", snapshot(nil, &match.Route{State: match.Ended, Match: "x", Matchee: member("ana"), Reason: "completed"})),
			expect("finish ben x ana completed", err2)), nil, err2},
		"its peer cannot be read": {join(expect("describe ben", snapshot(claim(0, true), nil)), expect("read ana", err2)), nil, err2},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, test.steps)
			answer := s.answered(test.err)(s.Service.MemberState(t.Context(), member("ben"), false))
			if test.err != nil {
				return
			}
			if diff := cmp.Diff(test.match, answer.(*protocol.MemberState).Match); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestARequestIsShownOnlyWhileItIsOpen(t *testing.T) {
	for state, open := range map[match.State]bool{match.Waiting: true, match.Searching: true, match.Ended: false} {
		s := scripted(t, expect("describe ana", snapshot(nil, route(state, true))))
		got := s.answered(nil)(s.Service.MemberState(t.Context(), member("ana"), true)).(*protocol.MemberState)
		var want *protocol.MemberRequest
		if open {
			want = &protocol.MemberRequest{ID: "m1", Radius: 500, CreatedAt: 1, ExpiresAt: 1001}
		}
		if diff := cmp.Diff(want, got.Request); diff != "" || got.Location != nil || got.Connected {
			t.Errorf("%s: got %+v (-want +got)\n%s", state, got, diff)
		}
	}
}

func TestABackEndLearnsWhyASessionDidNotEnd(t *testing.T) {
	at := expect("read ana", result{Status: match.StatusOK, Connection: "ana9"})
	told := expect(`push ana9 {"type":"error","code":"unauthenticated","message":"the application has ended this session","retryable":false}`)
	for name, test := range map[string]struct {
		steps script
		want  error
	}{
		"it cannot be read":   {expect("read ana", err1), err1},
		"it is not connected": {expect("read ana", match.StatusOK), nil},
		"the connection cannot be closed: the session goes on":  {join(at, told, expect("close ana9", err1)), err1},
		"the push fails: it is closed all the same":             {join(at, expect(told[0].call, err1), expect("close ana9"), expect("disconnect ana ana9 0s"), expect("apply ana")), nil},
		"the connection is gone: the session ends in the store": {join(at, expect(told[0].call, match.ErrConnectionGone), expect("close ana9", match.ErrConnectionGone), expect("disconnect ana ana9 0s"), expect("apply ana")), nil},
		"the store fails": {join(at, told, expect("close ana9"), expect("disconnect ana ana9 0s", err2)), err2},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, test.steps)
			s.answered(test.want)(s.Service.Dismiss(t.Context(), member("ana"), ""))
		})
	}
}

func TestAMatchIsShownAsItStandsAfterARepair(t *testing.T) {
	searching := &match.Route{State: match.Searching, Match: "x", Request: request()}
	undecided := join(expect("describe ben", snapshot(claim(0, false), nil)), expect("read ana", snapshot(nil, searching)))
	ended := snapshot(nil, nil)
	ended.Ends = []match.End{{Match: "w", Reason: "completed", Matcher: member("eve"), At: cacheTime},
		{Match: "x", Reason: "lost", Matcher: member("ana"), At: cacheTime - 59_999}}
	old := ended
	old.Ends = []match.End{{Match: "x", Reason: "lost", Matcher: member("ana"), At: cacheTime - 60_000}}
	released := join(expect("describe ben", snapshot(claim(0, true), nil)), expect("read ana", snapshot(nil, nil)),
		expect("release ana x ben lost", match.StatusReleased), expect("apply ben"))
	state := func(state, matcher, matchee string) *protocol.MatchState {
		return &protocol.MatchState{Pool: "default", Match: "x", State: state, Matcher: matcher, Matchee: matchee}
	}
	lost := state("ended", "ana", "ben")
	lost.EndedAt, lost.Reason = cacheTime-59_999, "lost"
	none := &match.Fault{Kind: match.NotFound, Text: "there is no such match of this member, or it ended more than 60 s ago"}
	for name, test := range map[string]struct {
		steps script
		want  protocol.Frame
		err   error
	}{
		"a claim that is not decided":          {join(undecided, undecided), state("searching", "ana", "ben"), nil},
		"a search of the member":               {join(expect("describe ben", snapshot(nil, searching)), expect("describe ben", snapshot(nil, searching))), state("searching", "ben", ""), nil},
		"a match that the look itself ended":   {join(released, expect("describe ben", ended)), lost, nil},
		"a match that ended 60 s ago":          {expect("describe ben", old), nil, none},
		"another match":                        {expect("describe ben", snapshot(nil, &match.Route{State: match.Searching, Match: "y"})), nil, none},
		"a request that waits":                 {expect("describe ben", snapshot(nil, &match.Route{State: match.Waiting})), nil, none},
		"a member who cannot be read":          {expect("describe ben", err1), nil, err1},
		"a member who cannot be read any more": {join(undecided, expect("describe ben", err2)), nil, err2},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, test.steps)
			answer := s.answered(test.err)(s.Service.MatchState(t.Context(), member("ben"), "x"))
			if diff := cmp.Diff(test.want, answer); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A back end's match takes the steps of any other; the search alone is left out.
func TestABackEndLearnsWhyTwoMembersWereNotMatched(t *testing.T) {
	conflict := func(text string, retryable bool) error {
		return &match.Fault{Kind: match.Conflict, Text: text, Retryable: retryable}
	}
	free := snapshot(nil, nil)
	there := snapshot(nil, nil)
	at := north(1, 5)
	there.Position = &at
	looks := join(expect("describe ana", free), expect("describe ben", there))
	begin := expect("begin  1", withRequest(match.StatusOK, request()))
	claimed := func(outcome ...any) script { return expect("claim ana 1 ben 5", outcome...) }
	opened := join(looks, begin)
	moved := claimed(result{Status: match.StatusMoved, Position: &at})
	passing := conflict("the matchee is moving, or a request of it is being decided: ask again in a second", true)
	deciding := conflict("a request of the matcher is being decided: ask again in a second", true)
	gone := conflict("the matchee is not available: it must be connected, available and in the role matchee, with a fresh location", false)
	with := func(status match.Status, c *match.Claim) script {
		return expect("begin  1", result{Status: status, Claim: c})
	}
	old := claim(4000, false)
	old.Matcher, old.Match = member("eve"), "y"
	releaseOld := join(expect("read eve", free), expect("release eve y ben lost", match.StatusReleased), expect("apply ben"))
	for name, test := range map[string]struct {
		steps script
		err   error
	}{
		"they are matched":                       {join(opened, claimAndMatch("ana", "1", "ben")), nil},
		"the matchee has moved":                  {join(opened, moved, claimAndMatch("ana", "1", "ben")), nil},
		"the matchee's claim was left half done": {join(opened, claimed(result{Status: match.StatusClaimed, Claim: old, Now: cacheTime}), releaseOld, claimAndMatch("ana", "1", "ben")), nil},
		"the matchee moves on and on":            {join(opened, moved, moved, moved, moved, retracted("ana")), passing},
		"the matchee is not available":           {join(opened, claimed(match.StatusUnavailable), retracted("ana")), gone},
		"the matchee has matched":                {join(opened, claimed(match.StatusTaken), retracted("ana")), conflict("the matchee is in a match already", false)},
		"the matchee is searching":               {join(opened, claimed(match.StatusBusy), retracted("ana")), passing},
		"the matcher has cancelled":              {join(opened, claimed(match.StatusYours), expect("commit ana 1 ben", match.StatusRefused), expect("release ana 1 ben lost", match.StatusReleased), expect("apply ben"), retracted("ana")), conflict("the matcher has cancelled the match", false)},
		"the claim fails":                        {join(opened, claimed(err1), claimed(err1), expect("release ana 1 ben lost", match.StatusReleased), expect("apply ben"), retracted("ana")), err1},
		"the matcher is not connected":           {join(looks, with(match.StatusAbsent, nil)), conflict("the matcher is not connected", false)},
		"the matcher has no location":            {join(looks, with(match.StatusNoLocation, nil)), conflict("the matcher has no fresh location: give lat and lng", false)},
		"the matcher has matched":                {join(looks, with(match.StatusActive, nil)), conflict("the matcher is in a match already", false)},
		"the matcher was found":                  {join(looks, with(match.StatusClaimed, claim(0, true))), conflict("the matcher is in a match already", false)},
		"the matcher is being found":             {join(looks, with(match.StatusClaimed, claim(0, false))), deciding},
		"the matcher searches":                   {join(looks, with(match.StatusSearching, nil)), deciding},
		"the matcher's request waits":            {join(looks, with(match.StatusWaiting, nil)), conflict("the matcher has a request of its own, which waits", false)},
		"the matchee is not known":               {join(expect("describe ana", free), expect("describe ben", match.StatusAbsent)), gone},
		"the matcher cannot be looked at":        {expect("describe ana", err1), err1},
		"the matcher's match goes on":            {join(expect("describe ana", snapshot(nil, route(match.Active, false))), expect("read ben", snapshot(claim(0, true), nil))), conflict("the matcher is in a match already", false)},
		"the matchee's match goes on":            {join(expect("describe ana", free), expect("describe ben", snapshot(claim(0, true), nil)), expect("read ana", snapshot(nil, route(match.Active, false)))), conflict("the matchee is in a match already", false)},
		"the matcher's last end was left half done": {join(looks, expect("begin  1", func() result {
			r := withRequest(match.StatusOK, request())
			r.Unfinished = route(match.Ended, false)
			return r
		}()), finishMatch("completed"), claimAndMatch("ana", "1", "ben")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, test.steps)
			s.Pools, _ = pool.Parse(nil)
			answer := s.answered(test.err)(s.Service.Create(t.Context(), member("ana"), member("ben"), nil))
			want := protocol.Frame(&protocol.MatchState{Pool: "default", Match: "1", State: "active", Matcher: "ana", Matchee: "ben"})
			if test.err != nil {
				want = nil
			}
			if diff := cmp.Diff(want, answer); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A member that is matched or connects while it is being forgotten is forgotten at the next try.
func TestAMemberIsForgottenWhateverItDoes(t *testing.T) {
	connected := snapshot(nil, nil)
	connected.Connection = "ben9"
	expired := snapshot(nil, nil)
	expired.Connection = match.ExpiredMark + "ben9"
	waiting := snapshot(nil, &match.Route{State: match.Waiting, Request: waitingRequest()})
	searching := snapshot(nil, &match.Route{State: match.Searching, Request: request()})
	free := expect("describe ben", snapshot(nil, nil))
	forgotten, busy, pause := expect("forget ben", match.StatusOK), join(expect("forget ben", match.StatusBusy), expect("apply ben"), expect("sleep 60ms")), expect("forget ben", match.StatusBusy)
	done := join(forgotten, expect("apply ben"))
	closes := join(expect("close ben9"), expect("disconnect ben ben9 0s"), expect("apply ben"))
	told := expect(`push ben9 {"type":"error","code":"unauthenticated","message":"the application has ended this session","retryable":false}`)
	for name, test := range map[string]struct {
		steps script
		err   error
	}{
		"it does nothing":            {join(free, done), nil},
		"it is not known":            {join(expect("describe ben", match.StatusAbsent), done), nil},
		"it is connected":            {join(expect("describe ben", connected), told, closes, done), nil},
		"its session has expired":    {join(expect("describe ben", expired), expect(`push ben9 {"type":"error","code":"unauthenticated","message":"the session has expired: connect with a fresh token","retryable":false}`), closes, done), nil},
		"its request waits":          {join(expect("describe ben", waiting), expect("withdraw ben m1"), retracted("ben"), done), nil},
		"it searches":                {join(expect("describe ben", searching), retracted("ben"), done), nil},
		"it is a matchee":            {join(expect("describe ben", snapshot(claim(0, true), nil)), expect("read ana", snapshot(nil, route(match.Active, false))), finishMatch("cancelled"), done), nil},
		"it is claimed meanwhile":    {join(free, busy, free, done), nil},
		"it connects again":          {join(free, busy, expect("describe ben", connected), told, closes, done), nil},
		"it connects all the time":   {join(free, busy, free, busy, free, busy), &match.Fault{Kind: match.Conflict, Text: "the member is just being matched, or connects again: ask again in a second", Retryable: true}},
		"it cannot be looked at":     {expect("describe ben", err1), err1},
		"its connection stays":       {join(expect("describe ben", connected), told, expect("close ben9", err1)), err1},
		"its request stays":          {join(expect("describe ben", searching), expect("retract ben 1", err1)), err1},
		"its request stays listed":   {join(expect("describe ben", searching), expect("retract ben 1"), expect("apply ben", err1)), err1},
		"its match goes on":          {join(expect("describe ben", snapshot(claim(0, true), nil)), expect("read ana", snapshot(nil, route(match.Active, false))), expect("finish ana x ben cancelled", err2)), err2},
		"it cannot be erased":        {join(free, expect("forget ben", err1)), err1},
		"it stays in the index":      {join(free, forgotten, expect("apply ben", err1)), err1},
		"the message takes too long": {join(free, pause, expect("apply ben"), expect("sleep 60ms", err1)), err1},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, test.steps)
			answer := s.answered(test.err)(s.Service.Forget(t.Context(), member("ben")))
			if test.err == nil {
				if diff := cmp.Diff(protocol.Frame(&protocol.Forgotten{Pool: "default", Member: "ben"}), answer); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			}
		})
	}
}

func TestAPoolThatCannotBeCountedIsSaidSo(t *testing.T) {
	s := scripted(t, expect(fmt.Sprint("count ", len(geo.ShardsWithin(origin(), 500)), " 0"), err1))
	s.answered(err1)(s.Service.Counts(t.Context(), "default", origin(), 500))
}
