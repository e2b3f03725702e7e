package compare

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/lab/town"
	"waggle/lab/trace"
	"waggle/localstack/streets"
	"waggle/test/kit"
)

const midnight = 1_780_000_000 / 86400 * 86400 // UTC

func TestAMeasureCountsTimePickupsAndRides(t *testing.T) {
	// At the centre, and further north.
	row := func(second int64, cab string, north float64, occupied bool) trace.Row {
		return trace.Row{Unix: midnight + second, Cab: cab, Lat: streets.CentreLat + 0.001 + north/metersPerDegree, Lng: streets.CentreLng + 0.001, Occupied: occupied}
	}
	m := NewMeasure(time.UTC)
	for _, r := range []trace.Row{
		row(0, "a", 0, false), row(10, "b", 0, true),
		row(60, "a", 0, true), // a pickup
		{Unix: midnight + 70, Cab: "a", Lat: 91},
		row(100, "a", side, true),
		row(110, "b", 0, false), // the end of a ride without a beginning
		row(400, "a", 2*side, false),
		row(701, "a", 0, false), // after too long a gap: it may have been anywhere
		row(3600, "c", 0, false),
		row(3660, "c", 0, true), // a pickup without an end
		row(3720, "c", 0, true),
	} {
		m.Add(r)
	}
	want := Day{Members: 3, Seconds: map[Cell]float64{{0, 0}: 60 + 40 + 100 + 120, {0, 1}: 300}, Meters: []float64{2 * side}, Took: []float64{340}}
	want.Online[0], want.Online[1] = 500.0/3600, 120.0/3600
	want.Pickups[0], want.Pickups[1] = 1, 1
	about := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-6*(1+math.Abs(a)) })
	if diff := cmp.Diff(want, m.Day(), about); diff != "" {
		t.Errorf("got +, want -\n%s", diff)
	}
}

func TestCellsAreSquares(t *testing.T) {
	for _, c := range []Cell{{0, 0}, {-3, 4}, {7, -20}} {
		if got := cellOf(c.centre()); got != c {
			t.Errorf("%v: got %v for its centre", c, got)
		}
	}
}

func TestFitComparesDensities(t *testing.T) {
	a, b, c, d := Cell{0, 0}, Cell{0, 1}, Cell{1, 0}, Cell{1, 1}
	for name, tt := range map[string]struct {
		made map[Cell]float64
		want Fit
	}{
		"the same, but longer": {map[Cell]float64{a: 20, b: 60}, Fit{1, 100}},
		"the opposite":         {map[Cell]float64{a: 30, b: 10}, Fit{-1, 50}},
		"elsewhere":            {map[Cell]float64{c: 10, d: 30}, Fit{-2.0 / 3, 0}},
		"half elsewhere":       {map[Cell]float64{b: 30, c: 30}, Fit{0.18898, 50}},
	} {
		got := fit(map[Cell]float64{a: 10, b: 30}, tt.made)
		if math.Abs(got.Correlation-tt.want.Correlation) > 1e-5 || math.Abs(got.Overlap-tt.want.Overlap) > 1e-9 {
			t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
		}
	}
}

func TestApartIsTheKolmogorovSmirnovDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b []float64
		want float64
	}{
		{[]float64{3, 1, 2}, []float64{1, 2, 3}, 0},
		{[]float64{1, 2}, []float64{3, 4}, 100},
		{[]float64{1, 2, 3, 4}, []float64{3, 4, 5, 6}, 50},
		{[]float64{1, 1, 1, 1, 5}, []float64{1, 5, 5, 5, 5}, 60},
		{nil, []float64{1}, 100},
	} {
		if got := apart(tt.a, tt.b); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%v and %v: got %g, want %g", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestPercentileIsByNearestRank(t *testing.T) {
	values := []float64{40, 10, 30, 20}
	for percent, want := range map[float64]float64{0: 10, 25: 10, 50: 20, 75: 30, 76: 40, 100: 40} {
		if got := percentile(values, percent); got != want {
			t.Errorf("p%g: got %g, want %g", percent, got, want)
		}
	}
	if got := percentile(nil, 50); got != 0 {
		t.Errorf("of nothing: got %g", got)
	}
}

// made returns a made-up day of some members.
func made(t *testing.T, of uint64, members int) Day {
	t.Helper()
	m := NewMeasure(time.UTC)
	c := town.Config{Seed: of, Members: members, Midnight: midnight, From: midnight, To: midnight + 86400, Every: 60}
	if err := town.Trace(t.Context(), c, func(r trace.Row) error { m.Add(r); return nil }); err != nil {
		t.Fatal(err)
	}
	return m.Day()
}

