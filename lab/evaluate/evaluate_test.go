package evaluate

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/lab/trace"
)

// A leg is a part of a way, at one speed in one direction.
type leg struct {
	seconds        int
	speed, heading float64
}

// drive returns the track of a member who begins to drive at the first second, with an exact
// receiver. At the end of a leg it has turned and has the next leg's speed at once.
func drive(legs ...leg) *track {
	t := &track{from: 100, seconds: []second{{lat: 37.77, lng: -122.42, speed: legs[0].speed, heading: legs[0].heading}}}
	for i, l := range legs {
		next := l
		if i+1 < len(legs) {
			next = legs[i+1]
		}
		sin, cos := math.Sincos(l.heading * math.Pi / 180)
		for k := range l.seconds {
			now := t.seconds[len(t.seconds)-1]
			now.lat, now.lng = moved(now.lat, now.lng, l.speed*cos, l.speed*sin)
			if k == l.seconds-1 {
				now.speed, now.heading = next.speed, next.heading
			}
			t.seconds = append(t.seconds, now)
		}
	}
	t.receive(0, rand.New(rand.NewPCG(1, 1)))
	return t
}

func TestReportsAreCountedExactly(t *testing.T) {
	straight := drive(leg{100, 10, 90})
	stop := drive(leg{50, 10, 0}, leg{50, 0, 0})
	turn := drive(leg{50, 10, 0}, leg{50, 10, 90})
	for name, tt := range map[string]struct {
		track *track
		rule  rule
		want  []int
	}{
		"a straight way, by time":            {straight, rule{after: 30 * time.Second}, []int{0, 30, 60, 90}},
		"a straight way, by distance":        {straight, rule{move: 299}, []int{0, 30, 60, 90}},
		"a straight way, by both":            {straight, rule{after: 25 * time.Second, move: 299}, []int{0, 25, 50, 75, 100}},
		"a straight way, by deviation":       {straight, rule{deviate: 1}, []int{0}},
		"… and a keep-alive":                 {straight, rule{deviate: 1, after: time.Minute}, []int{0, 60}},
		"a stop, by distance":                {stop, rule{move: 199}, []int{0, 20, 40}},
		"a stop, by deviation: 15 m later":   {stop, rule{deviate: 15}, []int{0, 52}},
		"a stop, exactly at the bound":       {stop, rule{deviate: 20.001}, []int{0, 53}},
		"a turn: 14.1 m off after a second":  {turn, rule{deviate: 14}, []int{0, 51}},
		"a turn, by a bound of two seconds":  {turn, rule{deviate: 15}, []int{0, 52}},
		"a stop, by time after the stop too": {stop, rule{after: 45 * time.Second}, []int{0, 45, 90}},
	} {
		if got := tt.rule.report(tt.track); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got reports at %v, want %v", name, got, tt.want)
		}
	}
}

func TestTheWatcherIsAsFarOffAsItsReportsAreOld(t *testing.T) {
	straight := drive(leg{4, 10, 90})
	for name, tt := range map[string]struct {
		predicts bool
		latency  int
		want     []float64
	}{
		"it holds the place":              {false, 0, []float64{0, 10, 0, 10, 0}},
		"… that it knows a second later":  {false, 1, []float64{10, 20, 10, 20}},
		"it predicts":                     {true, 0, []float64{0, 0, 0, 0, 0}},
		"… what it knows a second later":  {true, 1, []float64{0, 0, 0, 0}},
		"… what it knows at the very end": {true, 4, []float64{0}},
	} {
		got := straight.watch([]int{0, 2, 4}, tt.predicts, tt.latency, nil)
		if len(got) != len(tt.want) {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
			continue
		}
		for i := range got {
			if math.Abs(got[i]-tt.want[i]) > 0.01 {
				t.Errorf("%s: got %v, want %v", name, got, tt.want)
			}
		}
	}
}

