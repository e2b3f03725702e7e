package trace_test

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/lab/trace"
)

const small = `unix_s,cab,lat,lng,occupied
100,a,37.70,-122.40,0
100,b,37.71,-122.41,1
130,a,37.72,-122.42,1
160,b,37.73,-122.43,0
190,a,37.74,-122.44,0
`

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPlainAndGzippedTracesAreRead(t *testing.T) {
	want := []trace.Row{
		{Unix: 100, Cab: "a", Lat: 37.70, Lng: -122.40},
		{Unix: 100, Cab: "b", Lat: 37.71, Lng: -122.41, Occupied: true},
		{Unix: 130, Cab: "a", Lat: 37.72, Lng: -122.42, Occupied: true},
		{Unix: 160, Cab: "b", Lat: 37.73, Lng: -122.43},
		{Unix: 190, Cab: "a", Lat: 37.74, Lng: -122.44},
	}
	other := "lng,more,occupied,cab,lat,unix_s\n-122.40,x,0,a,37.70,100\n"
	for name, tt := range map[string]struct {
		data []byte
		want []trace.Row
	}{
		"plain":         {[]byte(small), want},
		"gzipped":       {zipped(t, small), want},
		"other columns": {[]byte(other), want[:1]},
	} {
		got, err := trace.Read(bytes.NewReader(tt.data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: got +, want -\n%s", name, diff)
		}
	}
}

func TestErrorsNameTheLineAndTheRemedy(t *testing.T) {
	header := "unix_s,cab,lat,lng,occupied\n"
	long := zipped(t, header+strings.Repeat("100,a,37.7,-122.4,0\n", 5000))
	damaged := bytes.Clone(long)
	damaged[len(damaged)-6] ^= 0xff // in the checksum
	for name, tt := range map[string]struct {
		data string
		want []string
	}{
		"empty":               {"", []string{"empty", trace.Columns}},
		"no rows":             {header, []string{"no rows"}},
		"a byte order mark":   {"\ufeff" + header + "1,a,1,2,0\n", []string{"line 1", "byte order mark", "UTF-8"}},
		"a column twice":      {"unix_s,cab,lat,lng,occupied,lat\n1,a,1,2,0,1\n", []string{"line 1", "the column lat is there more than once"}},
		"lat and lng swapped": {header + "1,a,-122.4,37.7,0\n2,a,37.7,-122.4,0\n3,a,-122.4,37.7,0\n", []string{"2 of 3 rows have no possible place, the first in line 2", "lat must be from -85 to 85", "swapped?"}},
		"NaN":                 {header + "1,a,NaN,1,0\n", []string{"1 of 1 rows have no possible place"}},
		"missing column":      {"unix_s,cab,lat,lng\n1,a,2,3\n", []string{"line 1", "no column occupied", trace.Columns}},
		"unsorted":            {header + "100,a,1,2,0\n99,b,1,2,0\n", []string{"line 3", "99 comes after 100", "sorted"}},
		"bad time":            {header + "soon,a,1,2,0\n", []string{"line 2", `unix_s "soon"`}},
		"milliseconds":        {header + "1212195600000,a,1,2,0\n", []string{"line 2", "unix_s 1212195600000", "not milliseconds"}},
		"before 1970":         {header + "-1,a,1,2,0\n", []string{"line 2", "unix_s -1 must be seconds since 1970"}},
		"a stray quote":       {header + "1,a\"b,1,2,0\n", []string{"line 2", "must be CSV"}},
		"bad lat":             {header + "1,a,1,2,0\n1,a,north,2,0\n", []string{"line 3", `lat "north"`}},
		"bad lng":             {header + "1,a,1,west,0\n", []string{"line 2", `lng "west"`}},
		"bad occupied":        {header + "1,a,1,2,yes\n", []string{"line 2", `"yes" is neither 0 nor 1`}},
		"no cab":              {header + "1,,1,2,0\n", []string{"line 2", "cab is empty"}},
		"short row":           {header + "1,a,1\n", []string{"line 2", "not as many fields as the header"}},
		"cut off":             {string(long[:len(long)-20]), []string{"after line ", "cut off", "again"}},
		"damaged":             {string(damaged), []string{"after line 5001 the gzip data is damaged"}},
	} {
		_, err := trace.Read(strings.NewReader(tt.data))
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, part := range tt.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: got %q, want it to say %q", name, err, part)
			}
		}
	}
}

