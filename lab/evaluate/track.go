package evaluate

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"waggle/clients/go/waggle"
	"waggle/lab/town"
	"waggle/lab/trace"
)

// A second is where a member is, and what its receiver says in the same second.
type second struct {
	lat, lng       float64 // the truth, in degrees
	seenLat        float64
	seenLng        float64
	speed, heading float64 // as a receiver measures them, not from differences of places
}

// A track is a member's seconds without a gap. A member that was offline in between has
// several.
type track struct {
	from    int64 // Unix seconds
	seconds []second
}

// fix returns what the member can report in a second.
func (t *track) fix(i int) waggle.Fix {
	s := &t.seconds[i]
	return waggle.Fix{Lat: s.seenLat, Lng: s.seenLng, At: t.millis(i), Motion: waggle.Motion{Speed: &s.speed, Heading: &s.heading}}
}

// truth returns where the member is in a second.
func (t *track) truth(i int) waggle.Fix {
	return waggle.Fix{Lat: t.seconds[i].lat, Lng: t.seconds[i].lng, At: t.millis(i)}
}

func (t *track) millis(i int) int64 { return 1000 * (t.from + int64(i)) }

// metersPerDegree of latitude, on the sphere that predictions are made on.
const metersPerDegree = 6371008.8 * math.Pi / 180

// moved returns a place so many metres to the north and to the east.
func moved(lat, lng, north, east float64) (float64, float64) {
	return lat + north/metersPerDegree, lng + east/metersPerDegree/math.Cos(lat*math.Pi/180)
}

// warmUp is how long the members of the city live before the first second, so that they
// do not all begin at once.
const warmUp = time.Hour

// cityTracks lets members of the made-up city live from a time of its day on.
func cityTracks(ctx context.Context, seed uint64, members int, from, length time.Duration) ([]track, error) {
	city := town.New()
	var all []track
	for i := range members {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		m := city.Member(seed, i, from-warmUp)
		for range int(warmUp / time.Second) {
			m.Step()
		}
		var t track
		for s := range int(length / time.Second) {
			m.Step()
			if !m.Online() {
				all, t = t.end(all), track{}
				continue
			}
			if t.seconds == nil {
				t.from = int64(from/time.Second) + int64(s)
			}
			var now second
			now.lat, now.lng = m.Place()
			now.speed, now.heading = m.Motion()
			t.seconds = append(t.seconds, now)
		}
		all = t.end(all)
	}
	return all, nil
}

// end adds the track to others, unless it is empty.
func (t track) end(others []track) []track {
	if len(t.seconds) == 0 {
		return others
	}
	return append(others, t)
}

// longestGap is the longest time between two rows of a trace that is filled in.
const longestGap = 180

// traceTracks fills in the seconds between the rows of a trace, in straight lines. A trace
// has no speed and no heading, so they are those of the last second's move.
func traceTracks(rows []trace.Row, from, to int64) []track {
	var names []string
	byCab := map[string][]trace.Row{}
	for _, r := range rows {
		if !r.Located() || r.Unix < from || r.Unix >= to {
			continue
		}
		if byCab[r.Cab] == nil {
			names = append(names, r.Cab)
		}
		byCab[r.Cab] = append(byCab[r.Cab], r)
	}
	var all []track
	for _, name := range names {
		var t track
		for i, r := range byCab[name] {
			if i > 0 {
				before := byCab[name][i-1]
				gap := r.Unix - before.Unix
				if gap > longestGap {
					all, t = t.end(all), track{}
				} else {
					t.fill(before, r)
				}
			}
			if t.seconds == nil {
				t = track{from: r.Unix, seconds: []second{{lat: r.Lat, lng: r.Lng}}}
			}
		}
		all = t.end(all)
	}
	return all
}

// fill adds the seconds after a row up to the next one.
func (t *track) fill(from, to trace.Row) {
	gap := to.Unix - from.Unix
	if gap == 0 {
		return
	}
	north := (to.Lat - from.Lat) / float64(gap)
	east := math.Remainder(to.Lng-from.Lng, 360) / float64(gap)
	x, y := east*metersPerDegree*math.Cos(from.Lat*math.Pi/180), north*metersPerDegree
	for k := range gap {
		part := float64(k + 1)
		t.seconds = append(t.seconds, second{lat: from.Lat + part*north, lng: from.Lng + part*east,
			speed: math.Hypot(x, y), heading: math.Mod(math.Atan2(x, y)*180/math.Pi+360, 360)})
	}
}

// A receiver's errors. Those of the place drift, since the satellites do; those of the
// velocity, which is measured by the Doppler shift, do not.
const (
	drift         = 60.0 // s: the time after which the correlation has fallen to 1/e
	velocityError = 0.3  // m/s, to the north and to the east
)

// receive fills in what the receiver says. sigma is the standard deviation of the place to
// the north and to the east, in metres; 0: the receiver makes no error at all.
func (t *track) receive(sigma float64, random *rand.Rand) {
	keep := math.Exp(-1 / drift)
	fresh := math.Sqrt(1 - keep*keep)
	north, east := sigma*random.NormFloat64(), sigma*random.NormFloat64()
	for i := range t.seconds {
		s := &t.seconds[i]
		if sigma == 0 {
			s.seenLat, s.seenLng = s.lat, s.lng
			continue
		}
		s.seenLat, s.seenLng = moved(s.lat, s.lng, north, east)
		north = keep*north + fresh*sigma*random.NormFloat64()
		east = keep*east + fresh*sigma*random.NormFloat64()
		sin, cos := math.Sincos(s.heading * math.Pi / 180)
		y := s.speed*cos + velocityError*random.NormFloat64()
		x := s.speed*sin + velocityError*random.NormFloat64()
		s.speed, s.heading = math.Hypot(x, y), math.Mod(math.Atan2(x, y)*180/math.Pi+360, 360)
	}
}
