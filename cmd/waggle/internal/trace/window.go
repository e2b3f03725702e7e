package trace

import (
	"fmt"
	"strconv"
	"time"
)

// A Window is what a replay plays: a stretch of a trace.
type Window struct {
	From, To int64    // seconds, To excluded
	Cabs     []string // with a report in it, by their first
	Reports  []Row    // by time, all of them located
	Fares    []Fare   // by pickup
	Skipped  int      // rows left out for a fix that is no place
}

// A Fare is a passenger's ride: a pickup and the end of the fare.
type Fare struct {
	Cab      string
	Pickup   int   // index in Reports of the row where occupied became 1
	End      int64 // seconds: when it became 0 again, or the window's To
	Lat, Lng float64
}

// Cut takes the rows of [from, to). A pickup is a row that says occupied where
// the cab's row before, in the window or not, did not. Rows without a place
// are skipped altogether: what they say of occupied shows in the next one.
func Cut(rows []Row, from, to int64) Window {
	w := Window{From: from, To: to}
	type state struct{ occupied, seen, listed bool }
	cabs := map[string]state{}
	riding := map[string]int{} // cab → index in w.Fares
	for _, row := range rows {
		if row.Unix >= to {
			break
		}
		inside := row.Unix >= from
		if !row.Located() {
			if inside {
				w.Skipped++
			}
			continue
		}
		before := cabs[row.Cab]
		after := state{occupied: row.Occupied, seen: true, listed: before.listed || inside}
		cabs[row.Cab] = after
		if !inside {
			continue
		}
		if !before.listed {
			w.Cabs = append(w.Cabs, row.Cab)
		}
		w.Reports = append(w.Reports, row)
		switch {
		case before.seen && !before.occupied && row.Occupied:
			riding[row.Cab] = len(w.Fares)
			w.Fares = append(w.Fares, Fare{Cab: row.Cab, Pickup: len(w.Reports) - 1, End: to, Lat: row.Lat, Lng: row.Lng})
		case before.occupied && !row.Occupied:
			if i, ok := riding[row.Cab]; ok {
				w.Fares[i].End = row.Unix
				delete(riding, row.Cab)
			}
		}
	}
	return w
}

// Start reads when a window begins: a time of day such as 18:00 in the zone,
// on the day the trace begins; a time in RFC 3339; or Unix seconds. "" is the
// trace's beginning.
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
	return 0, fmt.Errorf("%q is no time: give a time of day such as 18:00, one such as 2008-05-30T18:00:00-07:00, or Unix seconds", s)
}
