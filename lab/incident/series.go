package incident

import (
	"math"
	"strconv"

	"waggle/internal/telemetry"
)

// key is the name of one series of a counter. value is "" if the counter has no attribute.
func key(i telemetry.Instrument, value string) string {
	if value == "" {
		return i.PrometheusName()
	}
	return i.PrometheusName() + "{" + i.Attribute + "=" + strconv.Quote(value) + "}"
}

// at returns the value of a series at a time, from the last sample by then. A counter that has not
// counted yet is not in the metrics.
func (r Record) at(key string, t float64) float64 {
	v := 0.0
	for _, s := range r.Samples {
		if s.At > t {
			break
		}
		v = s.Values[key]
	}
	return v
}

// rate returns how much a counter counted a second in a stage.
func (r Record) rate(key string, s Stage) float64 {
	return (r.at(key, s.To) - r.at(key, s.From)) / (s.To - s.From)
}

// quantile returns a quantile of what a histogram has recorded in a stage: the upper bound of its
// bucket, or NaN if it has recorded nothing.
func (r Record) quantile(i telemetry.Instrument, q float64, s Stage) float64 {
	count := func(bucket string) float64 {
		k := i.PrometheusName() + "_bucket{le=" + strconv.Quote(bucket) + "}"
		return r.at(k, s.To) - r.at(k, s.From)
	}
	all := count("+Inf")
	if all == 0 {
		return math.NaN()
	}
	for _, b := range i.Buckets {
		if count(strconv.FormatFloat(b, 'g', -1, 64)) >= q*all {
			return b
		}
	}
	return math.Inf(1)
}

// A Reading is what an alarm would have read.
type Reading struct {
	telemetry.Alarm
	Most    float64 // in one minute
	Reached int     // minutes that have reached the threshold
	OffAt   float64 // when it would have gone off, seconds after the stack's start; 0: never
}

// Alarms returns what each alarm would have read, minute by minute from the beginning of the load.
func (r Record) Alarms() []Reading {
	stages := r.Plan.Stages()
	var all []Reading
	for _, a := range telemetry.Alarms() {
		reading := Reading{Alarm: a}
		k := key(a.Instrument.Instrument(), a.Value)
		var reached []bool
		for t := stages[before].From; t < stages[after].To; t += 60 {
			n := r.at(k, t+60) - r.at(k, t)
			reading.Most = max(reading.Most, n)
			reached = append(reached, n >= a.Threshold)
			lately := 0
			for _, yes := range reached[max(0, len(reached)-a.Within):] {
				if yes {
					lately++
				}
			}
			if n >= a.Threshold {
				reading.Reached++
			}
			if lately >= a.Minutes && reading.OffAt == 0 {
				reading.OffAt = t + 60
			}
		}
		all = append(all, reading)
	}
	return all
}

// healed returns how many seconds a stage of the incident was felt after its end: until no message was
// answered with unavailable, and no push was refused. It returns false if that lasts to the end of the
// next stage.
func (r Record) healed(next Stage) (float64, bool) {
	bad := []string{key(telemetry.Refusals.Instrument(), "unavailable"), key(telemetry.Pushes.Instrument(), "throttled")}
	last := next.From
	for t := next.From; t < next.To; t++ {
		for _, k := range bad {
			if r.rate(k, Stage{From: t, To: t + 1}) > 0 {
				last = t + 1
			}
		}
	}
	return last - next.From, last < next.To-1
}
