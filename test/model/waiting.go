package model

import (
	"fmt"
	"time"
)

// A waitingState is a state of the exploration of Woken: beside the slots it has the
// listings and the waiting requests of one shard cell. All members are near each other.
// Each sends one request, which waits and does not expire. Of two members, one
// process may die that was told of a waiting request and has not acted on it. Then each reports
// once more. Or the requests of two widen, and each sends one more message after that.
type waitingState struct {
	State
	Listed     uint8 // the members listed in the cell, a bit each
	Registered uint8 // those whose request is registered in the cell
	Reported   uint8 // those who have sent their location report
	Requested  uint8 // those who have sent their request
	Died       bool  // the process of a report that was told of waiting requests has died
	Again      uint8 // those who have reported again since, where they were: they are told again
	Narrow     uint8 // those whose request has a circle that nobody is in yet: it grows while nothing runs
	Then       again // what each member does once all circles have grown
	Attempts   [4]attempt
}

// An again is the second message of each member, after the circle of its request has grown.
type again uint8

const (
	nothing  again = iota
	reports        // where it was
	messages       // of any kind
)

// settled tells whether nothing runs, and no message is missing that serves the requests that wait.
func (s *waitingState) settled() bool {
	if s.Attempts != [len(s.Attempts)]attempt{} || s.Narrow != 0 {
		return false
	}
	return !(s.Died || s.Then != nothing) || s.Again == s.Reported
}

// ExploreWaking explores whether waiting requests are woken: with two members, each of
// which may report late, and with three who are listed from the start; and with two whose requests
// widen, so that either the next report of each or its next message must serve them. It ends at a
// state in which nothing runs and one request waits on while another member is there,
// or from which no such end can be reached.
func ExploreWaking(f Fault) Result {
	start := time.Now()
	result := Result{}
	for _, of := range []struct {
		count Member
		first waitingState
	}{
		{2, waitingState{}},
		{3, waitingState{Listed: 0b1110, Reported: 0b1110}},
		{2, waitingState{Narrow: 0b110, Then: reports}},
		{2, waitingState{Narrow: 0b110, Then: messages}},
	} {
		r := exploreWaking(of.first, of.count, f)
		result.States += r.States
		result.Steps += r.Steps
		result.Depth = max(result.Depth, r.Depth)
		if r.Violation != nil {
			result.Violation, result.Counterexample, result.Depth = r.Violation, r.Counterexample, r.Depth
			break
		}
	}
	result.Took = time.Since(start)
	return result
}

func exploreWaking(first waitingState, count Member, f Fault) Result {
	type link struct {
		from int
		text string
	}
	states, links := []waitingState{first}, []link{{from: -1}}
	seen := map[waitingState]int{first: 0}
	into := [][]int{nil}
	var ends []int
	var result Result
	depth := []int{0}
	fail := func(at int, why string) Result {
		result.Violation = violated(Woken, "%s", why)
		result.Depth = depth[at]
		for ; links[at].from >= 0; at = links[at].from {
			result.Counterexample = append([]PathStep{{Text: links[at].text, After: states[at].State}}, result.Counterexample...)
		}
		result.States = len(states)
		return result
	}
	for at := 0; at < len(states); at++ {
		result.Depth = depth[at]
		states[at].next(count, f, func(text string, after waitingState) {
			result.Steps++
			to, ok := seen[after]
			if !ok {
				to = len(states)
				seen[after] = to
				states, links = append(states, after), append(links, link{at, text})
				into, depth = append(into, nil), append(depth, depth[at]+1)
			}
			into[to] = append(into[to], at)
		})
		if !states[at].settled() {
			continue
		}
		ends = append(ends, at)
		if a, b := states[at].unserved(count); b != 0 {
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
			return fail(at, "the members keep each other from a match for ever")
		}
	}
	result.States = len(states)
	return result
}

// unserved returns a member whose request waits, and another that its search would find.
func (s *waitingState) unserved(count Member) (Member, Member) {
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
