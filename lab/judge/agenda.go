package judge

import (
	"cmp"
	"container/heap"
	"maps"
	"slices"

	"waggle/lab/record"
)

// An agenda is a queue of things to do, by time.
type agenda struct {
	items   items
	count   int64
	dropped int64 // when old data was dropped last
}

type item struct {
	due, order int64
	do         func()
}

func (a *agenda) add(due int64, do func()) {
	a.count++
	heap.Push(&a.items, item{due, a.count, do})
}

type items []item

func (s items) Len() int { return len(s) }
func (s items) Less(i, k int) bool {
	return s[i].due < s[k].due || s[i].due == s[k].due && s[i].order < s[k].order
}
func (s items) Swap(i, k int) { s[i], s[k] = s[k], s[i] }
func (s *items) Push(x any)   { *s = append(*s, x.(item)) }
func (s *items) Pop() any {
	last := len(*s) - 1
	x := (*s)[last]
	(*s)[last] = item{}
	*s = (*s)[:last]
	return x
}

// later calls do when every frame that is in flight now has come.
func (j *judge) later(do func()) { j.agenda.add(j.now+grace, do) }

// advance does what is due, and then drops what no longer matters.
func (j *judge) advance() {
	for len(j.agenda.items) > 0 && j.agenda.items[0].due <= j.now {
		heap.Pop(&j.agenda.items).(item).do()
	}
	if j.now < j.agenda.dropped+second {
		return
	}
	j.agenda.dropped = j.now
	// A request that is not judged yet needs the time since it was sent. All else
	// needs twice the grace.
	floor := j.now - 2*grace - slack
	for q := range j.open {
		floor = min(floor, q.sent-slack)
	}
	for name, m := range j.members {
		if m.drop(floor) {
			delete(j.members, name)
		}
	}
	for id, mt := range j.matches {
		if mt.over(mt.matcher, floor) && mt.over(mt.matchee, floor) {
			delete(j.matches, id)
		}
	}
}

// notPlayed counts the rows and requests that were due and are not in the record.
func (j *judge) notPlayed() int {
	rows := j.lastRow + 1
	if j.through {
		rows = len(j.rowsSent)
	}
	n := 0
	for _, sent := range j.rowsSent[:rows] {
		if !sent {
			n++
		}
	}
	requests := 0
	for _, f := range j.window.Fares {
		if f.After < rows || j.through {
			requests++
		}
	}
	return n + max(requests-j.verdict.Requests, 0)
}

// finish judges the rest, and completes the verdict.
func (j *judge) finish(r *record.Reader) {
	v := &j.verdict
	if j.played == 0 {
		j.played = j.now // the record is cut off before the end of the window
	}
	v.WallSeconds = float64(j.played-j.started) / 1e6
	if v.Whole, v.Cut = r.Whole(), r.Cut(); !v.Whole {
		j.edge = j.now - slack
	}
	for len(j.agenda.items) > 0 {
		heap.Pop(&j.agenda.items).(item).do()
	}
	for _, p := range slices.SortedFunc(maps.Values(j.unresolved), func(a, b *passenger) int { return cmp.Compare(a.number, b.number) }) {
		row := Row{Passenger: p.name, Asks: p.fare.Asks, Pickup: p.fare.Pickup}
		switch {
		case p.failed:
			v.Unanswered++
			row.Outcome = "unanswered"
		case v.Interrupted:
			v.Cancelled++
			row.Outcome = "cancelled"
		case !v.Whole:
			v.Open++
			row.Outcome = "open"
		default:
			v.Unanswered++
			row.Outcome = "unanswered"
		}
		if j.options.Rows != nil {
			j.options.Rows(row)
		}
	}
	v.NotPlayed = j.notPlayed()
	j.stuck()
	v.Shares(j.distances, j.latencies, j.waits)
	v.shares()
}
