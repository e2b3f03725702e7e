package town

import (
	"sync"
	"testing"
	"time"

	"waggle/localstack/streets"
	"waggle/test/kit"
)

// A second is the state of a member at a second.
type second struct {
	at       streets.Point
	doing    activity
	occupied bool
}

// live lets members live from a time of day on, and shows each second.
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
	return second{streets.At(lat, lng), m.doing, m.Occupied()}
}

func TestAMemberMovesOnlyWhileItIsOnline(t *testing.T) {
	live(t, kit.Times(8, 80), 6*time.Hour, 18*time.Hour, func(m *Member, before, now second) {
		moved := before.at.To(now.at)
		if moved > 29.01 {
			t.Fatalf("member %d moved %.2f m in a second, more than on a highway", m.roster.number, moved)
		}
		if now.doing == away && moved > 0 {
			t.Fatalf("member %d moved %.2f m while it was off", m.roster.number, moved)
		}
	})
}

func TestFaresFollowThePlaceAndTheHour(t *testing.T) {
	var by [24]int
	var online [24]float64
	var lengths []float64
	square, hot, cold, all := streets.At(37.7873, -122.4085), 0, 0, 0
	dunes, pickup := streets.At(37.7450, -122.4950), map[*Member]streets.Point{}
	live(t, kit.Times(24, 400), 0, 24*time.Hour, func(m *Member, before, now second) {
		if m.Online() {
			online[m.now.hour()] += 1.0 / 3600
		}
		switch {
		case now.occupied && !before.occupied:
			by[m.now.hour()]++
			all++
			pickup[m] = now.at
			if now.at.To(square) < 700 {
				hot++
			}
			if now.at.To(dunes) < 700 {
				cold++
			}
		case before.occupied && !now.occupied:
			lengths = append(lengths, pickup[m].To(now.at))
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

func TestAsManyAreOnShiftAsOnTheRealDay(t *testing.T) {
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

func TestARosterDoesNotDependOnTheOrderOfQuestions(t *testing.T) {
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

// track returns where a member is, minute by minute.
func track(town *Town, seed uint64, number int) []streets.Point {
	m := town.Member(seed, number, 21*time.Hour)
	var points []streets.Point
	for range 60 {
		for range 60 {
			m.Step()
		}
		points = append(points, m.second().at)
	}
	return points
}

func apart(a, b []streets.Point) (most float64) {
	for i := range a {
		most = max(most, a[i].To(b[i]))
	}
	return most
}

func TestTheSameSeedGivesTheSameMember(t *testing.T) {
	town := New()
	alone := track(New(), 5, 3)
	var together [6][]streets.Point
	var all sync.WaitGroup
	for i := range together {
		all.Go(func() { together[i] = track(town, 5, i) })
	}
	all.Wait()
	if most := apart(alone, together[3]); most != 0 {
		t.Errorf("among others member 3 is up to %g m elsewhere", most)
	}
	for i := range together {
		for j := range i {
			if apart(together[i], together[j]) < 100 {
				t.Errorf("members %d and %d drive together", i, j)
			}
		}
	}
	if apart(alone, track(town, 6, 3)) < 100 {
		t.Error("another seed gives the same life")
	}
}

func TestFaresAreDenserAtHotSpots(t *testing.T) {
	town, draw := New(), random(1, 1, 1)
	near := func(p streets.Point, now clock) (part float64) {
		const n = 20_000
		for range n {
			if town.streets.Corner(town.wanted(draw, now)).To(p) < 500 {
				part += 100.0 / n
			}
		}
		return part
	}
	square, dunes, castro := streets.At(37.7873, -122.4085), streets.At(37.7450, -122.4950), streets.At(37.7615, -122.4349)
	if hot, cold := near(square, 14*hour), near(dunes, 14*hour); hot < 10 || cold > 1 || cold == 0 {
		t.Errorf("by day: got %.1f %% around Union Square, %.1f %% in the dunes, want at least 10, and few", hot, cold)
	}
	if day, night := near(castro, 14*hour), near(castro, 22*hour); night < 1.5*day {
		t.Errorf("the Castro: got %.1f %% by day, %.1f %% by night, want more by night", day, night)
	}
}
