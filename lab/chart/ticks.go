package chart

import (
	"math"
	"strconv"
	"time"

	"gonum.org/v1/plot"
)

// most is the largest number of labels of an axis.
const most = 9

// A clock marks times of day in its zone.
type clock struct{ zone *time.Location }

func (c clock) Ticks(low, high float64) []plot.Tick {
	step, format := 24*time.Hour, "15:04"
	for _, s := range []time.Duration{
		time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute,
		30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	} {
		if (high-low)/s.Seconds() <= most {
			step = s
			break
		}
	}
	if step < time.Minute {
		format = "15:04:05"
	} else if high-low > 2*most*12*3600 {
		format = "01-02"
	}
	from := time.Unix(int64(low), 0).In(c.zone)
	at := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, c.zone)
	var all []plot.Tick
	for ; float64(at.Unix()) <= high; at = at.Add(step) {
		if float64(at.Unix()) >= low {
			all = append(all, plot.Tick{Value: float64(at.Unix()), Label: at.Format(format)})
		}
	}
	return all
}

// decades marks 1, 2 and 5 of each power of ten, or only the powers if there are many.
type decades struct{}

func (decades) Ticks(low, high float64) []plot.Tick {
	var all []plot.Tick
	wide := math.Log10(high/low) > 3.2
	for power := math.Pow(10, math.Floor(math.Log10(low))); power <= high; power *= 10 {
		for m := 1.0; m < 10; m++ {
			v := power * m
			if v < low || v > high {
				continue
			}
			t := plot.Tick{Value: v}
			if m == 1 || !wide && (m == 2 || m == 5) {
				t.Label = number(v)
			}
			all = append(all, t)
		}
	}
	return all
}

// rounds marks round numbers, up to the last mark if there is one.
type rounds struct{ last float64 }

func (r rounds) Ticks(low, high float64) []plot.Tick {
	if r.last != 0 {
		high = min(high, r.last)
	}
	step := math.Pow(10, math.Floor(math.Log10(high-low))-1)
	for _, by := range []float64{2, 2.5, 2, 2, 2.5, 2} { // 1, 2, 5, 10, …
		if (high-low)/step <= most-2 {
			break
		}
		step *= by
	}
	var all []plot.Tick
	for i := math.Ceil(low / step); i*step <= high; i++ {
		all = append(all, plot.Tick{Value: i * step, Label: number(i * step)})
	}
	return all
}

// number formats a number briefly: 20k for 20 000.
func number(v float64) string {
	if math.Abs(v) >= 10_000 {
		return digits(v/1000, 4) + "k"
	}
	return digits(v, 4)
}

// precise formats a percentile with three digits, or with all digits before the point.
func precise(v float64) string {
	if math.Abs(v) >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return digits(v, 3)
}

func digits(v float64, n int) string { return strconv.FormatFloat(v, 'g', n, 64) }
