package match_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"waggle/internal/gateway"
	"waggle/internal/match"
	"waggle/internal/protocol"
)

const (
	pong        = `push ana1 {"type":"pong","now":50000}`
	pushExpired = `push ana1 {"type":"error","code":"unauthenticated","message":"the session has expired: connect with a fresh token","retryable":false}`
)

// A message may overtake its connect: the session is then connected first.
func TestOnlyTheNewestConnectionIsServed(t *testing.T) {
	known := snapshot(nil, nil)
	for name, test := range map[string]struct {
		steps script
		want  error
	}{
		"the session is known: served":                            {join(expect("read ana1", known), expect(pong)), nil},
		"the session is unknown: connected, then served":          {join(expect("read ana1", match.StatusUnknown), reconnect("ana"), expect("read ana1", known), expect(pong)), nil},
		"the session is unknown even after the connect: replaced": {join(expect("read ana1", match.StatusUnknown), reconnect("ana"), expect("read ana1", match.StatusUnknown)), replaced()},
		"the connect is refused: replaced":                        {join(expect("read ana1", match.StatusUnknown), expect("connect ana1 lost", match.StatusReplaced)), replaced()},
		"the connect fails: the error":                            {join(expect("read ana1", match.StatusUnknown), expect("connect ana1 lost", err1)), err1},
		"the second read fails: the error":                        {join(expect("read ana1", match.StatusUnknown), reconnect("ana"), expect("read ana1", known, err1)), err1},
		"the first read fails: the error":                         {expect("read ana1", match.StatusUnknown, err1), err1},
		"a newer connection is there: replaced":                   {expect("read ana1", match.StatusReplaced), replaced()},
		"the session has disconnected: gone":                      {expect("read ana1", match.StatusGone), &match.Fault{Kind: match.Gone, Text: "this connection has disconnected"}},
		"the session has expired: the fault that says so":         {expect("read ana1", match.StatusExpired), match.SessionExpired()},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, test.steps)
			s.checkError(s.Ping(t.Context(), session("ana"), ""), test.want)
		})
	}
}

func TestAnExpiredRequestIsNotifiedWithTheNextMessage(t *testing.T) {
	expired := snapshot(nil, nil)
	expired.Untold = []match.Untold{{Notice: match.NoticeNoMatch, Which: "1001", ID: "m1", Radius: 500}}
	s := scripted(t, expect("read ana1", expired), expect(pushNoMatch), expect(pong), expect("told ana1 no_match 1001"))
	s.checkError(s.Ping(t.Context(), session("ana"), ""), nil)

	expired.Status = match.StatusReplaced
	s = scripted(t, expect("read ana1", expired))
	s.checkError(s.Ping(t.Context(), session("ana"), ""), replaced())
}

// A connection that is gone is disconnected, unless the push may have overtaken its connect.
func TestAFailedPushIsNoErrorOfTheMessage(t *testing.T) {
	unlisted := result{Status: match.StatusOK, Changes: []match.Change{{Epoch: 3}}}
	tooNew := result{Status: match.StatusJustConnected, Changes: []match.Change{{Epoch: 3}}}
	gone := expect(pong, match.ErrConnectionGone)
	for name, steps := range map[string]script{
		"the push fails: logged":                                     join(expect(pong, err1), expect("log push failed: error 1")),
		"gone: the member is unlisted":                               join(gone, expect("disconnect ana ana1 10s", unlisted), expect("apply ana -3")),
		"gone, and another connection is current: nothing to unlist": join(gone, expect("disconnect ana ana1 10s", match.StatusOther), expect("apply ana")),
		"gone, and the unlisting fails: logged":                      join(gone, expect("disconnect ana ana1 10s", unlisted), expect("apply ana -3", err1), expect("log push failed: error 1")),
		"gone, and the disconnect fails: logged":                     join(gone, expect("disconnect ana ana1 10s", tooNew, err1), expect("log push failed: error 1")),
		"gone, just connected: pushed again after a pause":           join(gone, expect("disconnect ana ana1 10s", tooNew), expect("sleep 250ms"), expect(pong)),
		"gone, just connected, and gone again: dropped":              join(gone, expect("disconnect ana ana1 10s", tooNew), expect("sleep 250ms"), gone),
		"gone, just connected, and the second push fails: logged":    join(gone, expect("disconnect ana ana1 10s", tooNew), expect("sleep 250ms"), expect(pong, err1), expect("log push failed: error 1")),
		"gone, just connected, and the pause fails: logged":          join(gone, expect("disconnect ana ana1 10s", tooNew), expect("sleep 250ms", err1), expect("log push failed: error 1")),
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, expect("read ana1", snapshot(nil, nil)), steps)
			s.checkError(s.Ping(t.Context(), session("ana"), ""), nil)
		})
	}
}