// The numbers of the real day of 489 cabs after which the town is made, as city -compare
// prints them. A made-up day is similar, with any seed.
func TestAMadeUpDayIsLikeTheRealOne(t *testing.T) {
	pickups := [24]int{842, 702, 402, 186, 224, 245, 416, 634, 943, 964, 883, 877, 874, 1001, 912, 822, 850, 1060, 1359, 1557, 1533, 1560, 1740, 1842}
	const cabs, fares = 489, 22428
	day := made(t, kit.Seed(t), 120)
	within := func(what string, got, want, percent float64) {
		t.Helper()
		if math.Abs(got-want) > percent/100*want {
			t.Errorf("%s: got %.4g, want %.4g, give or take %g %%", what, got, want, percent)
		}
	}
	for _, p := range []struct{ percent, meters float64 }{{10, 726}, {25, 1290}, {50, 2199}, {75, 3726}, {90, 7587}} {
		give := 15.0
		if p.percent == 10 || p.percent == 90 {
			give = 35
		}
		within("metres of a ride", percentile(day.Meters, p.percent), p.meters, give)
	}
	within("seconds of a ride", percentile(day.Took, 50), 529, 15)
	within("fares a member", total(day.Pickups)/120, fares/cabs, 15)
	within("members online, in percent", 100*mean(day.Online)/120, 100.0*339/cabs, 15)
	real, parts := Parts(pickups), Parts(day.Pickups)
	for h := range parts {
		if math.Abs(parts[h]-real[h]) > 1.6 {
			t.Errorf("fares from %d to %d h: got %.1f %% of the day's, want %.1f", h, h+1, parts[h], real[h])
		}
	}
	// Parts of the members' time: in the middle, at the garage, at the airport, in the west.
	all, middle, garage, airport, west := sum(day.Seconds), 0.0, 0.0, 0.0, 0.0
	for c, seconds := range day.Seconds {
		switch lat, lng := c.centre(); {
		case lat > 37.78 && lat < 37.80 && lng > -122.425 && lng < -122.39:
			middle += 100 * seconds / all
		case c == cellOf(37.7496, -122.3963):
			garage += 100 * seconds / all
		case lat < 37.63:
			airport += 100 * seconds / all
		case lng < -122.47:
			west += 100 * seconds / all
		}
	}
	within("time in the middle, in percent", middle, 38, 20)
	within("time at the garage, in percent", garage, 5, 50)
	within("time at the airport, in percent", airport, 4.5, 40)
	if west > 8 {
		t.Errorf("got %.1f %% of the time in the west", west)
	}
}

func TestDaysAreCompared(t *testing.T) {
	a := made(t, kit.Seed(t), 40)
	same := Days(a, a)
	if same.Density.Correlation < 0.999 || same.Density.Overlap < 99.999 || same.Rides != 0 || same.Hours != 0 || same.Outside > 0.001 {
		t.Errorf("a day with itself: got %+v, rides %g, hours %g, outside %g", same.Density, same.Rides, same.Hours, same.Outside)
	}
	if same.Uniform.Correlation > 0.6 || same.Uniform.Overlap > 60 {
		t.Errorf("a uniform city: got %+v", same.Uniform)
	}
	moved := Day{Seconds: map[Cell]float64{}, Pickups: a.Pickups}
	for c, seconds := range a.Seconds {
		moved.Seconds[Cell{c.East - 100, c.North}] = seconds
	}
	moved.Pickups[3] += 10_000
	moved.Meters = []float64{1}
	far := Days(moved, a)
	if far.Density.Overlap > 0 || math.Abs(far.Outside-100) > 0.001 || far.Hours < 50 || far.Rides < 99 {
		t.Errorf("with one far off: got %+v, %g outside, hours %g, rides %g", far.Density, far.Outside, far.Hours, far.Rides)
	}
	hottest := far.Furthest[0]
	if len(far.Furthest) != spots || hottest.Real != 0 && hottest.Made != 0 || hottest.Real+hottest.Made < far.Furthest[1].Real+far.Furthest[1].Made {
		t.Errorf("got %+v as where they differ most", far.Furthest)
	}
	text := far.Table()
	for _, want := range []string{"uniform", "03:00", "100.0 %", "points", "37."} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Contains(text, " \n") {
		t.Errorf("got\n%s", text)
	}
}

func TestAComparisonIsDrawn(t *testing.T) {
	a := made(t, kit.Seed(t), 10)
	p := Days(a, a).Picture()
	for name, begins := range map[string]string{"days.png": "\x89PNG", "days.svg": "<?xml"} {
		file := filepath.Join(t.TempDir(), name)
		if err := p.Save(file); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(data, []byte(begins)) {
			t.Errorf("%s begins with %q", name, data[:8])
		}
	}
}

func TestAnEmptyDayIsCompared(t *testing.T) {
	empty := NewMeasure(time.UTC).Day()
	text := Days(empty, empty).Table()
	if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Errorf("got\n%s", text)
	}
}
