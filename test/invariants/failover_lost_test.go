package invariants_test

import (
	"fmt"
	"time"

	"waggle/internal/protocol"
	"waggle/internal/token"
)

// A couple is a matcher and a matchee of a pool of their own. What they do last is
// lost, as far as it was written on the primary that is killed.
type couple struct {
	what             string
	onVictim         [2]bool // the matcher's half, the matchee's
	ends             bool    // the end is lost, else the match
	lost             [2]bool // who is told that the match was lost
	matcher, matchee *client
	match            string
}

// couples are all the ways to lose a half.
func couples() []*couple {
	return []*couple{
		{what: "the matcher's half of a match", onVictim: [2]bool{true, false}, lost: [2]bool{false, true}},
		{what: "the matchee's half of a match", onVictim: [2]bool{false, true}, lost: [2]bool{true, false}},
		{what: "both halves of a match", onVictim: [2]bool{true, true}},
		{what: "the matcher's half of an end", onVictim: [2]bool{true, false}, ends: true, lost: [2]bool{true, false}},
		{what: "the matchee's half of an end", onVictim: [2]bool{false, true}, ends: true},
		{what: "both halves of an end", onVictim: [2]bool{true, true}, ends: true},
	}
}

// come has the couples join, and do what will not be lost.
func (f *failover) come() {
	f.couples = couples()
	for i, c := range f.couples {
		pool := fmt.Sprint("couple-", i)
		c.matcher, c.matchee = f.named(pool, "asks", c.onVictim[0]), f.named(pool, "found", c.onVictim[1])
		c.matchee.at(10, 10)
		if c.ends {
			c.meet()
		}
	}
}

// named has a member join whose record is on the primary that will be killed, or not.
func (f *failover) named(pool, prefix string, onVictim bool) *client {
	for i := 0; ; i++ {
		name := fmt.Sprint(prefix, i)
		if f.cluster.On(f.t, f.victim, "{"+pool+"/"+name+"}") == onVictim {
			return f.joinIn(pool, name)
		}
	}
}

func (c *couple) meet() {
	c.matcher.send("match", `"lat":10,"lng":10`)
	c.match = want[*protocol.Matched](c.matcher).Match
}

// lose does what will be lost.
func (c *couple) lose() {
	if c.ends {
		c.matcher.send("end", `"match":"`+c.match+`"`)
		want[*protocol.Ended](c.matcher)
		return
	}
	c.meet()
}

// heals says what is not as it must be when 15 s have passed and everybody has sent
// one message: who lost a match knows it, two matches of one member began in this
// failover and are over, both sides see the same, and whoever is free can be found.
func (f *failover) heals() {
	f.pass(16 * time.Second)
	for _, c := range f.couples {
		for i, side := range []*client{c.matcher, c.matchee} {
			side.take()
			side.send("hello", "")
			ended, told := last[*protocol.Ended](side)
			told = told && ended.Match == c.match && ended.Reason == protocol.ReasonLost
			if told != c.lost[i] {
				f.t.Errorf("%s was lost: %s was told so: %v, want %v: %s", c.what, side.id.Member, told, c.lost[i], side.all())
			}
		}
		for _, side := range []*client{c.matcher, c.matchee} {
			standing := side.standing().Match
			if still := c.ends && c.onVictim == [2]bool{true, true}; still != (standing != nil) {
				f.t.Errorf("%s was lost: %s is in the match %+v", c.what, side.id.Member, standing)
			}
			if standing == nil {
				f.probe(side)
			}
		}
	}
	for _, c := range f.crowd {
		c.send("hello", "")
	}
	f.pairs(f.crowd)
	overlaps := 0
	for _, c := range f.crowd {
		overlaps += f.overlaps(c)
		if c.standing().Match == nil {
			f.probe(c)
		}
	}
	f.t.Logf("note: failover of %s: %d matches were asked to end, %d overlaps healed", f.t.Name(), len(f.endings()), overlaps)
}

// overlaps counts the matches of a member that began before another of its had ended,
// or been asked to end.
func (f *failover) overlaps(c *client) (n int) {
	ended := f.endings()
	all := c.beliefs()
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
				f.t.Errorf("%s still takes itself to be in the matches %s and %s", c.id.Member, first.match, second.match)
			}
		}
	}
	return n
}

// probe reports for a member that is free, and wants it to be found there.
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
