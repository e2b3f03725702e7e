package handler

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/match"
)

// What may reach the caller in any way is the response of the route. All else is pushed, before it.
func TestAnAnswerWhoseOrderDoesNotMatterIsTheResponse(t *testing.T) {
	const (
		pong     = `{"type":"pong","id":"i","now":9}`
		notFound = `{"type":"error","id":"i","code":"not_found","message":"there is no match under way","retryable":false}`
		noMatch  = `c= {"type":"no_match","id":"m","radius":500}`
		unknown  = `"code":"unknown_action"`
	)
	untold := []match.Untold{{Notice: match.NoticeNoMatch, Which: "1", ID: "m", Radius: 500}}
	for name, test := range map[string]struct {
		store    sessions
		route    string
		response string // a part of it
		pushed   []string
		closed   bool
	}{
		"a pong":                        {sessions{status: match.StatusOK}, "ping", pong, nil, false},
		"a pong after a notice":         {sessions{status: match.StatusOK, untold: untold}, "ping", pong, []string{noMatch}, false},
		"an error":                      {sessions{status: match.StatusOK}, "locate", notFound, nil, false},
		"an error after a notice":       {sessions{status: match.StatusOK, untold: untold}, "locate", notFound, []string{noMatch}, false},
		"a cache that is not there":     {sessions{err: match.ErrUnavailable}, "ping", `"code":"unavailable"`, nil, false},
		"a message that nobody knows":   {sessions{}, "fly", unknown, nil, false},
		"an error that ends a session":  {sessions{status: match.StatusReplaced}, "ping", "", []string{`c= {"type":"error","id":"i","code":"replaced"`}, true},
		"the end of an ended session":   {sessions{status: match.StatusGone}, "ping", "", nil, true},
		"a welcome, which is no answer": {sessions{status: match.StatusOK}, "hello", "", []string{`c= {"type":"welcome"`}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h, p, _ := serving(&test.store)
			h.Respond = true
			e := event(test.route, ana())
			e.Body = strings.Replace(e.Body, "ping", test.route, 1)
			got, err := h.Handle(t.Context(), e)
			if err != nil || !strings.Contains(got.Body, test.response) || (got.Body == "") != (test.response == "") {
				t.Errorf("got the response %q, %v, want %s", got.Body, err, test.response)
			}
			if len(p.frames) != len(test.pushed) || len(p.closed) > 0 != test.closed {
				t.Fatalf("pushed %v and closed %v, want %v and %v", p.frames, p.closed, test.pushed, test.closed)
			}
			for i, want := range test.pushed {
				if !strings.HasPrefix(p.frames[i], want) {
					t.Errorf("pushed %s, want %s", p.frames[i], want)
				}
			}
		})
	}
}

// failsLater is a store that says of a member that its match is to be looked at, and then fails.
type failsLater struct{ sessions }

func (*failsLater) Read(context.Context, match.Member, *match.Session, bool) (match.Snapshot, error) {
	return match.Snapshot{Status: match.StatusOK, Now: 9, Check: true, Claim: &match.Claim{Match: "1", Confirmed: true}}, nil
}

func (*failsLater) Watch(context.Context, match.Member, string, match.Member) (match.WatchedRoute, error) {
	return match.WatchedRoute{Status: match.StatusOther}, nil
}

func (*failsLater) Release(context.Context, match.Member, string, match.Member, string, match.By) (match.Released, error) {
	return match.Released{}, errors.New("WRONGTYPE")
}

// An error that follows an answer is the response, and the answer is pushed before it.
func TestAnAnswerIsPushedBeforeAnError(t *testing.T) {
	h, p, _ := serving(&sessions{})
	h.Respond, h.Service.Store = true, &failsLater{}
	got, err := h.Handle(t.Context(), event("ping", ana()))
	if err != nil || !strings.Contains(got.Body, `"code":"internal"`) {
		t.Errorf("got the response %q, %v, want the error internal", got.Body, err)
	}
	if diff := cmp.Diff([]string{`c= {"type":"pong","id":"i","now":9}`}, p.frames); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// After the end of a session its connection gets nothing but the error that says so.
func TestAnAnswerIsNoResponseAfterTheSession(t *testing.T) {
	h, p, _ := serving(&sessions{status: match.StatusOK})
	h.Respond = true
	now := []time.Time{noon, noon.Add(time.Hour)} // the token expires while the message is served
	h.Now = func() time.Time {
		at := now[0]
		now = now[len(now)-1:]
		return at
	}
	got, err := h.Handle(t.Context(), event("ping", ana()))
	if err != nil || got.Body != "" {
		t.Errorf("got the response %q, %v, want none", got.Body, err)
	}
	if diff := cmp.Diff([]string{"c="}, p.closed); diff != "" || len(p.frames) != 1 || !strings.Contains(p.frames[0], `"code":"unauthenticated"`) {
		t.Errorf("pushed %v and closed (-want +got)\n%s", p.frames, diff)
	}
}

// reporting is a store whose answer to a report has that mark.
type reporting struct {
	sessions
	mark string
}

func (s *reporting) Report(context.Context, match.Session, match.Report) (match.Reported, error) {
	return match.Reported{Status: match.StatusOK, Now: 9, Advice: match.Available, Mark: s.mark}, nil
}

// The store notes that new advice was sent, and so it is pushed.
func TestAnAckThatIsNotedIsPushed(t *testing.T) {
	for mark, response := range map[string]bool{"": true, "advice 7": false} {
		store := &reporting{mark: mark}
		h, p, _ := serving(&sessions{})
		h.Respond, h.Service.Store = true, store
		e := event("location", ana())
		e.Body = `{"action":"location","id":"i","lat":1,"lng":2}`
		got, err := h.Handle(t.Context(), e)
		if err != nil || strings.HasPrefix(got.Body, `{"type":"ack"`) != response || len(p.frames) > 0 == response || len(store.told) > 0 == response {
			t.Errorf("mark %q: got the response %q, %v, pushed %v, noted %v", mark, got.Body, err, p.frames, store.told)
		}
	}
}
