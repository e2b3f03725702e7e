package bench

import (
	"cmp"
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"waggle/internal/geo"
	"waggle/test/kit"
	"waggle/test/kit/caches"
)

// folder has the results that docs/performance.md quotes.
const folder = "../../bench/results"

func TestThePagesHaveTheTablesOfTheNewestResult(t *testing.T) {
	newest, err := Newest(folder)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Load(newest)
	if err != nil {
		t.Fatal(err)
	}
	for page, tables := range r.Pages() {
		text, err := os.ReadFile(filepath.Join("../../docs", page))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), begin+tables+end) {
			t.Errorf("docs/%s differs from %s: make bench BENCHFLAGS='-print %s -pages docs' corrects it", page, newest, strings.TrimPrefix(newest, "../../"))
		}
	}
}

func TestNeedsFollowFromCosts(t *testing.T) {
	r := Result{Server: "s", Memory: []Memory{{Server: "s", Bytes: 500}}}
	for name, micros := range map[string]float64{steady: 100, matchRow: 300, afterRow: 50, endRow: 150} {
		r.Rows = append(r.Rows, Row{System: ours, Name: name, Members: 10, Micros: micros})
	}
	got := r.Need(720_000, Usual())
	want := Need{Messages: 72_200, Posts: 7_600, Connects: 100, Concurrency: 722, Cores: 7.25, Primaries: 15, Gigabytes: 0.72}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// The smallest run measures everything, on real servers.
func TestARunMeasuresEverything(t *testing.T) {
	if _, err := exec.LookPath("valkey-server"); err != nil {
		kit.Command(t, "redis-server", "valkey-server 8 or redis-server 7, or later")
	}
	r, err := Run(t.Context(), Options{Sizes: []int{300, 600}, Repeats: 1, Block: time.Millisecond, Seed: 1, Point: 20, Crowd: 200, Waiting: []int{3, 6}})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range r.Rows {
		// So few operations may seem to cost less than reading the clock.
		if row.Micros == 0 || row.Pings == 0 || row.WallMicros <= 0 || row.Operations == 0 {
			t.Errorf("%s, %s, %d members: got %+v, want what it costs", row.System, row.Name, row.Members, row)
		}
		if row.System == ours && (row.Trips < 1 || row.Commands < row.Trips) {
			t.Errorf("%s: got %g trips and %g commands", row.Name, row.Trips, row.Commands)
		}
	}
	for _, name := range []string{steady, denseRow, rareRow, nobodyRow, matchRow, endRow} {
		if _, ok := r.row(ours, name, 600); !ok {
			t.Errorf("there is no row %q", name)
		}
	}
	if len(r.Worst) < 10 || len(r.Memory) < 4 || len(r.Clusters) < 9 || len(r.Busy) != 3 {
		t.Errorf("got %d scripts, %d rows of memory, %d of clusters and %d of a busy server", len(r.Worst), len(r.Memory), len(r.Clusters), len(r.Busy))
	}
	out := t.TempDir()
	if err := r.Save(out); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(filepath.Join(out, r.Date+".json"))
	if err != nil || loaded.Markdown() != r.Markdown() {
		t.Errorf("the saved result differs: %v", err)
	}
}

// The benchmark's search must do what it is compared for: find the nearest eight.
func TestTheMeasuredSearchFindsTheNearest(t *testing.T) {
	ctx, town := t.Context(), newTown(kit.Seed(t))
	w, err := open(caches.Server(t).URL, &meter{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	if err := w.join(ctx, town.grow(2_000), nil); err != nil {
		t.Fatal(err)
	}
	for _, s := range town.searches() {
		for range 5 {
			at := s.at()
			found, err := w.now.nearest(ctx, mainPool, at, s.radius, s.tags, 8)
			if err != nil {
				t.Fatal(err)
			}
			var got []float64
			for _, c := range found {
				got = append(got, c.Distance)
			}
			want := town.distances(at, s)
			want = want[:min(8, len(want))]
			if !slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) < 1 }) {
				t.Errorf("%s: got the distances %.1f, want %.1f", s.name, got, want)
			}
		}
	}
}