// A push to a session that has expired becomes the error that says so. The session ends with it,
// unless its connection could not be closed: then the next push tries again.
func TestAPushToAnExpiredSessionEndsIt(t *testing.T) {
	unlisted := result{Status: match.StatusOK, Changes: []match.Change{{Epoch: 3}}}
	watched := expect("watch ana x ben", result{Status: match.StatusActive, Connection: match.ExpiredMark + "ana1"})
	ends := join(expect(pushExpired), expect("close ana1"))
	for name, steps := range map[string]script{
		"it is told, closed and disconnected": join(ends, expect("disconnect ana ana1 0s", unlisted), expect("apply ana -3")),
		"it cannot be told: it is closed":     join(expect(pushExpired, err1), expect("close ana1"), expect("disconnect ana ana1 0s", unlisted), expect("apply ana -3")),
		"it is gone: it is disconnected":      join(expect(pushExpired, match.ErrConnectionGone), expect("close ana1", match.ErrConnectionGone), expect("disconnect ana ana1 0s", unlisted), expect("apply ana -3")),
		"it cannot be closed: logged":         join(expect(pushExpired), expect("close ana1", err1), expect("log end an expired session: error 1")),
		"the disconnect fails: logged":        join(ends, expect("disconnect ana ana1 0s", err1), expect("log end an expired session: error 1")),
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, expect("report ben1", result{Status: match.StatusOK, Now: cacheTime, Claim: claim(9000, true)}), expect("apply ben"), watched, steps,
				expect("skip ben x [0]"))
			s.checkError(s.Report(t.Context(), session("ben"), &protocol.Location{}, time.Time{}), nil)
		})
	}
}

// A session that expires while its message is served gets no reply.
func TestAReplyAfterTheExpiryBecomesTheErrorThatSaysSo(t *testing.T) {
	s := scripted(t, expect("read ana1", snapshot(nil, nil), 2*time.Hour), expect(pushExpired), expect("close ana1"), expect("disconnect ana ana1 0s", match.StatusOther), expect("apply ana"))
	s.checkError(s.Ping(t.Context(), session("ana"), ""), nil)

	never := session("ana")
	never.Expires = time.Time{}
	s = scripted(t, expect("read ana1", snapshot(nil, nil)), expect(pong))
	s.checkError(s.Ping(t.Context(), never, ""), nil)
}

func TestAMessageReturnsWhenAllItsWorkIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scripted(t, connect("ana"))
		s.Store = slowFake{fake{s}}
		s.checkError(s.Connect(t.Context(), session("ana")), nil)
		if len(s.next) > 0 {
			t.Errorf("got the end, want %s", s.next[0])
		}
	})
}

// A slowFake takes a second to change the index.
type slowFake struct{ fake }

func (f slowFake) Apply(ctx context.Context, m match.Member, changes []match.Change) ([]match.WaitingRequest, error) {
	time.Sleep(time.Second)
	return f.fake.Apply(ctx, m, changes)
}

func TestSleepEndsAtTheLatestWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := match.Sleep(t.Context(), time.Hour); err != nil || time.Since(start) != time.Hour {
			t.Errorf("got %v after %v, want an hour", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := match.Sleep(ctx, time.Hour); !errors.Is(err, match.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) ||
			time.Since(start) != time.Hour+time.Minute {
			t.Errorf("got %v after %v, want the end of the context after a minute more", err, time.Since(start))
		}
	})
}

// TestAPushTimesOutBeforeTheMatchIsRepaired: else others would notify of it once more.
func TestAPushTimesOutBeforeTheMatchIsRepaired(t *testing.T) {
	if gateway.Timeout >= match.Abandoned {
		t.Errorf("a push times out after %v, and a match counts as abandoned after %v", gateway.Timeout, match.Abandoned)
	}
}
