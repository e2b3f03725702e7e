package oracle_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"waggle/test/kit"
	"waggle/test/kit/oracle"
)

// The distances are computed by hand, some of them between places whose coordinates only
// seem far apart.
func TestDistance(t *testing.T) {
	const degree = 6371007.180918475 * math.Pi / 180
	for _, test := range []struct {
		a, b oracle.Place
		want float64
	}{
		{oracle.Place{Lat: 10, Lng: 20}, oracle.Place{Lat: 11, Lng: 20}, degree},
		{oracle.Place{Lng: 179.5}, oracle.Place{Lng: -179.5}, degree},
		{oracle.Place{Lat: 60, Lng: 180}, oracle.Place{Lat: 60, Lng: -180}, 0},
		{oracle.Place{Lat: 85}, oracle.Place{Lat: 85, Lng: 180}, 10 * degree},
		{oracle.Place{}, oracle.Place{Lng: -180}, 180 * degree},
		{oracle.Place{Lat: -85, Lng: 3}, oracle.Place{Lat: 85, Lng: 3}, 170 * degree},
	} {
		if got := oracle.Distance(test.a, test.b); math.Abs(got-test.want) > 1e-6 {
			t.Errorf("Distance(%v, %v) = %v, want %v", test.a, test.b, got, test.want)
		}
	}
}

func TestTravelGoesTheDistance(t *testing.T) {
	random := kit.Random(t, 0)
	for _, spot := range oracle.Spots() {
		for range 1000 {
			from, bearing, meters := spot.At(random), 2*math.Pi*random.Float64(), math.Pow(10, 7*random.Float64())
			to := oracle.Travel(from, bearing, meters)
			if got := oracle.Distance(from, to); math.Abs(got-meters) > 1e-6 {
				t.Fatalf("Travel(%v, %v, %v) went %v m, to %v", from, bearing, meters, got, to)
			}
		}
	}
	if got := oracle.Travel(oracle.Place{Lat: 3, Lng: 4}, 0, 1000); got.Lat <= 3 || math.Abs(got.Lng-4) > 1e-9 {
		t.Errorf("north of 3, 4: got %v", got)
	}
	if got := oracle.Travel(oracle.Place{Lat: 3, Lng: 4}, math.Pi/2, 1000); got.Lng <= 4 {
		t.Errorf("east of 3, 4: got %v", got)
	}
}

func TestMembersMayReportFromEverySpot(t *testing.T) {
	random := kit.Random(t, 0)
	may := func(p oracle.Place) bool { return math.Abs(p.Lat) <= 85 && math.Abs(p.Lng) <= 180 }
	for _, spot := range oracle.Spots() {
		for range 1000 {
			middle := spot.At(random)
			near := oracle.Near(random, middle, 3000)
			if !may(middle) || !may(near) || oracle.Distance(middle, near) > 3000.001 {
				t.Fatalf("%s: %v, and within 3000 m %v", spot.Name, middle, near)
			}
		}
	}
}

// The rows have a result of every wrong kind, and some that are right.
func TestCheckReportsWrongResultsOnly(t *testing.T) {
	now := time.Unix(1000, 0)
	at := func(meters float64) oracle.Place { return oracle.Travel(oracle.Place{Lat: 50, Lng: 180}, 1, meters) }
	var c oracle.Crowd
	for _, m := range []oracle.Member{
		{Name: "a", Place: at(100), Tags: []string{"tall", "calm"}}, {Name: "b", Place: at(100.4)}, {Name: "c", Place: at(300), Tags: []string{"tall"}},
		{Name: "rim", Place: at(1000.3)}, {Name: "gone", Place: at(5), Unavailable: true}, {Name: "far", Place: at(1002)},
	} {
		m.Reported = now
		c.Put(m)
	}
	c.Put(oracle.Member{Name: "stale", Place: at(50), Reported: now.Add(-time.Minute)})
	c.Put(oracle.Member{Name: "moved", Place: at(1), Reported: now})
	c.Put(oracle.Member{Name: "moved", Place: at(400), Reported: now})
	for _, test := range []struct {
		found string
		all   bool
		tags  string
		wrong string // what the error says; "" where there is none
	}{
		{"a b c moved", true, "", ""},
		{"b a c moved rim", true, "", ""},
		{"a b", false, "", ""},
		{"", false, "", ""},
		{"a c", true, "tall", ""},
		{"a", true, "calm tall", ""},
		{"", true, "", "a is missing"},
		{"a b c", true, "", "moved is missing"},
		{"c", false, "", "should be a"},
		{"a c", false, "", "should be b"},
		{"a a", false, "", "twice"},
		{"a b c far", false, "", "far"},
		{"gone", false, "", "unavailable true"},
		{"stale", false, "", "reported 0s"},
		{"b", false, "tall", "tagged []"},
		{"a b c moved nobody", false, "", "nobody"},
	} {
		q := oracle.Query{Place: at(0), Radius: 1000, Tags: strings.Fields(test.tags), Since: now.Add(-time.Minute)}
		err := c.Check(q, strings.Fields(test.found), test.all, 1)
		if (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%q, all %v, tags %q: got %v, want %q", test.found, test.all, test.tags, err, test.wrong)
		}
	}
}
