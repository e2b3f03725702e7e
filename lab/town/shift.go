package town

import (
	"math"
	"math/rand/v2"
)

// A roster knows when a member is off. A day depends only on the seed, the member and
// the day, so the order of the questions does not matter.
type roster struct {
	seed   uint64
	number int

	known bool
	day   int
	off   []span // on the day, and on the next, which may begin before midnight
}

// A span is time off.
type span struct {
	from, to clock
	home     bool // at home, and not at the kerb
}

// When members are off. With these numbers about as many are out at any hour as were on
// the real day.
const (
	nights    = 0.68 // the part of the members that are off at night
	handovers = 0.6  // the part of the members that are off for a change of shifts in the afternoon
	breaks    = 3    // a day
)

// The hours by which none, a quarter, half, three quarters and all of them have gone
// home, or come out.
func goHome() [5]float64  { return [5]float64{-1.1, -0.3, 0.6, 2, 3.3} }
func comeOut() [5]float64 { return [5]float64{4, 5.7, 6.7, 8.2, 10} }

// span returns the time off that a moment is in, if it is in any.
func (r *roster) span(now clock) (span, bool) {
	if !r.known || r.day != now.day() {
		r.known, r.day = true, now.day()
		r.off = append(r.spans(r.day), r.spans(r.day+1)...)
	}
	for _, s := range r.off {
		if s.from <= now && now < s.to {
			return s, true
		}
	}
	return span{}, false
}

func (r *roster) spans(of int) []span {
	draw := random(r.seed, r.number, 1+uint64(uint32(of)))
	midnight := clock(of) * day
	var off []span
	if draw.Float64() < nights {
		off = append(off, span{midnight + quantile(draw, goHome()), midnight + quantile(draw, comeOut()), true})
	}
	if draw.Float64() < handovers {
		from := midnight + 16*hour + 20*minute + clock(draw.NormFloat64()*40*float64(minute))
		off = append(off, span{from, from + 45*minute, true})
	}
	for range breaks {
		from := midnight + 9*hour + clock(draw.Int64N(int64(14*hour)))
		off = append(off, span{from, from + 20*minute + clock(draw.Int64N(int64(60*minute))), false})
	}
	return off
}

// quantile draws an hour from a table of quartiles.
func quantile(draw *rand.Rand, hours [5]float64) clock {
	whole, part := math.Modf(draw.Float64() * 4)
	i := int(whole)
	return clock((hours[i] + part*(hours[i+1]-hours[i])) * float64(hour))
}
