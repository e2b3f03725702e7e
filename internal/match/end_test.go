package match_test

import (
	"testing"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// ended is the matcher's answer to an end. The connection is not the one that asks.
func ended(change func(*says)) says {
	a := says{Status: match.StatusEnded, Reason: "completed", Connection: "ana9", RequestID: "m1",
		Changes: []match.Change{{List: true, Epoch: 3}}}
	if change != nil {
		change(&a)
	}
	return a
}

// freed is the matchee's.
func freed(change func(*says)) says {
	a := says{Status: match.StatusReleased, Confirmed: true, Connection: "ben9", RequestID: "b7",
		Changes: []match.Change{{List: true, Epoch: 4}}}
	if change != nil {
		change(&a)
	}
	return a
}

// past makes it one that was ended already, for that reason.
func past(reason string) func(*says) {
	return func(a *says) { a.Status, a.Reason = match.StatusAlreadyEnded, reason }
}

func TestEndIsToldToBoth(t *testing.T) {
	e := func(id, reason string) string { // who asks is told by its own connection
		return `push ` + id + `1 {"type":"ended","id":"e","match":"x","reason":"` + reason + `"}`
	}
	ana := beside(`push ana9 {"type":"ended","id":"m1","match":"x","reason":"completed"}`)
	ben := beside(`push ben9 {"type":"ended","id":"b7","match":"x","reason":"completed"}`)
	listed := act(on("apply ana +3"), beside("apply ben +4"))
	told := beside("notified ana x ended")
	unasked := func(a *says) { a.RequestID = "" }
	unconfirmed := func(a *says) { a.Confirmed = false }
	unknown := func(a *says) { a.Status, a.Reason = match.StatusOther, "" }
	waits := func(is bool) func(*says) { return func(a *says) { a.Waits = is } }

	for name, test := range map[string]struct {
		by, id             string
		finished, released says
		reason             string
		play               lines
	}{
		"by the matcher": {"ana", "e", ended(nil), freed(nil), "completed", act(listed, on(e("ana", "completed")), ben, told)},
		"by the matchee": {"ben", "e", ended(nil), freed(nil), "completed", act(listed, on(e("ben", "completed")), ana, told)},
		"without an id": {"ana", "", ended(nil), freed(unasked), "completed", act(listed,
			on(`push ana1 {"type":"ended","id":"m1","match":"x","reason":"completed"}`),
			beside(`push ben9 {"type":"ended","match":"x","reason":"completed"}`), told)},
		"without any": {"ana", "", ended(unasked), freed(nil), "completed", act(listed,
			on(`push ana1 {"type":"ended","match":"x","reason":"completed"}`), ben, told)},

		"the matchee was free already": {"ana", "e", ended(nil), freed(past("completed")), "completed", act(listed, on(e("ana", "completed")), ben, told)},
		"the matchee did not know":     {"ana", "e", ended(nil), freed(unconfirmed), "completed", act(listed, on(e("ana", "completed")), told)},
		"and asks":                     {"ben", "e", ended(nil), freed(unconfirmed), "completed", act(listed, on(e("ben", "completed")), ana, told)},
		"it had ended":                 {"ana", "e", ended(past("left")), freed(past("left")), "left", act(listed, on(e("ana", "left")))},
		"as the matchee hears":         {"ben", "e", ended(past("left")), freed(past("left")), "left", act(listed, on(e("ben", "left")))},
		"but not for the matchee": {"ana", "e", ended(past("left")), freed(nil), "left", act(listed, on(e("ana", "left")),
			beside(`push ben9 {"type":"ended","id":"b7","match":"x","reason":"left"}`))},
		"nothing is known of it": {"ana", "e", ended(unknown), freed(past("lost")), "lost", act(listed, on(e("ana", "lost")))},

		"the matchee waits on": {"ana", "e", ended(nil), freed(waits(true)), "completed",
			act(listed, on(e("ana", "completed")), ben, told, leased("ben", "1"), fell("ben", "1"))},
		"but cannot be served": {"ana", "e", ended(nil), freed(waits(true)), "completed", act(listed, on(e("ana", "completed")), ben, told,
			on("lease ben 1", match.StatusOther, trouble1), on("log serve a waiting request: trouble 1"))},
		"the matchee searches": {"ana", "e", ended(nil), freed(waits(false)), "completed", act(listed, on(e("ana", "completed")), ben, told)},
		"others wait for them": {"ana", "e", ended(nil), freed(nil), "completed", act(
			on("apply ana +3", []match.WaitingRequest{waiter("abe", 2, 1)}), beside("apply ben +4", []match.WaitingRequest{waiter("bea", 1, 1)}),
			on(e("ana", "completed")), ben, told, leased("abe", "1"), fell("abe", "1"), on("lease bea 2", match.StatusSearching))},
		"it is not noted": {"ana", "e", ended(nil), freed(nil), "completed", act(listed, on(e("ana", "completed")), ben,
			beside("notified ana x ended", trouble1), beside("log note that both are free: trouble 1"))},
	} {
		t.Run(name, func(t *testing.T) {
			read := half(nil, route(match.Active, true))
			if test.by == "ben" {
				read = half(claim(9000, true), nil)
			}
			p := perform(t, on("read "+test.by+"1", read), on("finish ana x ben completed", test.finished),
				on("release ana x ben "+test.reason, test.released), test.play)
			p.ends(p.End(t.Context(), session(test.by), &protocol.End{ID: test.id, Match: "x", Reason: "completed"}), nil)
		})
	}
}

// TestEndLeftHalfDone is finished by who meets it, and told to both.
func TestEndLeftHalfDone(t *testing.T) {
	p := perform(t, on("read ana1", half(nil, route(match.Ended, false))), on("finish ana x ben completed", ended(nil)),
		on("release ana x ben completed", freed(nil)), on("apply ana +3"), beside("apply ben +4"),
		on(`push ana9 {"type":"ended","id":"m1","match":"x","reason":"completed"}`),
		beside(`push ben9 {"type":"ended","id":"b7","match":"x","reason":"completed"}`), beside("notified ana x ended"),
		beside(`push ana1 {"type":"pong","id":"p","now":50000}`))
	p.ends(p.Ping(t.Context(), session("ana"), "p"), nil)
}

func TestEndInTrouble(t *testing.T) {
	finish, release := on("finish ana x ben completed", ended(nil)), on("release ana x ben completed", freed(nil))
	told := act(on(`push ana1 {"type":"ended","id":"e","match":"x","reason":"completed"}`),
		beside(`push ben9 {"type":"ended","id":"b7","match":"x","reason":"completed"}`))
	for name, test := range map[string]struct {
		play lines
		want error
	}{
		"it cannot be ended":        {on("finish ana x ben completed", ended(nil), trouble1), trouble1},
		"nor released":              {act(finish, on("release ana x ben completed", freed(nil), trouble1)), trouble1},
		"the matcher is not listed": {act(finish, release, on("apply ana +3", trouble1), beside("apply ben +4"), told), trouble1},
		"the matchee is not":        {act(finish, release, on("apply ana +3"), beside("apply ben +4", trouble2), told), trouble2},
	} {
		for by, read := range map[string]says{"ana": half(nil, route(match.Active, true)), "ben": half(claim(9000, true), nil)} {
			t.Run(name+" for "+by, func(t *testing.T) {
				play := test.play
				if by == "ben" && len(play) > 2 {
					play = act(play[:4], on(`push ana9 {"type":"ended","id":"m1","match":"x","reason":"completed"}`),
						beside(`push ben1 {"type":"ended","id":"e","match":"x","reason":"completed"}`))
				}
				p := perform(t, on("read "+by+"1", read), play)
				p.ends(p.End(t.Context(), session(by), &protocol.End{ID: "e", Match: "x", Reason: "completed"}), test.want)
			})
		}
	}
}

func TestEndOfWhat(t *testing.T) {
	unknown := &match.Fault{Kind: match.NotFound, Text: "there is no such match of yours, or it ended more than 60 s ago"}
	pasts := func(all ...match.End) says {
		a := half(nil, nil)
		a.Ends = all
		return a
	}
	anothers := claim(9000, true)
	anothers.Match = "y"
	other := route(match.Active, true)
	other.Match = "y"
	older := match.End{Match: "w", Reason: "left", At: moment - 59_000}
	told := on(`push ben1 {"type":"ended","id":"e","match":"x","reason":"left"}`)
	for name, test := range map[string]struct {
		read says
		play lines
		want error
	}{
		"there is none":                  {half(nil, nil), nil, unknown},
		"there is another":               {half(nil, other), nil, unknown},
		"it is searched for":             {half(nil, route(match.Searching, false)), nil, unknown},
		"another was claimed":            {half(anothers, nil), nil, unknown},
		"it is not confirmed":            {half(claim(9000, false), nil), nil, unknown},
		"it ended":                       {pasts(older, match.End{Match: "x", Reason: "left", At: moment - 59_999}), told, nil},
		"it ended too long ago":          {pasts(match.End{Match: "x", Reason: "left", At: moment - 60_000}), nil, unknown},
		"another ended":                  {pasts(older), nil, unknown},
		"it ended, perhaps not for both": {pasts(match.End{Match: "x", Reason: "left", At: moment, Matcher: member("ana")}), act(told, on("read ana")), nil},
		"nor can that be known": {pasts(match.End{Match: "x", Reason: "left", At: moment, Matcher: member("ana")}),
			act(told, on("read ana", half(nil, route(match.Ended, false)), trouble1)), trouble1},
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, on("read ben1", test.read), test.play)
			p.ends(p.End(t.Context(), session("ben"), &protocol.End{ID: "e", Match: "x", Reason: "completed"}), test.want)
		})
	}
	p := perform(t, on("read ben1", half(claim(0, true), nil), trouble1))
	p.ends(p.End(t.Context(), session("ben"), &protocol.End{Match: "x"}), trouble1)
}

