package trace

import (
	"fmt"
	"sort"
	"strconv"
	"time"
)

// A Window is the part of a trace that a replay plays.
type Window struct {
	From, To int64    // seconds, To excluded
	Cabs     []string // with a report in the window, in the order of their first one
	Reports  []Row    // in the order of time; each has a place
	Fares    []Fare   // asked for in the window, in the order of asking
	Skipped  int      // rows left out because they have no place
	Earlier  int      // pickups in the window that were asked for before it
}

// A Fare is a passenger's ride, from the request to the pickup to the end.
type Fare struct {
	Cab      string
	Asks     int64 // seconds: so long ahead of the pickup as Cut's argument says
	After    int   // how many of Reports come before it asks
	Pickup   int64 // seconds: of the row in which occupied became 1
	End      int64 // seconds: when it became 0 again, or the window's To
	Lat, Lng float64
}

// Cut returns the rows of [from, to), and the fares that are asked for in that time, so
// many seconds ahead of their pickup. A pickup is an occupied row of a cab whose row
// before, in the window or not, was not occupied. Rows without a place are skipped: the
// next row shows what they say about being occupied.
//
// A fare that was asked for before the window, or before the trace has a row of its cab,
// is left out: it is not known who could have taken it then.
func Cut(rows []Row, from, to, ahead int64) Window {
	w := Window{From: from, To: to}
	type state struct {
		occupied, seen, listed bool
		first                  int64
	}
	cabs := map[string]state{}
	riding := map[string]int{} // cab → index in w.Fares
	for _, row := range rows {
		if row.Unix >= to+ahead {
			break
		}
		inside := row.Unix >= from && row.Unix < to
		if !row.Located() {
			if inside {
				w.Skipped++
			}
			continue
		}
		before := cabs[row.Cab]
		after := state{occupied: row.Occupied, seen: true, listed: before.listed || inside, first: before.first}
		if !before.seen {
			after.first = row.Unix
		}
		cabs[row.Cab] = after
		if row.Unix < from {
			continue
		}
		if inside && !before.listed {
			w.Cabs = append(w.Cabs, row.Cab)
		}
		if inside {
			w.Reports = append(w.Reports, row)
		}
		asks, pickup := row.Unix-ahead, before.seen && !before.occupied && row.Occupied
		early := asks < max(from, before.first)
		switch {
		case pickup && early && inside:
			w.Earlier++
		case pickup && !early:
			riding[row.Cab] = len(w.Fares)
			w.Fares = append(w.Fares, Fare{Cab: row.Cab, Asks: asks, After: len(w.Reports), Pickup: row.Unix, End: to, Lat: row.Lat, Lng: row.Lng})
		case before.occupied && !row.Occupied && inside:
			if i, ok := riding[row.Cab]; ok {
				w.Fares[i].End = row.Unix
				delete(riding, row.Cab)
			}
		}
	}
	if ahead > 0 { // otherwise each passenger asks after the row of its pickup
		for i := range w.Fares {
			f := &w.Fares[i]
			f.After = sort.Search(len(w.Reports), func(k int) bool { return w.Reports[k].Unix > f.Asks })
		}
	}
	return w
}

// Start parses the beginning of a window: a time of day such as 18:00 in the zone, on the
// first day of the trace; a time in RFC 3339; or Unix seconds. "" is the beginning of the
// trace.
func Start(s string, rows []Row, zone *time.Location) (int64, error) {
	first := rows[0].Unix
	if s == "" {
		return first, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.Unix(), nil
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			y, m, d := time.Unix(first, 0).In(zone).Date()
			return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, zone).Unix(), nil
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	return 0, fmt.Errorf("%q is not a time: give a time of day such as 18:00, a time such as 2008-05-30T18:00:00-07:00, or Unix seconds", s)
}
