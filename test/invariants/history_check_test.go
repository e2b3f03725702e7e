package invariants_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"waggle/internal/protocol"
)

// A lifeEvent happened to a member at one moment between its call and its return: a match
// began, it ended, or the member read which match it was in.
type lifeEvent struct {
	kind  string // begin, end, or read
	match string
	maybe bool // perhaps it never happened
}

// life is the model of a member, who is in one match after the other. Its state is the match
// that the member is in.
var life = porcupine.NondeterministicModel{
	Init: func() []any { return []any{""} },
	Step: func(state, input, _ any) []any {
		h, in := input.(lifeEvent), state.(string)
		var next []any
		switch {
		case h.kind == "begin" && in == "":
			next = append(next, h.match)
		case h.kind == "end" && in == h.match:
			next = append(next, "")
		case h.kind == "read" && in == h.match:
			next = append(next, in)
		}
		if h.maybe {
			next = append(next, in)
		}
		return next
	},
	DescribeOperation: func(input, _ any) string { return fmt.Sprint(input) },
}

// Evidence is what the frames say of a match.
type evidence struct {
	matcher, matchee string
	began, ended     int64 // when the first frame said so, 0 for none
	offered          bool  // the matchee was asked
}

// check wants the history of each member to be linearizable.
func (h *history) check() {
	h.t.Helper()
	matches := h.matches()
	model := life.ToModel()
	lives := make(map[string][]porcupine.Operation)
	live := func(member string, what lifeEvent, call, answer int64) {
		lives[member] = append(lives[member], porcupine.Operation{ClientId: len(lives[member]), Input: what, Call: call, Return: answer})
	}
	accepted := 0
	for id, m := range matches {
		first, asks := h.asked[m.matcher]
		if !asks || first > m.began {
			h.t.Errorf("%s was matched with %s before it asked", m.matcher, m.matchee)
		}
		if at, accepts := h.accepting[id]; m.offered && accepts && at < m.began {
			accepted++
		} else if m.offered {
			h.t.Errorf("%s was matched with %s, who had not accepted", m.matcher, m.matchee)
		}
		for _, member := range []string{m.matcher, m.matchee} {
			live(member, lifeEvent{kind: "begin", match: id}, first, m.began)
			asked, ends := h.ending[id]
			switch {
			case m.ended != 0 && (!ends || asked > m.ended):
				h.t.Errorf("the match %s of %s and %s ended, but nobody had ended it", id, m.matcher, m.matchee)
			case m.ended != 0:
				live(member, lifeEvent{kind: "end", match: id}, asked, m.ended)
			case ends:
				live(member, lifeEvent{kind: "end", match: id, maybe: true}, asked, math.MaxInt64)
			}
		}
	}
	for _, r := range h.reads {
		live(r.member, lifeEvent{kind: "read", match: r.match}, r.call, r.reply)
	}
	for member, events := range lives {
		if result := porcupine.CheckOperationsTimeout(model, events, time.Minute); result != porcupine.Ok {
			h.t.Errorf("the history of %s is not linearizable (%s): %s", member, result, format(events))
		}
	}
	h.t.Logf("note: histories: %d matches, %d of them accepted, and %d readings of %d members in %d steps on %s", len(matches), accepted, len(h.reads), len(h.crowd), h.tick(), h.cache)
	if few := len(h.crowd); len(matches) < few || len(h.reads) < few || accepted < few/4 {
		h.t.Errorf("%d matches, %d of them accepted, and %d readings of %d members: too few to show anything", len(matches), accepted, len(h.reads), few)
	}
}

// format shows a history in the order of the calls.
func format(events []porcupine.Operation) string {
	slices.SortFunc(events, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	var b strings.Builder
	for _, o := range events {
		fmt.Fprintf(&b, "\n  %8d to %8d: %+v", o.Call, o.Return, o.Input)
	}
	return b.String()
}

// matches gathers what the frames of all members say of each match.
func (h *history) matches() map[string]*evidence {
	all, offered := make(map[string]*evidence), make(map[string]bool)
	for _, p := range h.crowd {
		for _, c := range append(slices.Clone(p.old), p.client) {
			me := c.id.Member
			for i, f := range c.sent() {
				at := h.ticks[c.connection][i]
				switch f := f.(type) {
				case *protocol.Matched:
					all[f.Match] = all[f.Match].begin(me, f.Role, string(f.Peer.Card), at)
				case *protocol.Welcome:
					if m := f.Match; m != nil {
						all[m.Match] = all[m.Match].begin(me, m.Role, string(m.Peer.Card), at)
					}
				case *protocol.Offered:
					offered[f.Match] = true
				case *protocol.Ended:
					if m := all[f.Match]; m != nil && (m.ended == 0 || at < m.ended) {
						m.ended = at
					}
				}
			}
		}
	}
	for id, m := range all {
		m.offered = offered[id]
	}
	return all
}

// begin adds a frame to a side of the match, which arrived at that time.
func (k *evidence) begin(me, role, card string, at int64) *evidence {
	if k == nil {
		k = &evidence{began: at}
	}
	k.began = min(k.began, at)
	peer := card[1 : len(card)-1]
	k.matcher, k.matchee = me, peer
	if role == protocol.RoleMatchee {
		k.matcher, k.matchee = peer, me
	}
	return k
}
