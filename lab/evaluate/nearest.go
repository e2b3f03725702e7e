package evaluate

import (
	"math"
	"math/rand/v2"
	"sort"

	"waggle/clients/go/waggle"
)

// A search asks who is nearest to a place at a time.
type search struct {
	at    waggle.Fix
	least float64 // metres: how far the truly nearest is
}

// around is how far from where some member is or was a search is, in metres: the standard
// deviation to the north and to the east. So most searches are where most members are.
const around = 300

// alike is how much farther than the nearest a member may be that counts as the nearest, in
// metres. Members who wait at one corner are equally near.
const alike = 1

// searches draws searches in the seconds in which at least two members are online.
func searches(tracks []track, n int, random *rand.Rand) []search {
	first, last := int64(math.MaxInt64), int64(0)
	for _, t := range tracks {
		first, last = min(first, t.from), max(last, t.from+int64(len(t.seconds)))
	}
	var all []search
	for tries := 0; len(all) < n && tries < 10*n; tries++ {
		t := &tracks[random.IntN(len(tracks))]
		where := t.truth(random.IntN(len(t.seconds)))
		s := search{waggle.Fix{At: 1000 * (first + random.Int64N(last-first))}, math.Inf(1)}
		s.at.Lat, s.at.Lng = moved(where.Lat, where.Lng, around*random.NormFloat64(), around*random.NormFloat64())
		online := 0
		for i := range tracks {
			if k, ok := tracks[i].index(s.at.At); ok {
				online++
				s.least = min(s.least, s.at.Deviation(tracks[i].truth(k)))
			}
		}
		if online > 1 {
			all = append(all, s)
		}
	}
	return all
}

// index returns which second of a track a time is in.
func (t *track) index(at int64) (int, bool) {
	i := at/1000 - t.from
	return int(i), i >= 0 && i < int64(len(t.seconds))
}

// find returns the share of searches that find a truly nearest member, by where members
// have reported to be, or by where they are predicted to be. reports has the seconds in
// which each track reports; a report is known so many seconds later.
func find(tracks []track, reports [][]int, all []search, latency int, predicted bool) float64 {
	found := 0
	for _, s := range all {
		least, truly := math.Inf(1), math.Inf(1)
		for i := range tracks {
			t := &tracks[i]
			k, ok := t.index(s.at.At)
			if !ok {
				continue
			}
			known := sort.SearchInts(reports[i], k-latency+1) - 1
			if known < 0 {
				continue
			}
			last := t.fix(reports[i][known])
			if predicted {
				last.Lat, last.Lng = last.Predict(s.at.At)
			}
			if off := s.at.Deviation(last); off < least {
				least, truly = off, s.at.Deviation(t.truth(k))
			}
		}
		if truly <= s.least+alike {
			found++
		}
	}
	return float64(found) / float64(len(all))
}
