package waggle_test

import (
	"fmt"
	"slices"
	"testing"

	"waggle/clients/go/waggle"
	"waggle/clients/go/waggle/waggletest"
)

// A client yields what is news of its peer, in the order of the moments, and its welcome says the newest.
func TestThePeerOfAMatchIsAwayAndBack(t *testing.T) {
	peer := func(match, state string, since int64) *waggle.PeerFrame {
		return &waggle.PeerFrame{Match: match, PeerPresence: waggle.PeerPresence{State: state, Since: since}}
	}
	script := func(s *waggletest.Socket) {
		s.Welcome(&waggle.Welcome{Match: &waggle.WelcomeMatch{Match: "m1", Role: waggle.Matcher, State: "active",
			Presence: &waggle.PeerPresence{State: waggle.Away, Since: 5}}})
		s.Push(peer("m1", waggle.Away, 5)) // the welcome has said it
		s.Push(peer("m1", waggle.Back, 7))
		s.Push(peer("m1", waggle.Away, 6)) // it was overtaken
		s.Push(peer("m1", waggle.Away, 9))
		s.Push(&waggle.Ended{Match: "m1", Reason: waggle.Left})
		s.Push(peer("m1", waggle.Back, 12)) // late
		s.Push(peer("m2", waggle.Away, 3))  // its matched comes later
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		fx.welcome(c)
		var got []string
		for range 4 {
			switch f := fx.next(c).(type) {
			case *waggle.PeerFrame:
				got = append(got, fmt.Sprint(f.Match, " ", f.State, " ", f.Since))
			case *waggle.Ended:
				got = append(got, f.Match+" "+f.Reason)
			}
		}
		if want := []string{"m1 back 7", "m1 away 9", "m1 left", "m2 away 3"}; !slices.Equal(got, want) {
			t.Errorf("got the events %v, want %v", got, want)
		}
	})
}