func TestCutFindsPickupsAndTheirEnds(t *testing.T) {
	row := func(unix int64, cab string, occupied bool) trace.Row {
		return trace.Row{Unix: unix, Cab: cab, Lat: float64(unix) / 10, Lng: 1, Occupied: occupied}
	}
	bad := trace.Row{Unix: 130, Cab: "b", Lat: 91, Lng: 0, Occupied: true}
	rows := []trace.Row{
		row(90, "a", false), row(90, "c", true), row(95, "gone", false),
		row(100, "a", true),  // a pickup in the window: the row before is not occupied
		row(110, "b", false), // its first row is in the window
		row(120, "c", false), // the end of a fare that began before the window
		bad,
		row(140, "b", true), // the pickup that the row before did not show
		row(150, "a", false), row(160, "a", true),
		row(170, "new", true), // not a pickup: there is no row before
		row(200, "a", false),  // outside: the fare ends with the window
	}
	got := trace.Cut(rows, 100, 200, 0)
	want := trace.Window{
		From: 100, To: 200, Skipped: 1, Cabs: []string{"a", "b", "c", "new"},
		Reports: []trace.Row{rows[3], rows[4], rows[5], rows[7], rows[8], rows[9], rows[10]},
		Fares: []trace.Fare{
			{Cab: "a", Asks: 100, After: 1, Pickup: 100, End: 150, Lat: 10, Lng: 1},
			{Cab: "b", Asks: 140, After: 4, Pickup: 140, End: 200, Lat: 14, Lng: 1},
			{Cab: "a", Asks: 160, After: 6, Pickup: 160, End: 200, Lat: 16, Lng: 1},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("got +, want -\n%s", diff)
	}

	// Half a minute ahead, a passenger asks after the rows of that second. One asked
	// before the window, and one has its pickup after it.
	rows = append(rows, row(220, "b", false), row(228, "a", true), row(229, "a", false), row(240, "b", true))
	got = trace.Cut(rows, 100, 200, 30)
	want.Earlier = 1
	want.Fares = []trace.Fare{
		{Cab: "b", Asks: 110, After: 2, Pickup: 140, End: 200, Lat: 14, Lng: 1},
		{Cab: "a", Asks: 130, After: 3, Pickup: 160, End: 200, Lat: 16, Lng: 1},
		{Cab: "a", Asks: 198, After: 7, Pickup: 228, End: 200, Lat: 22.8, Lng: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("half a minute ahead: got +, want -\n%s", diff)
	}
	// The first row of a cab is at 110, so its passenger cannot have asked before. The
	// window does not matter for that.
	if got = trace.Cut(rows, 0, 200, 40); got.Earlier != 2 || got.Fares[0].Cab != "a" || got.Fares[0].Asks != 120 {
		t.Errorf("with what was before: got %d earlier, and first %+v", got.Earlier, got.Fares[0])
	}
	// If passengers ask longer ahead than the window is long, its own pickups are not in it.
	if got = trace.Cut(rows, 100, 200, 110); got.Earlier != 3 || len(got.Fares) != 2 || got.Fares[0].Pickup != 228 || got.Fares[0].Asks != 118 {
		t.Errorf("longer ahead than the window: got %d earlier and %+v", got.Earlier, got.Fares)
	}
}

func TestStartReadsTimesOfDayAndDates(t *testing.T) {
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	rows := []trace.Row{{Unix: 1212130800}} // 2008-05-30, midnight there
	for in, want := range map[string]int64{
		"":                          1212130800,
		"18:00":                     1212195600,
		"18:00:30":                  1212195630,
		"2008-05-30T18:00:00-07:00": 1212195600,
		"1212195600":                1212195600,
	} {
		if got, err := trace.Start(in, rows, zone); err != nil || got != want {
			t.Errorf("%q: got %d, %v, want %d", in, got, err, want)
		}
	}
	if _, err := trace.Start("six", rows, zone); err == nil || !strings.Contains(err.Error(), "18:00") {
		t.Errorf(`"six": got %v, want what is allowed`, err)
	}
}
