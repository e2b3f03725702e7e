package invariants_test

import (
	"fmt"
	"time"

	"waggle/internal/protocol"
	"waggle/internal/token"
)

// A lossCase has a pool and a pair of members of its own. Their last step, a match or its
// end, is lost as far as it was written to the primary that is killed.
type lossCase struct {
	what             string
	onKilled         [2]bool // the matcher's half, the matchee's
	ends             bool    // the last step is the end, not the match
	notified         [2]bool // who is notified that the match was lost
	matcher, matchee *client
	match            string
}

// lossCases are all ways to lose one half, or both.
func lossCases() []*lossCase {
	return []*lossCase{
		{what: "the matcher's half of a match", onKilled: [2]bool{true, false}, notified: [2]bool{false, true}},
		{what: "the matchee's half of a match", onKilled: [2]bool{false, true}, notified: [2]bool{true, false}},
		{what: "both halves of a match", onKilled: [2]bool{true, true}},
		{what: "the matcher's half of an end", onKilled: [2]bool{true, false}, ends: true, notified: [2]bool{true, false}},
		{what: "the matchee's half of an end", onKilled: [2]bool{false, true}, ends: true},
		{what: "both halves of an end", onKilled: [2]bool{true, true}, ends: true},
	}
}

// joinLossCases joins the members of the loss cases and does what will not be lost.
func (f *failover) joinLossCases() {
	f.losses = lossCases()
	for i, c := range f.losses {
		pool := fmt.Sprint("loss-", i)
		c.matcher, c.matchee = f.named(pool, "asks", c.onKilled[0]), f.named(pool, "found", c.onKilled[1])
		c.matchee.at(10, 10)
		if c.ends {
			c.begin()
		}
	}
}

// named joins a member whose record is on the primary that will be killed, or is not.
func (f *failover) named(pool, prefix string, onKilled bool) *client {
	for i := 0; ; i++ {
		name := fmt.Sprint(prefix, i)
		if f.cluster.On(f.t, f.victim, "{"+pool+"/"+name+"}") == onKilled {
			return f.joinIn(pool, name)
		}
	}
}

func (c *lossCase) begin() {
	c.matcher.send("match", `"lat":10,"lng":10`)
	c.match = want[*protocol.Matched](c.matcher).Match
}

// writeLast does what will be lost.
func (c *lossCase) writeLast() {
	if c.ends {
		c.matcher.send("end", `"match":"`+c.match+`"`)
		want[*protocol.Ended](c.matcher)
		return
	}
	c.begin()
}

// checkRepaired checks what must hold 15 s later, once every member has sent one message.
// A member whose match was lost was notified. Both sides see the same. A member was in two
// matches at once only during the failover. Everybody who is free can be found.
func (f *failover) checkRepaired() {
	f.advance(16 * time.Second)
	for _, c := range f.losses {
		for i, side := range []*client{c.matcher, c.matchee} {
			side.take()
			side.send("hello", "")
			ended, ok := last[*protocol.Ended](side)
			notified := ok && ended.Match == c.match && ended.Reason == protocol.ReasonLost
			if notified != c.notified[i] {
				f.t.Errorf("%s was lost: notified %s: %v, want %v: %s", c.what, side.id.Member, notified, c.notified[i], side.all())
			}
		}
		for _, side := range []*client{c.matcher, c.matchee} {
			match := side.hello().Match
			if still := c.ends && c.onKilled == [2]bool{true, true}; still != (match != nil) {
				f.t.Errorf("%s was lost: %s is in the match %+v", c.what, side.id.Member, match)
			}
			if match == nil {
				f.probe(side)
			}
		}
	}
	for _, c := range f.crowd {
		c.send("hello", "")
	}
	f.checkPairs(f.crowd)
	overlaps := 0
	for _, c := range f.crowd {
		overlaps += f.overlaps(c)
		if c.hello().Match == nil {
			f.probe(c)
		}
	}
	f.t.Logf("note: failover of %s: %d matches were asked to end, %d overlaps are over", f.t.Name(), len(f.endings()), overlaps)
}

// overlaps counts the matches of a member that began while another of its matches went on,
// and nobody had asked for its end.
func (f *failover) overlaps(c *client) (n int) {
	ended := f.endings()
	all := c.announcements()
	for i, second := range all {
		for _, first := range all[:i] {
			over := first.to
			if at, asked := ended[first.match]; asked && (first.open() || at.Before(over)) {
				over = at
			}
			if !over.IsZero() && over.Before(second.from) {
				continue
			}
			n++
			if second.from.Before(f.frozen) {
				f.t.Errorf("%s was in the matches %s and %s at once before the failover", c.id.Member, first.match, second.match)
			}
			if first.open() && second.open() {
				f.t.Errorf("%s has not been notified of the end of the matches %s and %s", c.id.Member, first.match, second.match)
			}
		}
	}
	return n
}

// probe reports a location of a member that is free, and wants it to be found there.
func (f *failover) probe(c *client) {
	f.probes++
	lat, lng := -10.0, float64(f.probes)
	c.report(lat, lng)
	probe := f.joinAs(token.Identity{Member: fmt.Sprint("probe", f.probes), Pool: c.id.Pool, Matcher: true})
	probe.send("match", fmt.Sprintf(`"lat":%v,"lng":%v,"radius":100`, lat, lng))
	m, ok := last[*protocol.Matched](probe)
	if !ok || string(m.Peer.Card) != `"`+c.id.Member+`"` {
		f.t.Errorf("%s is not in a match and cannot be found: %s", c.id.Member, probe.all())
	}
}