func TestPiecesAreTheFewest(t *testing.T) {
	for name, tt := range map[string]struct {
		track *track
		bound float64
		want  int
	}{
		"a straight way":                       {drive(leg{100, 10, 90}), 0.5, 1},
		"a way and a stop":                     {drive(leg{50, 10, 0}, leg{50, 0, 0}), 1, 2},
		"a turn":                               {drive(leg{50, 10, 0}, leg{50, 10, 90}), 1, 2},
		"a square":                             {drive(leg{50, 10, 0}, leg{50, 10, 90}, leg{50, 10, 180}, leg{50, 10, 270}), 1, 4},
		"a square, all of it within the bound": {drive(leg{50, 10, 0}, leg{50, 10, 90}, leg{50, 10, 180}, leg{50, 10, 270}), 360, 1},
		"there and back: the middle is 250 m off": {drive(leg{50, 10, 0}, leg{50, 10, 180}), 250.5, 1},
		"… but not 249 m":                         {drive(leg{50, 10, 0}, leg{50, 10, 180}), 249.5, 2},
		"across the antimeridian":                 {antimeridian(), 0.5, 1},
	} {
		pieces := tt.track.pieces(tt.bound)
		if len(pieces) != tt.want {
			t.Errorf("%s: got %d pieces, want %d: %+v", name, len(pieces), tt.want, pieces)
		}
		if most := slices.Max(tt.track.watchPieces(pieces, nil)); most > tt.bound+0.01 {
			t.Errorf("%s: a piece is %g m off, more than %g", name, most, tt.bound)
		}
	}
}

func antimeridian() *track {
	t := drive(leg{100, 10, 90})
	for i := range t.seconds {
		if t.seconds[i].lng += 122.42 + 179.995; t.seconds[i].lng >= 180 {
			t.seconds[i].lng -= 360
		}
	}
	return t
}

// evening is a small city with all that a Config can ask for.
func evening() Config {
	return Config{Seeds: []uint64{7, 8}, Members: 6, From: 18 * time.Hour, Length: 20 * time.Minute, Noise: 4,
		KeepAlive: time.Minute, Latency: time.Second, Searches: 50}
}

