package invariants_test

import (
	"fmt"
	"testing"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// saying is what a client was sent of the words of others.
func (c *client) saying() (all []string) {
	for _, f := range c.sent() {
		if s, ok := f.(*protocol.Said); ok && s.Data != nil {
			all = append(all, s.Match+" "+string(s.Data))
		}
	}
	return all
}

func TestWhatAMemberSaysReachesItsPeerAndNobodyElse(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		s := be.newScene("default")
		ana, eve := s.a, be.join("eve")
		ana.send("say", `"match":"m","data":1`)
		ana.wantError(protocol.CodeNotFound)
		s.pair()
		ben := s.b
		say := func(c *client, data string) {
			c.take()
			c.send("say", fmt.Sprintf(`"id":"i","match":%q,"data":%s`, s.match, data))
		}
		heard := func(c *client, data string) {
			t.Helper()
			if got := c.saying(); len(got) == 0 || got[len(got)-1] != s.match+" "+data {
				t.Errorf("%s heard %v, want %s last", c.id.Member, got, data)
			}
		}
		for _, pair := range [][2]*client{{ana, ben}, {ben, ana}} {
			say(pair[0], `{"text": [1, null, "<é>"]}`)
			heard(pair[1], `{"text":[1,null,"<é>"]}`)
			if a := want[*protocol.Said](pair[0]); a.ID != "i" || a.Match != s.match || a.Data != nil {
				t.Errorf("%s is answered %+v", pair[0].id.Member, a)
			}
		}
		seen := len(ana.sent())
		ana.send("say", `"match":"`+s.match+`","data":null`)
		heard(ben, "null")
		if got := ana.sent()[seen:]; len(got) != 0 {
			t.Errorf("a message without an id is answered %v", got)
		}
		eve.send("say", `"match":"`+s.match+`","data":1`)
		eve.wantError(protocol.CodeNotFound)
		ana.send("say", `"match":"other","data":1`)
		ana.wantError(protocol.CodeNotFound)

		// To the current connection, or to none.
		was := ben
		ben = ben.reconnect()
		say(ana, `"again"`)
		heard(ben, `"again"`)
		if got := was.saying(); len(got) != 2 {
			t.Errorf("the replaced connection heard %v", got)
		}
		unreached := func() {
			t.Helper()
			say(ana, `"lost"`)
			if e := ana.wantError(protocol.CodeConflict); !e.Retryable || e.ID != "i" {
				t.Errorf("got %+v, want a conflict that is retryable", e)
			}
		}
		ben.refusing(unreached)
		ben.disconnect()
		unreached()
		ben = ben.reconnect()
		ben.hello()
		say(ana, `"back"`)
		heard(ben, `"back"`)
		if got := eve.saying(); len(got) != 0 {
			t.Errorf("a third member heard %v", got)
		}

		// After the end nobody hears anything.
		ana.send("end", `"match":"`+s.match+`"`)
		for _, pair := range [][2]*client{{ana, ben}, {ben, ana}} {
			before := len(pair[1].saying())
			say(pair[0], "1")
			pair[0].wantError(protocol.CodeNotFound)
			if got := pair[1].saying(); len(got) != before {
				t.Errorf("%s heard %v after the end", pair[1].id.Member, got)
			}
		}
	})
}

// TestNothingIsSaidAfterTheEndWasTold: an end overtakes a say at any of its trips. A say meets a
// match that is half made, too.
func TestNothingIsSaidAfterTheEndWasTold(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		scenes := 0
		for _, byMatcher := range []bool{false, true} {
			for _, endsItself := range []bool{false, true} {
				for n, more := 0, true; more; n++ {
					scenes++
					s := be.newScene(fmt.Sprint("p", scenes))
					s.pair()
					from, to := s.a, s.b
					if !byMatcher {
						from, to = to, from
					}
					more = be.between(n, func() { from.send("say", `"match":"`+s.match+`","data":1`) }, func() {
						if endsItself {
							to.send("end", `"match":"`+s.match+`"`)
						} else {
							from.send("end", `"match":"`+s.match+`"`)
						}
						want[*protocol.Ended](to)
					})
					for _, f := range to.take() {
						if _, said := f.(*protocol.Said); said {
							t.Errorf("by the matcher %t, the receiver ends %t, trip %d: said after the end", byMatcher, endsItself, n)
						}
					}
				}
			}
		}
	})
}

// TestNothingIsSaidBeforeMatched: the peer's push of matched has failed. While another process may
// still push it, nothing is said. From then on it is told of the match first.
func TestNothingIsSaidBeforeMatched(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for _, toMatchee := range []bool{true, false} {
			s := be.newScene(fmt.Sprint("p", toMatchee))
			from, to := s.a, s.b
			if !toMatchee {
				from, to = to, from
			}
			s.b.at(s.q.Lat, s.q.Lng)
			to.refusing(func() { s.a.send("match", `"id":"m"`) })
			m := want[*protocol.Matched](from)
			from.send("say", `"match":"`+m.Match+`","data":1`)
			from.wantError(protocol.CodeConflict)
			be.advance(match.NotifyAgain)
			from.send("say", `"match":"`+m.Match+`","data":2`)
			var order []string
			for _, f := range to.sent() {
				switch f := f.(type) {
				case *protocol.Matched:
					order = append(order, "matched")
				case *protocol.Said:
					order = append(order, string(f.Data))
				}
			}
			if got := fmt.Sprint(order); got != "[matched 2]" {
				t.Errorf("to the matchee %t: sent %s, want matched and then 2", toMatchee, got)
			}
		}
	})
}
