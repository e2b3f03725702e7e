// Package tracetest makes up small traces for tests.
package tracetest

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"waggle/lab/trace"
)

// First is the earliest second of a walk.
const First = 1_212_195_600

// Walk makes a trace of some cabs within a few kilometres, for some minutes. Each has a
// report a minute, except in some gaps, and a fare now and then.
func Walk(random *rand.Rand, cabs, minutes int) []trace.Row {
	var rows []trace.Row
	degrees := func(d float64) float64 { return math.Round(d*1e5) / 1e5 }
	for c := range cabs {
		offset := random.Int64N(60)
		lat, lng := 37.70+0.08*random.Float64(), -122.45+0.1*random.Float64()
		occupied, silent := random.IntN(2) == 0, 0
		for m := range minutes {
			if silent--; silent > 0 {
				continue
			}
			if random.IntN(60) == 0 {
				silent = 6
			}
			rows = append(rows, trace.Row{Unix: First + int64(60*m) + offset, Cab: fmt.Sprint("cab-", c), Lat: degrees(lat), Lng: degrees(lng), Occupied: occupied})
			lat, lng = lat+0.002*random.Float64()-0.001, lng+0.002*random.Float64()-0.001
			if random.IntN(5) == 0 {
				occupied = !occupied
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b trace.Row) int { return cmp.Compare(a.Unix, b.Unix) })
	return rows
}

// CSV returns the trace as a file.
func CSV(rows []trace.Row) string {
	var b strings.Builder
	w := trace.NewWriter(&b)
	for _, r := range rows {
		_ = w.Write(r) // a strings.Builder never fails
	}
	_ = w.Close()
	return b.String()
}
