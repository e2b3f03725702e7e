package streets

import (
	"math"
	"math/rand/v2"
	"testing"

	"waggle/test/kit"
)

// drive has cars drive to one random corner after another, for so many seconds, and
// shows each second.
func drive(t *testing.T, cars, seconds int, see func(now int64, goal int, before, after Car)) {
	t.Helper()
	m, random := New(), rand.New(rand.NewPCG(kit.Seed(t), 0))
	anywhere := func() int {
		for {
			if c := random.IntN(m.Corners()); !m.OnHighway(c) {
				return c
			}
		}
	}
	for range cars {
		car, goal, pace := m.Park(anywhere()), anywhere(), 0.48+0.24*random.Float64()
		for now := range int64(seconds) {
			before := car
			arrived := car.Drive(goal, now, pace)
			see(now, goal, before, car)
			if arrived {
				goal = anywhere()
			}
		}
	}
}

func TestACarKeepsTheTrafficRules(t *testing.T) {
	var reds, turns, crossed int
	drive(t, kit.Times(8, 80), 12*3600, func(now int64, goal int, before, after Car) {
		m := after.streets
		old, street := m.streets[before.street], m.streets[after.street]
		moved := before.At().To(after.At())
		if limit := max(old.kind.limit(), street.kind.limit()); moved > limit+0.01 || after.speed > street.kind.limit()+0.01 {
			t.Fatalf("a car moved %.2f m in a second, and drives %.2f m/s after it: the limit is %.1f m/s", moved, after.speed, limit)
		}
		if gained := after.speed - before.speed; gained > accelerate+0.01 || gained < -9 {
			t.Fatalf("a car is %.2f m/s faster after a second", gained)
		}
		a, b := m.corners[street.from].at, m.corners[street.to].at
		if off := a.To(after.At()) + after.At().To(b) - a.To(b); off > 0.01 {
			t.Fatalf("a car is %.2f m off street %d", off, after.street)
		}
		if before.street == after.street {
			if old.to != goal && after.speed == 0 && before.speed > 0 {
				reds++
				if m.green(after.street, now) || m.corners[old.to].rule != lights {
					t.Fatal("a car stops on the way, but not at a red light")
				}
			}
			return
		}
		crossed++
		if old.to != street.from {
			t.Fatalf("a car got from street %d, which ends at %d, to one that begins at %d", before.street, old.to, street.from)
		}
		if old.east*street.east+old.north*street.north < 0.5 {
			turns++
			if after.speed > turning+0.01 {
				t.Fatalf("a car turns at %.1f m/s", after.speed)
			}
		}
		if m.corners[old.to].rule == lights && !m.green(before.street, now) && before.CanStop() {
			t.Fatal("a car passes a red light")
		}
	})
	if reds < 500 || turns < 500 || crossed < 2*turns {
		t.Errorf("got %d stops at red lights, %d turns at %d corners, want some hundreds of each, and more straight on", reds, turns, crossed)
	}
}

func TestHighwaysAreFastAndSideStreetsAreNot(t *testing.T) {
	var seconds, meters [3]float64
	drive(t, 10, 5*3600, func(_ int64, _ int, before, after Car) {
		kind := after.streets.streets[after.street].kind
		seconds[kind]++
		meters[kind] += before.At().To(after.At())
	})
	pace := func(k kind) float64 { return meters[k] / seconds[k] }
	if !(pace(side) > 2 && pace(side) < 6 && pace(avenue) < 8 && pace(motorway) > 12) {
		t.Errorf("got %.1f m/s in side streets, %.1f on avenues, %.1f on highways", pace(side), pace(avenue), pace(motorway))
	}
}

func TestACarHeadsWhereItMoves(t *testing.T) {
	drive(t, 3, 3600, func(_ int64, _ int, before, after Car) {
		a, b := before.At(), after.At()
		if before.street != after.street || a.To(b) < 1 {
			return
		}
		heading := math.Mod(math.Atan2(b.X-a.X, b.Y-a.Y)*180/math.Pi+360, 360)
		if off := math.Abs(math.Mod(after.Heading()-heading+540, 360) - 180); off > 0.5 || after.Heading() < 0 || after.Heading() >= 360 {
			t.Fatalf("got heading %.1f, moved to %.1f", after.Heading(), heading)
		}
	})
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		New()
	}
}

func BenchmarkDrive(b *testing.B) {
	car := New().Park(0)
	for now := int64(0); b.Loop(); now++ {
		car.Drive(int(now/600)%car.streets.Corners(), now, 0.8)
	}
}
