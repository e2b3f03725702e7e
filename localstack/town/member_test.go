package town

import (
	"math"
	"sync"
	"testing"
	"time"

	"waggle/test/kit"
)

// A second of a member's life, as it is seen from outside and inside.
type second struct {
	at       point
	car      car
	doing    deed
	occupied bool
}

// live has members live from a time of day on, and shows each second.
func live(t *testing.T, members int, from, length time.Duration, see func(m *Member, before, now second)) {
	t.Helper()
	town, of := New(), kit.Seed(t)
	for i := range members {
		m := town.Member(of, i, from)
		before := m.second()
		for range int(length / time.Second) {
			m.Step()
			now := m.second()
			see(m, before, now)
			before = now
		}
	}
}

func (m *Member) second() second {
	lat, lng := m.Place()
	return second{place(lat, lng), m.car, m.doing, m.Occupied()}
}

func TestMembersDriveAsOneMay(t *testing.T) {
	var reds, turns, crossed int
	live(t, kit.Times(8, 80), 6*time.Hour, 18*time.Hour, func(m *Member, before, now second) {
		old, street := m.town.streets[before.car.street], m.town.streets[now.car.street]
		moved := before.at.to(now.at)
		if limit := max(old.kind.Limit(), street.kind.Limit()); moved > limit+0.01 || now.car.speed > street.kind.Limit()+0.01 {
			t.Fatalf("member %d moved %.2f m in a second, with %.2f m/s after it: the limit is %.1f m/s", m.roster.number, moved, now.car.speed, limit)
		}
		if now.doing == away && moved > 0 {
			t.Fatalf("member %d moved %.2f m while it was off", m.roster.number, moved)
		}
		if gained := now.car.speed - before.car.speed; gained > pickUp+0.01 || gained < -9 {
			t.Fatalf("member %d is %.2f m/s faster after a second", m.roster.number, gained)
		}
		if off := offStreet(m.town, now); off > 0.01 {
			t.Fatalf("member %d is %.2f m off street %d", m.roster.number, off, now.car.street)
		}
		if before.car.street == now.car.street {
			if old.to != m.goal && now.car.speed == 0 && before.car.speed > 0 && now.occupied {
				reds++
				if m.town.green(now.car.street, m.now) || m.town.corners[old.to].rule != lights {
					t.Fatalf("member %d stops on the way, at no red light", m.roster.number)
				}
			}
			return
		}
		crossed++
		if old.to != street.from {
			t.Fatalf("member %d got from street %d, which ends at %d, to one that begins at %d", m.roster.number, before.car.street, old.to, street.from)
		}
		if old.east*street.east+old.north*street.north < 0.5 {
			turns++
			if now.car.speed > turning+0.01 {
				t.Fatalf("member %d turns at %.1f m/s", m.roster.number, now.car.speed)
			}
		}
		if m.town.corners[old.to].rule == lights && !m.town.green(before.car.street, m.now) && before.car.stops(m.town) {
			t.Fatalf("member %d passes a red light", m.roster.number)
		}
	})
	if reds < 500 || turns < 500 || crossed < 2*turns {
		t.Errorf("got %d stops at red lights, %d turns at %d corners, want some hundreds of each, and more straight on", reds, turns, crossed)
	}
}

// offStreet is how far a member is from the street that it is on.
func offStreet(town *Town, s second) float64 {
	street := town.streets[s.car.street]
	a, b := town.corners[street.from].at, town.corners[street.to].at
	return a.to(s.at) + s.at.to(b) - a.to(b)
}

func TestHighwaysAreFastAndLightsAreNot(t *testing.T) {
	var seconds, meters [3]float64
	live(t, 10, 10*time.Hour, 5*time.Hour, func(m *Member, before, now second) {
		if before.occupied && now.occupied {
			kind := m.town.streets[now.car.street].kind
			seconds[kind]++
			meters[kind] += before.at.to(now.at)
		}
	})
	pace := func(k Kind) float64 { return meters[k] / seconds[k] }
	if !(pace(Street) > 2 && pace(Street) < 6 && pace(Avenue) < 8 && pace(Highway) > 12) {
		t.Errorf("got %.1f m/s in streets, %.1f on avenues, %.1f on highways", pace(Street), pace(Avenue), pace(Highway))
	}
}

// fares are found where and when they are wanted.
func TestFaresFollowPlaceAndHour(t *testing.T) {
	var by [24]int
	var online [24]float64
	var lengths []float64
	square, hot, cold, all := place(37.7873, -122.4085), 0, 0, 0
	dunes, pickup := place(37.7450, -122.4950), map[*Member]point{}
	live(t, kit.Times(24, 400), 0, 24*time.Hour, func(m *Member, before, now second) {
		if m.Online() {
			online[m.now.hour()] += 1.0 / 3600
		}
		switch {
		case now.occupied && !before.occupied:
			by[m.now.hour()]++
			all++
			pickup[m] = now.at
			if now.at.to(square) < 700 {
				hot++
			}
			if now.at.to(dunes) < 700 {
				cold++
			}
		case before.occupied && !now.occupied:
			lengths = append(lengths, pickup[m].to(now.at))
		}
	})
	rate := func(from, to int) float64 { // fares an hour of a member online
		fares, hours := 0, 0.0
		for h := from; h < to; h++ {
			fares, hours = fares+by[h], hours+online[h]
		}
		return float64(fares) / hours
	}
	night, noon, evening := rate(3, 6), rate(10, 15), rate(18, 24)
	if !(night < 0.7*noon && noon < 0.8*evening) {
		t.Errorf("got %.1f fares an hour of a member at night, %.1f around noon, %.1f in the evening, want a rush then", night, noon, evening)
	}
	if hot < all/12 || cold > all/100 {
		t.Errorf("of %d fares got %d around Union Square and %d in the dunes", all, hot, cold)
	}
	var short, long int
	for _, l := range lengths {
		if l < 2200 {
			short++
		}
		if l > 15_000 {
			long++
		}
	}
	if n := len(lengths); short < 4*n/10 || short > 6*n/10 || long < n/50 || long > n/5 {
		t.Errorf("of %d rides got %d under 2.2 km and %d above 15 km, want half, and some to the airport", n, short, long)
	}
}

