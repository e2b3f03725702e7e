package model

import (
	"fmt"
	"time"
)

// A seeking is what the exploration of Seekers runs: the index and its waiting
// requests beside the slots. All members are near each other, in one cell, each
// asks once, with wait and for longer than anything takes. Nobody dies.
type seeking struct {
	State
	Listed   uint8 // in the cell, a bit for each member
	Waits    uint8 // has a request registered in the cell
	Reported uint8
	Asked    uint8
	Seekers  [4]seeker
}

// Seek explores that seekers find each other: two members of which each may
// report late, or three that are all there. It ends at a state where nothing runs
// and one waits on while another is there, or from which no end can be reached.
func Seek(v Variant) Result {
	start := time.Now()
	result := Result{}
	for _, count := range []int{2, 3} {
		var first seeking
		if count == 3 {
			first.Listed, first.Reported = 0b1110, 0b1110
		}
		r := seek(first, Member(count), v)
		result.States += r.States
		result.Steps += r.Steps
		result.Depth = max(result.Depth, r.Depth)
		if r.Violation != nil {
			result.Violation, result.Trace, result.Depth = r.Violation, r.Trace, r.Depth
			break
		}
	}
	result.Took = time.Since(start)
	return result
}

func seek(first seeking, count Member, v Variant) Result {
	type link struct {
		from  int
		words string
	}
	states, links := []seeking{first}, []link{{from: -1}}
	seen := map[seeking]int{first: 0}
	into := [][]int{nil}
	var ends []int
	var result Result
	depth := []int{0}
	fail := func(at int, why string) Result {
		result.Violation = broken(Seekers, "%s", why)
		result.Depth = depth[at]
		for ; links[at].from >= 0; at = links[at].from {
			result.Trace = append([]Scene{{Words: links[at].words, After: states[at].State}}, result.Trace...)
		}
		result.States = len(states)
		return result
	}
	for at := 0; at < len(states); at++ {
		result.Depth = depth[at]
		states[at].next(count, v, func(words string, after seeking) {
			result.Steps++
			to, ok := seen[after]
			if !ok {
				to = len(states)
				seen[after] = to
				states, links = append(states, after), append(links, link{at, words})
				into, depth = append(into, nil), append(depth, depth[at]+1)
			}
			into[to] = append(into[to], at)
		})
		if states[at].Seekers != [len(first.Seekers)]seeker{} {
			continue
		}
		ends = append(ends, at)
		if a, b := states[at].stuck(count); b != 0 {
			return fail(at, fmt.Sprintf("%v waits on, though %v is there", a, b))
		}
	}
	good := make([]bool, len(states))
	for n := 0; n < len(ends); n++ {
		for _, from := range append(into[ends[n]], ends[n]) {
			if !good[from] {
				good[from] = true
				ends = append(ends, from)
			}
		}
	}
	for at := range states {
		if !good[at] {
			return fail(at, "they disturb each other for ever")
		}
	}
	result.States = len(states)
	return result
}

// stuck returns one who waits and another whom its search would find.
func (s *seeking) stuck(count Member) (Member, Member) {
	for m := Member(1); m <= count; m++ {
		if s.at(m).Route != Waiting || s.at(m).Matcher != 0 {
			continue
		}
		for other := Member(1); other <= count; other++ {
			o := s.at(other)
			if other != m && s.Reported&(1<<other) != 0 && o.Matcher == 0 && (o.Route == None || o.Route == Waiting) {
				return m, other
			}
		}
	}
	return 0, 0
}
