package judge_test

import (
	"cmp"

	"waggle/lab/trace"
	"waggle/lab/trace/tracetest"
)

// A fault is what the server does wrong, once.
type fault string

const (
	second     fault = "takes the second nearest"
	stale      fault = "takes one whose report is too old"
	busy       fault = "takes one that is in a match"
	unwilling  fault = "takes one that said available: false"
	misplaced  fault = "shows the cab where it was not"
	miscounted fault = "shows a wrong distance"
	missing    fault = "finds nobody"
	forgetful  fault = "forgets to release"
	late       fault = "pushes 3 s after the end"
	early      fault = "pushes without a match"
	foreign    fault = "pushes the position of another cab"
	tracked    fault = "shows the cab where the passenger went"
	failing    fault = "answers with an error"
	silent     fault = "never answers a request"
	dropped    fault = "ends a match by itself"
	slow       fault = "uses a report long before it acknowledges it"
	unfinished fault = "answers unavailable to reports that it has stored" // to every second one
)

const (
	speed   = 60
	ttl     = 3_000_000
	first   = tracetest.First
	started = 1_790_000_000_000_000
	reach   = 3000
)

// A cab as the server knows it.
type cab struct {
	name      string
	lat, lng  float64
	heard     int64
	order     int // of the report that the server has
	sent      int // reports
	available bool
	said      bool // what the cab said last about being available
	ride      *ride
	stuck     bool
}

// A ride is a request and its match.
type ride struct {
	name, id, match string
	at              trace.Fare
	radius          float64
	cab             *cab
	deadline        int64
	forced          bool // by a fault: it claims the cab in any case
	told            bool // the passenger knows of the match
	probe           int  // the cab's number, or -1
	over            func()
}

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