// No sender that predicts along lines, or that has the watcher hold a place, needs fewer
// messages than the pieces at the same bound.
func TestNoPolicyNeedsFewerMessagesThanHindsight(t *testing.T) {
	tracks, err := cityTracks(t.Context(), 5, 12, 18*time.Hour, 30*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for i := range tracks {
		track := &tracks[i]
		track.receive(0, rand.New(rand.NewPCG(1, 1)))
		for _, bound := range []float64{10, 15, 30, 50, 100} {
			least := track.pieces(bound)
			if most := slices.Max(track.watchPieces(least, nil)); most > 1.01*bound {
				t.Errorf("track %d: the pieces for %g m are %g m off", i, bound, most)
			}
			for name, r := range map[string]rule{
				"deviate": {deviate: bound}, "deviate, with a keep-alive": {deviate: bound, after: time.Minute}, "distance": {move: bound},
			} {
				if got := r.report(track); len(got) < len(least) {
					t.Errorf("track %d, %s: got %d reports at %g m, fewer than %d pieces", i, name, len(got), bound, len(least))
				}
			}
		}
	}
}

func TestTheSameSeedsGiveTheSameResult(t *testing.T) {
	run := func(c Config) Result {
		r, err := Run(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	c := evening()
	same := cmp.Exporter(func(reflect.Type) bool { return true })
	first := run(c)
	if diff := cmp.Diff(first, run(c), same); diff != "" {
		t.Errorf("repeated: got +, want -\n%s", diff)
	}
	c.Seeds = []uint64{7, 9}
	if cmp.Equal(first, run(c), same) {
		t.Error("other seeds give the same")
	}
	for _, row := range first.Policies {
		if !(row.ErrorP50 <= row.ErrorP95 && row.ErrorP95 <= row.ErrorMax && row.Messages > 0) {
			t.Errorf("got %+v", row)
		}
	}
	names := map[string]Row{}
	for _, row := range first.Policies {
		names[row.Name] = row
	}
	if got := names["fixed-1s"].Messages; math.Abs(got-3600) > 1e-6 {
		t.Errorf("got %g messages an hour of fixed-1s, want 3600", got)
	}
	if got := names["today"]; *got.IdleMessages > got.Messages/2 {
		t.Errorf("got %.0f messages an hour of an available member, want less than half of %.0f", *got.IdleMessages, got.Messages)
	}
	if got := names["fixed-1s"].Dollars; math.Abs(got-7.2) > 1e-9 {
		t.Errorf("got %g dollars for 1 000 watched hours of fixed-1s, want 7.20", got)
	}
	if got := *names["fixed-1s"].IdleDollars; math.Abs(got-3.6) > 1e-9 {
		t.Errorf("got %g dollars for 1 000 idle hours of fixed-1s, want 3.60", got)
	}
}

// The advice is the server's: a watched member reports after 3 s or 15 m, an available one
// after 30 s or 50 m.
func TestTodayIsTheAdviceOfTheServer(t *testing.T) {
	for _, p := range policies(time.Minute) {
		if p.name != today {
			continue
		}
		if want := (rule{after: 3 * time.Second, move: 15}); p.watched != want {
			t.Errorf("watched: got %+v, want %+v: change the pages that compare policies too", p.watched, want)
		}
		if want := (rule{after: 30 * time.Second, move: 50}); p.idle != want {
			t.Errorf("available: got %+v, want %+v: change the pages that compare policies too", p.idle, want)
		}
		return
	}
	t.Error("there is no policy of that name")
}

// The places drift: after a minute the error has forgotten all but 1/e of itself.
func TestAReceiverErrsAsTheHelpSays(t *testing.T) {
	still := drive(leg{200_000, 0, 0})
	still.receive(4, rand.New(rand.NewPCG(2, 2)))
	var square, later, velocity float64
	for i, s := range still.seconds[:len(still.seconds)-60] {
		north := func(s second) float64 { return (s.seenLat - s.lat) * metersPerDegree }
		square += north(s) * north(s)
		later += north(s) * north(still.seconds[i+60])
		velocity += s.speed * s.speed
	}
	n := float64(len(still.seconds) - 60)
	if got := math.Sqrt(square / n); math.Abs(got-4) > 0.3 {
		t.Errorf("got %.2f m to the north, want 4", got)
	}
	if got := later / square; math.Abs(got-1/math.E) > 0.1 {
		t.Errorf("got a correlation of %.2f after a minute, want 0.37", got)
	}
	if got := math.Sqrt(velocity / n); math.Abs(got-math.Sqrt2*velocityError) > 0.01 {
		t.Errorf("got %.3f m/s, want 0.3 in both directions", got)
	}
}

// While a member is offline, it does not report.
func TestATrackEndsWhereItsMemberGoesOffline(t *testing.T) {
	const members, length = 20, 4 * time.Hour
	tracks, err := cityTracks(t.Context(), 1, members, 20*time.Hour, length)
	if err != nil {
		t.Fatal(err)
	}
	online := 0
	for i := range tracks {
		online += len(tracks[i].seconds)
	}
	if most := members * int(length/time.Second); len(tracks) <= members || online >= most*95/100 || online < most/2 {
		t.Errorf("got %d tracks of %d members, with %d of %d seconds", len(tracks), members, online, most)
	}
}

func TestMessagesAtAnErrorAreBetweenTwoPolicies(t *testing.T) {
	r := Result{Policies: []Row{
		{family: fixed, ErrorP95: 0, Messages: 3600}, {family: fixed, ErrorP95: 10, Messages: 400}, {family: fixed, ErrorP95: 40, Messages: 100},
		{family: deviate, ErrorP95: 20, Messages: 77},
	}}
	if got := r.at(fixed, 16); got == nil || math.Abs(*got-250) > 1e-9 { // a quarter of the messages at four times the error
		t.Errorf("got %v, want 250", got)
	}
	for _, meters := range []float64{5, 41} { // from 0 to 10 m there is no line of logarithms
		if got := r.at(fixed, meters); got != nil {
			t.Errorf("at %g m: got %g, want nothing", meters, *got)
		}
	}
	if got := r.at(deviate, 20); got != nil {
		t.Errorf("one policy: got %g, want nothing", *got)
	}
}

// One member stands. Another one drives past it, and is nearest to the place for a while.
func TestSearchesFindTheNearestByPrediction(t *testing.T) {
	standing, passing := drive(leg{60, 0, 0}), drive(leg{60, 10, 90})
	for i := range passing.seconds { // it begins 300 m to the west
		passing.seconds[i].lat, passing.seconds[i].lng = moved(passing.seconds[i].lat, passing.seconds[i].lng, 0, -300)
	}
	passing.receive(0, rand.New(rand.NewPCG(1, 1)))
	tracks := []track{*standing, *passing}
	place := standing.truth(0)
	place.Lat, place.Lng = moved(place.Lat, place.Lng, 0, 50) // the passing member is here after 35 s
	place.At = passing.millis(35)
	nearest := []search{{place, 0}}
	for name, tt := range map[string]struct {
		reports   []int
		latency   int
		predicted bool
		want      float64
	}{
		"by its first report, it is far away":     {[]int{0}, 0, false, 0},
		"by prediction, it is here":               {[]int{0}, 0, true, 1},
		"by a report of this second":              {[]int{0, 35}, 0, false, 1},
		"by a report that comes too late":         {[]int{0, 35}, 1, false, 0},
		"by prediction from before the last move": {[]int{0, 34}, 1, true, 1},
	} {
		if got := find(tracks, [][]int{{0}, tt.reports}, nearest, tt.latency, tt.predicted); got != tt.want {
			t.Errorf("%s: got a share of %g, want %g", name, got, tt.want)
		}
	}
	// Searches know who is truly nearest.
	for _, s := range searches(tracks, 200, rand.New(rand.NewPCG(3, 3))) {
		k, ok := standing.index(s.at.At)
		if !ok {
			t.Fatalf("a search at %d, when nobody is online", s.at.At)
		}
		want := min(s.at.Deviation(standing.truth(k)), s.at.Deviation(passing.truth(k)))
		if s.least != want {
			t.Errorf("got the nearest %g m away, want %g", s.least, want)
		}
	}
}

func TestATraceIsFilledIn(t *testing.T) {
	rows := []trace.Row{
		{Unix: 100, Cab: "a", Lat: 10, Lng: 20}, {Unix: 105, Cab: "b", Lat: 1, Lng: 1},
		{Unix: 110, Cab: "a", Lat: 10.001, Lng: 20}, {Unix: 112, Cab: "a", Lat: 99, Lng: 20},
		{Unix: 400, Cab: "a", Lat: 10.001, Lng: 20}, {Unix: 401, Cab: "a", Lat: 10.001, Lng: 20},
		{Unix: 500, Cab: "a", Lat: 10, Lng: 20},
	}
	got := traceTracks(rows, 100, 500)
	var lengths []int
	for _, track := range got {
		lengths = append(lengths, len(track.seconds))
	}
	if !slices.Equal(lengths, []int{11, 2, 1}) { // a row without a place and a long gap
		t.Fatalf("got tracks of %v seconds, want 11, 2 and 1", lengths)
	}
	half := got[0].seconds[5]
	if math.Abs(half.lat-10.0005) > 1e-9 || math.Abs(half.speed-0.0001*metersPerDegree) > 0.001 || half.heading != 0 {
		t.Errorf("half way got %+v", half)
	}
	if got[1].from != 400 || got[1].seconds[1].speed != 0 {
		t.Errorf("after the gap: got %+v", got[1])
	}
}
