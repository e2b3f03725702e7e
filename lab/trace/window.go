package trace

import (
	"fmt"
	"sort"
	"strconv"
	"time"
)

// A Window is what a replay plays: a stretch of a trace.
type Window struct {
	From, To int64    // seconds, To excluded
	Cabs     []string // with a report in it, by their first
	Reports  []Row    // by time, all of them located
	Fares    []Fare   // asked for in it, by when
	Skipped  int      // rows left out for a fix that is no place
	Earlier  int      // pickups in it that were asked for too early to be played
}

// A Fare is a passenger's ride: from asking, to a pickup, to the end of the fare.
type Fare struct {
	Cab      string
	Asks     int64 // seconds: so long ahead of the pickup as Cut was told
	After    int   // how many of Reports come before it asks
	Pickup   int64 // seconds: of the row where occupied became 1
	End      int64 // seconds: when it became 0 again, or the window's To
	Lat, Lng float64
}

// Cut takes the rows of [from, to), and the fares that are asked for then, so many
// seconds ahead of their pickup. A pickup is a row that says occupied where the
// cab's row before, in the window or not, did not. Rows without a place are
// skipped altogether: what they say of occupied shows in the next one.
//
// A fare that was asked for before the window, or before the trace has anything of
// its cab, is left out: of who could have taken it then nothing is known.
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
	if ahead > 0 { // else each asks behind the row of its pickup
		for i := range w.Fares {
			f := &w.Fares[i]
			f.After = sort.Search(len(w.Reports), func(k int) bool { return w.Reports[k].Unix > f.Asks })
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
