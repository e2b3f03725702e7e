package match_test

import (
	"encoding/json"
	"testing"
	"time"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

func say(id string) *protocol.Say {
	return &protocol.Say{ID: id, Match: "x", Data: json.RawMessage(`{"a":1}`)}
}

// connected is a snapshot with a connection.
func connected(r result, connection string) result {
	r.Connection = connection
	return r
}

func TestWhatAMemberSaysIsPushedToItsPeer(t *testing.T) {
	unreachable := &match.Fault{Kind: match.Conflict, Retryable: true, Text: "the peer cannot be reached now: it may not have got this"}
	noSuchMatch := &match.Fault{Kind: match.NotFound, Text: "there is no such match of yours, or it ended more than 60 s ago"}
	const said, answer = `push ben1 {"type":"said","match":"x","data":{"a":1}}`, `push ana1 {"type":"said","id":"i","match":"x"}`
	ana := snapshot(nil, route(match.Active, true))
	ben := connected(snapshot(claim(9000, true), nil), "ben1")
	pushing, untold, otherMatch, unconfirmed := ben, ben, ana, ben
	pushing.Pushing, untold.Tell = true, true
	otherMatch.Route = route(match.Active, true)
	otherMatch.Route.Match = "y"
	unconfirmed.Claim = claim(0, false)
	sleep := expect("sleep 250ms")
	repaired := join(commitAndConfirm("ana", "x", "ben"), expect("apply ana"), meanwhile("apply ben"))
	for name, test := range map[string]struct {
		id    string
		ana   result
		steps script
		want  error
	}{
		"the peer is connected: pushed and answered":          {"i", ana, join(expect("read ben", ben), expect(said), expect(answer)), nil},
		"the message has no id: no answer":                    {"", ana, join(expect("read ben", ben), expect(said)), nil},
		"the peer has no connection: a conflict":              {"i", ana, expect("read ben", connected(ben, "")), unreachable},
		"the push fails: a conflict":                          {"i", ana, join(expect("read ben", ben), expect(said, err1), expect("log push failed: error 1")), unreachable},
		"another match goes on: not found, and no other trip": {"i", otherMatch, nil, noSuchMatch},
		"no match: not found, and no other trip":              {"i", snapshot(nil, nil), nil, noSuchMatch},
		"the match is over: not found":                        {"i", snapshot(nil, route(match.Ended, true)), nil, noSuchMatch},
		"the match is not decided: not found":                 {"i", snapshot(nil, route(match.Searching, false)), nil, noSuchMatch},
		"the other half is lost: not found":                   {"i", ana, join(expect("read ben", snapshot(nil, nil)), finishMatch("lost")), noSuchMatch},
		"the peer is just being told of the match: a pause":   {"i", ana, join(expect("read ben", pushing), sleep, expect("read ben", ben), expect(said), expect(answer)), nil},
		"the peer is not told of the match: it is told before": {"i", ana, join(expect("read ben", untold), repaired, sleep,
			expect("read ben", ben), expect(said), expect(answer)), nil},
		"the claim is not confirmed: it is confirmed before": {"i", ana, join(expect("read ben", unconfirmed), repaired, sleep,
			expect("read ben", pushing), sleep, expect("read ben", ben), expect(said), expect(answer)), nil},
		"the peer cannot be told of the match: a conflict": {"i", ana, join(expect("read ben", pushing), sleep, expect("read ben", pushing), sleep,
			expect("read ben", pushing), sleep), unreachable},
		"the pause fails: the error":                      {"i", ana, join(expect("read ben", pushing), expect("sleep 250ms", err1)), err1},
		"the peer cannot be read: the error":              {"i", ana, expect("read ben", ben, err1), err1},
		"what was read is too old: the error, no push":    {"i", ana, expect("read ben", ben, 2001*time.Millisecond), match.ErrUnavailable},
		"what was read is just not too old: it is pushed": {"i", ana, join(expect("read ben", ben, 2*time.Second), expect(said), expect(answer)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, expect("read ana1", test.ana), test.steps)
			s.checkError(s.Say(t.Context(), session("ana"), say(test.id)), test.want)
		})
	}
	s := scripted(t, expect("read ana1", ana, err1))
	s.checkError(s.Say(t.Context(), session("ana"), say("i")), err1)
}

func TestWhatAMatcheeSaysIsPushedToTheMatcher(t *testing.T) {
	s := scripted(t, expect("read ben1", snapshot(claim(9000, true), nil)), expect("read ana", connected(snapshot(nil, route(match.Active, true)), "ana1")),
		expect(`push ana1 {"type":"said","match":"x","data":{"a":1}}`))
	s.checkError(s.Say(t.Context(), session("ben"), say("")), nil)

	// The matcher's route no longer has the match: the claim is released.
	s = scripted(t, expect("read ben1", snapshot(claim(9000, true), nil)), expect("read ana", connected(snapshot(nil, nil), "ana1")), releaseClaim("lost"))
	s.checkError(s.Say(t.Context(), session("ben"), say("")), &match.Fault{Kind: match.NotFound, Text: "there is no such match of yours, or it ended more than 60 s ago"})
}
