package main

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"waggle/clients/go/waggle"
	"waggle/test/kit/caches"
)

// With two-way routes an ack, a pong and a plain error take no post. What must be known to have
// arrived, what other members are told, and the errors that end a connection are posted.
func TestTwoWayRoutesSavePosts(t *testing.T) {
	caches.Each(t, func(t *testing.T, cache caches.Cache) {
		i := &interceptor{served: make(map[string]int), connection: make(map[string]string)}
		s := startStack(t, config{Cache: cache.URL, Faults: i, Offset: i.offset, TwoWay: true})
		var posts atomic.Int32
		i.onPost(func(string) int { posts.Add(1); return 0 })
		taken := func(what string, want int32) {
			t.Helper()
			if got := posts.Swap(0); got != want {
				t.Errorf("%s: got %d posts, want %d", what, got, want)
			}
		}
		ana, ben := s.dial("ana"), s.dial("ben")
		for _, b := range []*rawConn{ana, ben} {
			b.sendText(`{"action":"hello"}`)
			receiveA[*waggle.Welcome](b)
			b.receiveEmpty()
		}
		taken("two welcomes", 2)
		const here = `"lat":37.7793,"lng":-122.4193`

		// The store notes that the member has this advice, which the first report of each session gets.
		ana.sendText(`{"action":"location","id":"f",` + here + `}`)
		receiveA[*waggle.Ack](ana)
		ana.receiveEmpty()
		taken("an ack with new advice", 1)

		ana.sendText(`{"action":"ping","id":"p"}`)
		if pong := receiveA[*waggle.Pong](ana); pong.ID != "p" {
			t.Errorf("got %+v, want the pong of p", pong)
		}
		ana.sendText(`{"action":"location","id":"l",` + here + `}`)
		if ack := receiveA[*waggle.Ack](ana); ack.ID != "l" {
			t.Errorf("got %+v, want the ack of l", ack)
		}
		ana.sendText(`{"action":"location",` + here + `}`) // it wants no answer
		ana.receiveEmpty()
		for text, code := range map[string]waggle.Code{
			`{"action":"location","id":"e"}`: waggle.CodeInvalidMessage, `{"action":"fly"}`: waggle.CodeUnknownAction, `{"action":"end","match":"none","id":"e"}`: waggle.CodeNotFound,
		} {
			ana.sendText(text)
			if e := receiveA[*waggle.ErrorFrame](ana); e.Code != code {
				t.Errorf("%s: got %+v, want %s", text, e, code)
			}
		}
		taken("a pong, an ack and three errors", 0)

		ben.sendText(`{"action":"match","id":"m",` + here + `}`)
		match := receiveA[*waggle.Matched](ben).Match
		ben.receiveEmpty()
		receiveA[*waggle.Matched](ana)
		taken("two matched", 2)
		ana.sendText(`{"action":"location","id":"l2",` + here + `}`)
		receiveA[*waggle.Ack](ana)
		ana.receiveEmpty()
		receiveA[*waggle.LocationFrame](ben)
		taken("an ack with the advice of a match, and a location for the peer", 2)
		ana.sendText(`{"action":"location","id":"l3",` + here + `}`)
		receiveA[*waggle.Ack](ana)
		receiveA[*waggle.LocationFrame](ben)
		taken("an ack, and a location for the peer", 1)
		ben.sendText(`{"action":"end","match":"` + match + `"}`)
		receiveA[*waggle.Ended](ben)
		receiveA[*waggle.Ended](ana)
		ben.receiveEmpty()
		taken("two ended", 2)

		// That the clock is off is noted too.
		ana.sendText(`{"action":"location","id":"c",` + here + `,"at":` + fmt.Sprint(time.Now().Add(-20*time.Second).UnixMilli()) + `}`)
		if ack := receiveA[*waggle.Ack](ana); ack.ID != "c" || ack.Now == 0 {
			t.Errorf("got %+v, want the ack of c, with now", ack)
		}
		ana.receiveEmpty()
		taken("an ack that says that the clock is off", 1)

		s.dial("ben").sendText(`{"action":"hello"}`)
		if e := receiveA[*waggle.ErrorFrame](ben); e.Code != waggle.CodeReplaced {
			t.Errorf("got %+v, want the error replaced", e)
		}
	})
}

// receiveEmpty wants the next frame to be empty: the response of a route to a message without an answer.
func (b *rawConn) receiveEmpty() {
	b.t.Helper()
	if got := b.receiveRaw(); len(got) > 0 {
		b.t.Errorf("got %s, want an empty frame", got)
	}
}

// An empty frame is nothing for the Go client, and an answer is one whichever way it comes.
func TestTheGoClientTakesTwoWayRoutes(t *testing.T) {
	s := runStack(t, "-two-way")
	ana, ben := s.join("ana"), s.join("ben")
	defer ana.Close()
	defer ben.Close()
	match := pair(t, ana, ben)
	if _, err := ana.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := ana.Say(t.Context(), match, "hi"); err != nil {
		t.Error(err)
	}
	next(t, ben, func(said *waggle.Said) bool { return said.Match == match })
	if ended, err := ben.End(t.Context(), match, waggle.Completed); err != nil || ended.Match != match {
		t.Errorf("got %+v, %v, want the end", ended, err)
	}
	var refused *waggle.Error
	if _, err := ben.Locate(t.Context()); !errors.As(err, &refused) || refused.Code != waggle.CodeNotFound {
		t.Errorf("without a match: got %v, want not_found", err)
	}
}
