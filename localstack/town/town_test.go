package town

import (
	"math"
	"testing"
)

// along are points of a line, some meters apart.
func along(l Line, step float64) []point {
	a, b := place(l.FromLat, l.FromLng), place(l.ToLat, l.ToLng)
	var points []point
	n := math.Ceil(a.to(b) / step)
	for i := range int(n) + 1 {
		part := float64(i) / n
		points = append(points, point{a.x + part*(b.x-a.x), a.y + part*(b.y-a.y)})
	}
	return points
}

func TestNoStreetIsInTheBay(t *testing.T) {
	land, airport, lines := coast(), place(37.6170, -122.3880), New().Lines()
	if len(lines) < 5000 {
		t.Errorf("got %d streets, want a city", len(lines))
	}
	wet := 0
	for _, l := range lines {
		for _, p := range along(l, 20) {
			if !land.has(p) && l.Kind != Highway && p.to(airport) > 1200 {
				wet++
				t.Logf("%v", l)
				break
			}
		}
	}
	// The coast has bays narrower than a block.
	if wet > len(lines)/200 {
		t.Errorf("%d of %d streets leave the land", wet, len(lines))
	}
	for _, water := range []point{place(37.8150, -122.4000), place(37.7700, -122.3700), place(37.7500, -122.5300), place(37.8200, -122.4400), place(37.6500, -122.3600)} {
		for _, l := range lines {
			for _, p := range along(l, 100) {
				if p.to(water) < 500 {
					t.Fatalf("%v comes within %.0f m of %v, which is water", l, p.to(water), water)
				}
			}
		}
	}
}

// There is the long grid of the north and west, and at 45° to it that of the
// south-east.
func TestTwoGridsAtAnAngle(t *testing.T) {
	soma := diagonal()
	var turned, straight int
	for _, l := range New().Lines() {
		a, b := place(l.FromLat, l.FromLng), place(l.ToLat, l.ToLng)
		if l.Kind == Highway || !soma.has(a) || !soma.has(b) {
			continue
		}
		bearing := math.Mod(math.Atan2(b.x-a.x, b.y-a.y)*180/math.Pi+360, 90)
		if math.Abs(bearing-45) < 1 {
			turned++
		} else {
			straight++
		}
	}
	if turned < 200 || straight > turned/10 {
		t.Errorf("south of Market Street: got %d streets at 45°, %d others", turned, straight)
	}
}

// seconds from each corner to another by the ways that are taken.
func seconds(t *testing.T, town *Town, to int) []float64 {
	t.Helper()
	all := make([]float64, len(town.corners))
	for c := range town.corners {
		at, steps := c, 0
		for at != to {
			s := town.way(at, to)
			all[c] += town.streets[s].length/town.streets[s].kind.Limit() + town.delay(s)
			at = town.streets[s].to
			if steps++; steps > len(town.corners) {
				t.Fatalf("from corner %d the way to %d goes round in circles", c, to)
			}
		}
	}
	return all
}

func TestTheWayIsTheFastest(t *testing.T) {
	town := New()
	for _, to := range []int{0, len(town.corners) / 2, len(town.corners) - 1} {
		took := seconds(t, town, to)
		for i, s := range town.streets {
			other := took[s.to] + s.length/s.kind.Limit() + town.delay(i)
			if s.from != to && took[s.from] > other+1e-6 {
				t.Fatalf("to corner %d from %d: got %.1f s, by street %d it is %.1f s", to, s.from, took[s.from], i, other)
			}
		}
	}
}

func TestSpotsDrawMore(t *testing.T) {
	town, draw := New(), random(1, 1, 1)
	near := func(p point, now clock) (part float64) {
		const n = 20_000
		for range n {
			if town.corners[town.wanted(draw, now)].at.to(p) < 500 {
				part += 100.0 / n
			}
		}
		return part
	}
	square, dunes, castro := place(37.7873, -122.4085), place(37.7450, -122.4950), place(37.7615, -122.4349)
	if hot, cold := near(square, 14*hour), near(dunes, 14*hour); hot < 10 || cold > 1 || cold == 0 {
		t.Errorf("by day: got %.1f %% around Union Square, %.1f %% in the dunes, want at least 10, and few", hot, cold)
	}
	if day, night := near(castro, 14*hour), near(castro, 22*hour); night < 1.5*day {
		t.Errorf("the Castro: got %.1f %% by day, %.1f %% by night, want more by night", day, night)
	}
}