func TestShiftsBeginAndEnd(t *testing.T) {
	homes, since := map[*Member]int{}, map[*Member]clock{}
	live(t, 30, 0, 30*time.Hour, func(m *Member, before, now second) {
		off, is := m.roster.span(m.now)
		switch {
		case before.doing != away && now.doing == away:
			if !is {
				t.Fatalf("member %d goes off in its shift", m.roster.number)
			}
			if m.here() == m.home {
				homes[m]++
			} else if off.home {
				t.Fatalf("member %d ends its shift elsewhere than at home", m.roster.number)
			}
		case now.doing == away && !is:
			t.Fatalf("member %d stays off in its shift", m.roster.number)
		}
		if now.doing != cruising && now.doing != waiting || !is {
			since[m] = m.now
		}
		if m.now-since[m] > 45*minute {
			t.Fatalf("member %d looks for fares %d s after its time off began", m.roster.number, m.now-since[m])
		}
	})
	if len(homes) < 20 {
		t.Errorf("got %d of 30 members home within 30 hours", len(homes))
	}
}

func TestRosterByTheHour(t *testing.T) {
	on := func(at clock) (part float64) {
		const n = 1000
		for i := range n {
			r := roster{seed: 1, number: i}
			if _, off := r.span(at); !off {
				part += 100.0 / n
			}
		}
		return part
	}
	for _, tt := range []struct {
		hour     float64
		from, to float64
	}{{4, 25, 40}, {7, 55, 75}, {11, 75, 95}, {16.7, 50, 75}, {21, 75, 95}, {26, 40, 60}, {28, 25, 40}} {
		if got := on(clock(tt.hour * float64(hour))); got < tt.from || got > tt.to {
			t.Errorf("at %g h: got %.0f %% out, want %g to %g", tt.hour, got, tt.from, tt.to)
		}
	}
}

// However it is asked, the answer is the same.
func TestRosterIsOfTheDay(t *testing.T) {
	r := roster{seed: 3, number: 9}
	var forwards, backwards []bool
	for h := range 96 {
		_, off := r.span(clock(h) * hour)
		forwards = append(forwards, off)
	}
	for h := 95; h >= 0; h-- {
		_, off := r.span(clock(h) * hour)
		backwards = append([]bool{off}, backwards...)
	}
	offs := 0
	for h := range forwards {
		if forwards[h] != backwards[h] {
			t.Errorf("hour %d: got off %v, then %v", h, forwards[h], backwards[h])
		}
		if forwards[h] {
			offs++
		}
	}
	if offs == 0 || offs > 60 {
		t.Errorf("got %d hours off in four days", offs)
	}
}

// track is where a member is, minute by minute.
func track(town *Town, seed uint64, number int) []point {
	m := town.Member(seed, number, 21*time.Hour)
	var points []point
	for range 60 {
		for range 60 {
			m.Step()
		}
		points = append(points, m.second().at)
	}
	return points
}

func apart(a, b []point) (most float64) {
	for i := range a {
		most = max(most, a[i].to(b[i]))
	}
	return most
}

func TestTheSameSeedIsTheSameLife(t *testing.T) {
	town := New()
	alone := track(New(), 5, 3)
	var together [6][]point
	var all sync.WaitGroup
	for i := range together {
		all.Go(func() { together[i] = track(town, 5, i) })
	}
	all.Wait()
	if most := apart(alone, together[3]); most != 0 {
		t.Errorf("with others about member 3 is up to %g m elsewhere", most)
	}
	for i := range together {
		for j := range i {
			if apart(together[i], together[j]) < 100 {
				t.Errorf("members %d and %d go together", i, j)
			}
		}
	}
	if apart(alone, track(town, 6, 3)) < 100 {
		t.Error("another seed gives the same life")
	}
}

func TestHeading(t *testing.T) {
	live(t, 3, 12*time.Hour, time.Hour, func(m *Member, before, now second) {
		if before.car.street != now.car.street || before.at.to(now.at) < 1 {
			return
		}
		heading := math.Mod(math.Atan2(now.at.x-before.at.x, now.at.y-before.at.y)*180/math.Pi+360, 360)
		if off := math.Abs(math.Mod(m.Heading()-heading+540, 360) - 180); off > 0.5 || m.Heading() < 0 || m.Heading() >= 360 {
			t.Fatalf("got heading %.1f, moved to %.1f", m.Heading(), heading)
		}
	})
}
