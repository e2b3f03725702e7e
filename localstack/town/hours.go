package town

// clock is a second of the town's time: 0 is a midnight.
type clock int64

const (
	minute clock = 60
	hour   clock = 3600
	day    clock = 24 * hour
)

func (c clock) day() int { return int((c - c.second()) / day) }

// second is since midnight.
func (c clock) second() clock { return ((c % day) + day) % day }

func (c clock) hour() int { return int(c.second() / hour) }

// night is when people go out, and not to work.
func (c clock) night() bool { return c.hour() >= 19 || c.hour() < 5 }

// fares is how many fares an hour a member without one finds, by the hour of the day:
// what the cabs of the real day picked up in an hour by the hours that they drove without.
func fares(hour int) float64 {
	return [24]float64{
		4.4, 3.9, 2.8, 1.7, 1.9, 1.5, 1.8, 2.7, 4.4, 4.6, 4.0, 3.9,
		4.0, 4.7, 4.4, 4.3, 4.8, 6.8, 9.9, 10.1, 8.9, 8.6, 12.3, 12.7,
	}[hour]
}

// traffic is the part of its pace that one keeps in it.
func (c clock) traffic() float64 {
	if h := c.hour(); h >= 7 && h < 20 {
		return 0.8
	}
	return 1
}