// distances returns how far away those are whom a search may find, nearest first.
func (t *town) distances(at geo.Point, s search) (all []float64) {
	for _, p := range t.people {
		d := geo.Distance(at, p.at)
		if d <= s.radius && !slices.ContainsFunc(s.tags, func(tag string) bool { return !slices.Contains(p.tags, tag) }) {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, cmp.Compare[float64])
	return all
}

func TestTheTownIsAsDescribed(t *testing.T) {
	town := newTown(1)
	people := town.grow(20_000)
	near, rares := 0, 0
	for _, p := range people {
		if len(p.id) != 36 {
			t.Fatalf("got the id %q, want 36 characters", p.id)
		}
		if slices.Contains(p.tags, rare) {
			rares++
		}
		for _, s := range town.spots {
			if geo.Distance(p.at, s) < 3*sigma {
				near++
				break
			}
		}
	}
	if rares != 20 {
		t.Errorf("got %d members with the rare tag, want 20 of 20 000", rares)
	}
	if share := float64(near) / float64(len(people)); share < 0.8 {
		t.Errorf("got a share of %.2f near hot spots, want at least 0.8", share)
	}
	for range 100 {
		for _, far := range []bool{false, true} {
			at := town.empty(far)
			for _, p := range people {
				if d := geo.Distance(at, p.at); d <= 20_000 {
					t.Fatalf("got somebody %.0f m from the empty place %v", d, at)
				}
			}
		}
	}
	again := newTown(1)
	again.grow(100)
	if more := again.grow(20_000); more[len(more)-1].id != people[len(people)-1].id {
		t.Error("the same seed gave another town when it grew in two steps")
	}
}

// fakeClock is the clock of a server on which every reading of the clock takes a microsecond.
type fakeClock struct{ used time.Duration }

func (c *fakeClock) cpu() (time.Duration, error) {
	c.used += time.Microsecond
	return c.used, nil
}

func TestTheMeterSeparatesPhasesFromItsOwnReading(t *testing.T) {
	clock := &fakeClock{}
	op := operation{phases: []string{"a", "b"}, on: clock, do: func(next func() error) error {
		clock.used += 10 * time.Microsecond
		err := next()
		clock.used += 30 * time.Microsecond
		return err
	}}
	total := make([]phase, 2)
	if err := new(meter).run(op, 5, time.Microsecond, total); err != nil {
		t.Fatal(err)
	}
	if total[0].cpu != 50*time.Microsecond || total[1].cpu != 150*time.Microsecond || len(total[1].walls) != 5 {
		t.Errorf("got %v and %v in %d operations, want 50µs and 150µs in 5", total[0].cpu, total[1].cpu, len(total[1].walls))
	}
	whole := make([]phase, 1)
	op.do = func(func() error) error { clock.used += 40 * time.Microsecond; return nil }
	if err := new(meter).run(op, 5, time.Microsecond, whole); err != nil {
		t.Fatal(err)
	}
	if whole[0].cpu != 200*time.Microsecond {
		t.Errorf("got %v in one phase, want 200µs", whole[0].cpu)
	}
}

func TestASampleIsTheMedianAndTheSpreadInPings(t *testing.T) {
	var s sample
	for _, cpu := range []time.Duration{100, 500, 200} {
		s.add(phase{cpu: cpu * 10, walls: []float64{7}, trips: 20, commands: 30}, 10, 10)
	}
	got := s.row("x")
	want := Row{Name: "x", Pings: 20, Low: 10, High: 50, Micros: 0.2, WallMicros: 7, Trips: 2, Commands: 3, Operations: 30}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestNumbersAreShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.012345: "0.0123", 5.1649: "5.16", 52.34: "52.3", 523.4: "523", 1234.5: "1 235", 1234567: "1 234 567"} {
		if got := number(v); got != want {
			t.Errorf("%v: got %q, want %q", v, got, want)
		}
	}
}

func TestSharesAddUpToOne(t *testing.T) {
	got := shares([]time.Duration{10, 20}, []time.Duration{40, 30})
	if !slices.Equal(got, []float64{0.75, 0.25}) {
		t.Errorf("got %v, want 0.75 and 0.25", got)
	}
}

func TestAKeyHasAKind(t *testing.T) {
	for key, want := range map[string]string{"w2:m:{main/a:b}": "m", "w2:near0:{main/86283082fffffff}": "near", "w2:near1:{main/x}": "near"} {
		if got := kind(key); got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
}

func TestEachReturnsTheFirstError(t *testing.T) {
	done := make([]bool, 200)
	if err := each(len(done), func(i int) error { done[i] = true; return nil }); err != nil || slices.Contains(done, false) {
		t.Errorf("got %v, want that all were done", err)
	}
	err := each(1_000_000, func(i int) error {
		if i == 3 {
			return context.Canceled
		}
		return nil
	})
	if err != context.Canceled {
		t.Errorf("got %v, want the error", err)
	}
}
