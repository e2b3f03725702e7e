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

// A happening is one step in the life of a member, which took effect at one moment
// between its call and its return: a match began, it ended, or the member was told
// which match it was in.
type happening struct {
	kind  string // begin, end, or read
	match string
	maybe bool // it may also never have happened
}

// life is what a member may do: be in one match after the other. Its state is the
// match that it is in.
var life = porcupine.NondeterministicModel{
	Init: func() []any { return []any{""} },
	Step: func(state, input, _ any) []any {
		h, in := input.(happening), state.(string)
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

// A known is what is known of a match.
type known struct {
	matcher, matchee string
	began, ended     int64 // the first evidence that it had; 0 for none
}

// check wants the history of each member to be one that could be.
func (h *history) check() {
	h.t.Helper()
	matches := h.matches()
	model := life.ToModel()
	lives := make(map[string][]porcupine.Operation)
	live := func(member string, what happening, call, answer int64) {
		lives[member] = append(lives[member], porcupine.Operation{ClientId: len(lives[member]), Input: what, Call: call, Return: answer})
	}
	for id, m := range matches {
		first, asks := h.asked[m.matcher]
		if !asks || first > m.began {
			h.t.Errorf("%s was matched with %s and had not asked", m.matcher, m.matchee)
		}
		for _, member := range []string{m.matcher, m.matchee} {
			live(member, happening{kind: "begin", match: id}, first, m.began)
			asked, ends := h.ending[id]
			switch {
			case m.ended != 0 && (!ends || asked > m.ended):
				h.t.Errorf("the match %s of %s and %s ended, and nobody had asked for that", id, m.matcher, m.matchee)
			case m.ended != 0:
				live(member, happening{kind: "end", match: id}, asked, m.ended)
			case ends:
				live(member, happening{kind: "end", match: id, maybe: true}, asked, math.MaxInt64)
			}
		}
	}
	for _, r := range h.reads {
		live(r.member, happening{kind: "read", match: r.match}, r.call, r.answer)
	}
	for member, happenings := range lives {
		if result := porcupine.CheckOperationsTimeout(model, happenings, time.Minute); result != porcupine.Ok {
			h.t.Errorf("no life of %s is like that (%s): %s", member, result, tell(happenings))
		}
	}
	h.t.Logf("note: histories: %d matches and %d readings of %d members in %d steps on %s", len(matches), len(h.reads), len(h.crowd), h.tick(), h.cache)
	if few := len(h.crowd); len(matches) < few || len(h.reads) < few {
		h.t.Errorf("%d matches and %d readings of %d members: too few to show anything", len(matches), len(h.reads), few)
	}
}

// tell shows a history in the order of the calls.
func tell(happenings []porcupine.Operation) string {
	slices.SortFunc(happenings, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	var b strings.Builder
	for _, o := range happenings {
		fmt.Fprintf(&b, "\n  %8d to %8d: %+v", o.Call, o.Return, o.Input)
	}
	return b.String()
}

// matches gathers what all members were told of each match.
func (h *history) matches() map[string]*known {
	all := make(map[string]*known)
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
				case *protocol.Ended:
					if m := all[f.Match]; m != nil && (m.ended == 0 || at < m.ended) {
						m.ended = at
					}
				}
			}
		}
	}
	return all
}

// begin adds what one side was told at that time.
func (k *known) begin(me, role, card string, at int64) *known {
	if k == nil {
		k = &known{began: at}
	}
	k.began = min(k.began, at)
	peer := card[1 : len(card)-1]
	k.matcher, k.matchee = me, peer
	if role == protocol.RoleMatchee {
		k.matcher, k.matchee = peer, me
	}
	return k
}
