package match_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/match"
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
