package model

import "slices"

// A key is a packed state. Of states that differ only in the names of members, ids and
// processes, one represents all.
type key [2]uint64

func orders() [6][members]Member {
	return [6][members]Member{{1, 2, 3}, {1, 3, 2}, {2, 1, 3}, {2, 3, 1}, {3, 1, 2}, {3, 2, 1}}
}

// canonical returns the key of the state that represents s.
func (s *State) canonical(count int) key {
	sign := s.signatures(count)
	best := key{^uint64(0), ^uint64(0)}
	for _, order := range orders() {
		if count < members && order[2] != 3 {
			continue
		}
		if sign[order[0]-1] > sign[order[1]-1] || count == members && sign[order[1]-1] > sign[order[2]-1] {
			continue
		}
		t := s.renamed(order)
		if k := t.pack(); k[0] < best[0] || k[0] == best[0] && k[1] < best[1] {
			best = k
		}
	}
	return best
}

// signatures returns a number for each member that does not depend on names. Only
// members with the same signature need to be tried in each other's place.
func (s *State) signatures(count int) [members]uint64 {
	var sign [members]uint64
	for i, slot := range s.Slots[:count] {
		sign[i] += uint64(slot.Route)<<56 | uint64(slot.Outcome)<<50 | flag(slot.Due)<<49 | flag(slot.Confirmed)<<48 |
			flag(slot.Asks)<<55 | flag(slot.Offer)<<54 | flag(slot.Accepted)<<53 | flag(slot.Left)<<60
		if slot.Matchee != 0 {
			sign[slot.Matchee-1] += 1 << 40
		}
		if slot.Matcher != 0 {
			sign[i] += 1 << 44
			sign[slot.Matcher-1] += 1 << 36
		}
	}
	for _, p := range s.Running {
		if p.Phase == Idle {
			break
		}
		mix := (uint64(p.Phase)*0x9e3779b97f4a7c15 ^ uint64(p.Phase)<<7) & 0xffff
		sign[p.Matcher-1] += mix
		if p.Matchee != 0 {
			sign[p.Matchee-1] += mix << 17
		}
	}
	return sign
}

// renamed returns s with member order[i] in place i and with ids numbered from 1.
func (s *State) renamed(order [members]Member) State {
	var place [members + 1]Member
	for i, m := range order {
		place[m] = Member(i + 1)
	}
	var t State
	var ids [members + 1][8]Match
	var last [members + 1]Match
	name := func(m Member, id Match) Match {
		if id == 0 {
			return 0
		}
		if ids[m][id] == 0 {
			last[m]++
			ids[m][id] = last[m]
		}
		return ids[m][id]
	}
	for i, m := range order {
		slot := *s.at(m)
		slot.Matchee, slot.Matcher = place[slot.Matchee], place[slot.Matcher]
		slot.Match = name(Member(i+1), slot.Match)
		slot.Claimed = name(slot.Matcher, slot.Claimed)
		t.Slots[i] = slot
	}
	n := s.running()
	if n == 0 {
		return t
	}
	for i, p := range s.Running[:n] {
		p.Matcher, p.Matchee = place[p.Matcher], place[p.Matchee]
		released := uint8(0)
		for m := Member(1); m <= members; m++ {
			if p.hasReleased(m) {
				released |= 1 << place[m]
			}
		}
		p.Released = released
		t.Running[i] = p
	}
	running := t.Running[:n]
	for i := 1; i < n; i++ { // a handful: insertion sort
		for j := i; j > 0; j-- {
			a, b := running[j-1], running[j]
			if rank(a, ids[a.Matcher][a.Match]) <= rank(b, ids[b.Matcher][b.Match]) {
				break
			}
			running[j-1], running[j] = b, a
		}
	}
	for i := range running {
		running[i].Match = name(running[i].Matcher, running[i].Match)
	}
	slices.SortFunc(running, func(a, b Process) int { return int(rank(a, a.Match)) - int(rank(b, b.Match)) })
	return t
}

// rank packs a process into 16 bits.
func rank(p Process, id Match) uint64 {
	return uint64(p.Phase)<<11 | flag(p.Asks)<<10 | uint64(p.Matcher)<<8 | uint64(p.Matchee)<<6 | uint64(p.Released>>1)<<3 | uint64(id)
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// kinds are what a route can be, with whether its request asks, and whether the member has left. There
// are few enough for four bits.
var kinds = [16]Slot{{}, {Route: Waiting}, {Route: Searching}, {Route: Active}, {Route: Ended}, {Route: Offered},
	{Route: Waiting, Asks: true}, {Route: Searching, Asks: true}, {Route: Active, Asks: true}, {Route: Offered, Asks: true},
	{Route: Active, Left: true}, {Route: Active, Asks: true, Left: true}, {Left: true}, {Route: Ended, Left: true},
	{Route: Waiting, Left: true}, {Route: Waiting, Asks: true, Left: true}}

// packed has the places of kinds.
var packed = func() (all [32]uint8) {
	for i, k := range kinds {
		all[kindOf(k)] = uint8(i)
	}
	return all
}()

func kindOf(s Slot) uint64 { return uint64(s.Route)<<2 | flag(s.Asks)<<1 | flag(s.Left) }

func (s *State) pack() key {
	var k key
	for _, slot := range s.Slots {
		k[0] = k[0]<<21 | flag(slot.Offer)<<20 | flag(slot.Accepted)<<19 | uint64(packed[kindOf(slot)])<<15 | uint64(slot.Match)<<12 | uint64(slot.Matchee)<<10 |
			uint64(slot.Matcher)<<8 | uint64(slot.Claimed)<<5 | flag(slot.Confirmed)<<4 | uint64(slot.Outcome)<<1 |
			flag(slot.Due)
	}
	for _, p := range s.Running {
		k[1] = k[1]<<16 | rank(p, p.Match)
	}
	return k
}

func (k key) unpack() State {
	var s State
	for i := members - 1; i >= 0; i-- {
		x := k[0]
		s.Slots[i] = Slot{Route: kinds[x>>15&15].Route, Match: Match(x >> 12 & 7), Matchee: Member(x >> 10 & 3),
			Matcher: Member(x >> 8 & 3), Claimed: Match(x >> 5 & 7), Confirmed: x>>4&1 == 1,
			Outcome: Outcome(x >> 1 & 7), Due: x&1 == 1, Asks: kinds[x>>15&15].Asks, Left: kinds[x>>15&15].Left, Offer: x>>20&1 == 1, Accepted: x>>19&1 == 1}
		k[0] >>= 21
	}
	for i := processes - 1; i >= 0; i-- {
		x := k[1]
		s.Running[i] = Process{Phase: Phase(x >> 11 & 31), Asks: x>>10&1 == 1, Matcher: Member(x >> 8 & 3),
			Matchee: Member(x >> 6 & 3), Released: uint8(x >> 3 & 7 << 1), Match: Match(x & 7)}
		k[1] >>= 16
	}
	return s
}
