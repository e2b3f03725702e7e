package waggle

import (
	"math"
	"time"
)

// The bounds of a prediction. They are part of the protocol.
const (
	// StillSpeed is the speed in metres per second below which a member is predicted to stand
	// still. The heading of a receiver that stands is noise.
	StillSpeed = 1.0
	// PredictionHorizon is how long after its fix a member is predicted to move. Later, it is
	// predicted to stand where it was predicted to be then.
	PredictionHorizon = 2 * time.Minute
)

// earthRadius is the mean radius of the Earth, in metres.
const earthRadius = 6371008.8

// Predict returns where the member is predicted to be at a time in epoch ms, by the rule
// "Predicting a position" of the protocol. The time is that of the clock of At.
//
// The member keeps its speed, along the great circle that leaves the fix at its heading:
//
//	a = Speed · min(max(at − At, 0), PredictionHorizon) / Earth's radius, an angle
//	n = cos Lat · cos a − sin Lat · sin a · cos Heading
//	e = sin a · sin Heading
//	u = sin Lat · cos a + cos Lat · sin a · cos Heading
//	latitude = atan2(u, hypot(n, e)), longitude = Lng + atan2(e, n)
//
// A longitude that leaves [-180, 180) comes in again on the other side. A fix whose Speed is
// below StillSpeed, or whose Speed or Heading is not known, is predicted to stay as it is.
func (f Fix) Predict(at int64) (lat, lng float64) {
	speed, heading := known(f.Speed), known(f.Heading)
	elapsed := min(time.Duration(max(at-f.At, 0)), PredictionHorizon/time.Millisecond) * time.Millisecond
	if !(speed >= StillSpeed) || !(heading >= 0) || elapsed == 0 {
		return f.Lat, f.Lng
	}
	sinLat, cosLat := math.Sincos(f.Lat * math.Pi / 180)
	sinA, cosA := math.Sincos(speed * elapsed.Seconds() / earthRadius)
	sinH, cosH := math.Sincos(heading * math.Pi / 180)
	n, e, u := cosLat*cosA-sinLat*sinA*cosH, sinA*sinH, sinLat*cosA+cosLat*sinA*cosH
	lat, lng = math.Atan2(u, math.Hypot(n, e))*180/math.Pi, f.Lng+math.Atan2(e, n)*180/math.Pi
	if lng < -180 || lng >= 180 {
		lng -= 360 * math.Floor((lng+180)/360)
	}
	return lat, lng
}

// Deviation returns how many metres a later fix is from where this one predicts the member.
func (f Fix) Deviation(later Fix) float64 {
	lat, lng := f.Predict(later.At)
	return metersBetween(lat, lng, later.Lat, later.Lng)
}

// known returns a number of a Motion, or -1 if it is not known.
func known(v *float64) float64 {
	if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
		return -1
	}
	return *v
}
