package town

// clock is a time of the town in seconds: 0 is a midnight.
type clock int64

const (
	minute clock = 60
	hour   clock = 3600
	day    clock = 24 * hour
)

func (c clock) day() int { return int((c - c.second()) / day) }

// second returns the seconds since midnight.
func (c clock) second() clock { return ((c % day) + day) % day }

func (c clock) hour() int { return int(c.second() / hour) }

// night tells whether people go out rather than to work.
func (c clock) night() bool { return c.hour() >= 19 || c.hour() < 5 }

// fares returns how many fares a free member finds in an hour, by the hour of the day:
// the pickups of the real day divided by the hours that its cabs drove without a fare.
func fares(hour int) float64 {
	return [24]float64{
		4.4, 3.9, 2.8, 1.7, 1.9, 1.5, 1.8, 2.7, 4.4, 4.6, 4.0, 3.9,
		4.0, 4.7, 4.4, 4.3, 4.8, 6.8, 9.9, 10.1, 8.9, 8.6, 12.3, 12.7,
	}[hour]
}

// traffic returns the part of its pace that a car keeps in the traffic.
func (c clock) traffic() float64 {
	if h := c.hour(); h >= 7 && h < 20 {
		return 0.8
	}
	return 1
}
