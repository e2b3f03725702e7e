package streets

import (
	"math"
	"testing"
)

// along returns points of a line, some metres apart.
func along(l Line, step float64) []Point {
	a, b := At(l.FromLat, l.FromLng), At(l.ToLat, l.ToLng)
	var points []Point
	n := math.Ceil(a.To(b) / step)
	for i := range int(n) + 1 {
		part := float64(i) / n
		points = append(points, Point{a.X + part*(b.X-a.X), a.Y + part*(b.Y-a.Y)})
	}
	return points
}

func TestNoStreetIsInTheBay(t *testing.T) {
	m := New()
	land, airport, lines := coast(), At(37.6170, -122.3880), m.Lines()
	if len(lines) < 5000 {
		t.Errorf("got %d streets, want a city", len(lines))
	}
	wet := 0
	for i, l := range lines {
		for _, p := range along(l, 20) {
			if !land.contains(p) && m.streets[2*i].kind != motorway && p.To(airport) > 1200 {
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
	for _, water := range []Point{At(37.8150, -122.4000), At(37.7700, -122.3700), At(37.7500, -122.5300), At(37.8200, -122.4400), At(37.6500, -122.3600)} {
		for _, l := range lines {
			for _, p := range along(l, 100) {
				if p.To(water) < 500 {
					t.Fatalf("%v comes within %.0f m of %v, which is water", l, p.To(water), water)
				}
			}
		}
	}
}

// The grid south of Market Street lies at 45° to the other.
func TestTwoGridsAtAnAngle(t *testing.T) {
	soma := diagonal()
	var turned, straight int
	m := New()
	for i, l := range m.Lines() {
		a, b := At(l.FromLat, l.FromLng), At(l.ToLat, l.ToLng)
		if m.streets[2*i].kind == motorway || !soma.contains(a) || !soma.contains(b) {
			continue
		}
		bearing := math.Mod(math.Atan2(b.X-a.X, b.Y-a.Y)*180/math.Pi+360, 90)
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

// seconds returns how long the route from each corner to another one takes.
func seconds(t *testing.T, m *Map, to int) []float64 {
	t.Helper()
	all := make([]float64, len(m.corners))
	for c := range m.corners {
		at, steps := c, 0
		for at != to {
			s := m.next(at, to)
			all[c] += m.streets[s].length/m.streets[s].kind.limit() + m.delay(s)
			at = m.streets[s].to
			if steps++; steps > len(m.corners) {
				t.Fatalf("from corner %d the route to %d goes round in circles", c, to)
			}
		}
	}
	return all
}

func TestTheRouteIsTheFastest(t *testing.T) {
	m := New()
	for _, to := range []int{0, len(m.corners) / 2, len(m.corners) - 1} {
		took := seconds(t, m, to)
		for i, s := range m.streets {
			other := took[s.to] + s.length/s.kind.limit() + m.delay(i)
			if s.from != to && took[s.from] > other+1e-6 {
				t.Fatalf("to corner %d from %d: got %.1f s, by street %d it is %.1f s", to, s.from, took[s.from], i, other)
			}
		}
	}
}
