package waggle

import (
	"math"
	"testing"
)

func TestADeviationCountsFromThePredictedPlace(t *testing.T) {
	const degree = 6371008.8 * math.Pi / 180 // metres
	fix := func(north float64, seconds int64, speed float64) Fix {
		return Fix{Lat: north / degree, Lng: -180, At: 1000 * seconds, Motion: Motion{Speed: &speed, Heading: new(0.0)}}
	}
	for name, tt := range map[string]struct {
		from, to Fix
		want     float64
	}{
		"as predicted":                 {fix(0, 0, 10), fix(100, 10, 3), 0},
		"it has braked":                {fix(0, 0, 10), fix(70, 10, 0), 30},
		"it stands":                    {fix(0, 0, 0.9), fix(8, 10, 0), 8},
		"a speed that is not a number": {fix(0, 0, math.NaN()), fix(8, 10, 0), 8},
		"an infinite speed":            {fix(0, 0, math.Inf(1)), fix(8, 10, 0), 8},
		"after the horizon":            {fix(0, 0, 10), fix(1200, 500, 0), 0},
	} {
		if got := tt.from.Deviation(tt.to); math.Abs(got-tt.want) > 0.001 {
			t.Errorf("%s: got %.3f m, want %g", name, got, tt.want)
		}
	}
	across := fix(0, 10, 0)
	across.Lng = 179.9999 // 0.0001 degrees beside it
	if got, want := fix(0, 0, 0).Deviation(across), 0.0001*degree; math.Abs(got-want) > 0.001 {
		t.Errorf("across the antimeridian: got %.3f m, want %.3f", got, want)
	}
}