// TestReleaseIsTold to who had been told of the match; its own request goes on.
func TestReleaseIsTold(t *testing.T) {
	release := func(change func(*says), comes ...any) lines {
		return on("release ana x ben lost", append([]any{freed(change)}, comes...)...)
	}
	told := on(`push ben9 {"type":"ended","id":"b7","match":"x","reason":"lost"}`)
	for name, test := range map[string]struct {
		play lines
		want error
	}{
		"it was": {act(release(nil), on("apply ben +4"), told), noMatch()},
		"without a request": {act(release(func(a *says) { a.RequestID = "" }), on("apply ben +4"),
			on(`push ben9 {"type":"ended","match":"x","reason":"lost"}`)), noMatch()},
		"it was not":        {act(release(func(a *says) { a.Confirmed = false }), on("apply ben +4")), noMatch()},
		"it was told":       {act(release(past("lost")), on("apply ben +4")), noMatch()},
		"it waits on":       {act(release(func(a *says) { a.Waits = true }), on("apply ben +4"), told, leased("ben", "1"), fell("ben", "1")), noMatch()},
		"it searches":       {act(release(func(a *says) { a.Waits = false }), on("apply ben +4"), told), noMatch()},
		"others wait":       {act(release(nil), on("apply ben +4", []match.WaitingRequest{waiter("abe", 1, 1)}), told, on("lease abe 1", match.StatusSearching)), noMatch()},
		"it cannot be done": {release(nil, trouble1), trouble1},
		"nor be listed":     {act(release(nil), on("apply ben +4", trouble1), told), trouble1},
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, on("read ben1", half(claim(9000, true), nil)), on("read ana"), test.play)
			p.ends(p.Locate(t.Context(), session("ben"), ""), test.want)
		})
	}
}
