package judge_test

import (
	"cmp"
	"container/heap"
)

// An event is on the agenda of a simulation.
type event struct {
	at, order int64
	do        func()
}

type events []event

func (h events) Len() int { return len(h) }
func (h events) Less(i, k int) bool {
	return cmp.Or(cmp.Compare(h[i].at, h[k].at), cmp.Compare(h[i].order, h[k].order)) < 0
}
func (h events) Swap(i, k int) { h[i], h[k] = h[k], h[i] }
func (h *events) Push(x any)   { *h = append(*h, x.(event)) }
func (h *events) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// run runs what is on the agenda.
func (w *simulation) run() {
	for len(w.agenda) > 0 {
		h := heap.Pop(&w.agenda).(event)
		w.now = max(w.now, h.at)
		h.do()
	}
}

func (w *simulation) after(micros int64, do func()) {
	w.order++
	heap.Push(&w.agenda, event{w.now + micros, w.order, do})
}
