package load

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/test/kit/caches"
)

func TestFlatNamesWhatGrows(t *testing.T) {
	series := func(n int, goroutines, keys func(i int) float64) (s []Usage) {
		for i := range n {
			g, k := goroutines(i), keys(i)
			s = append(s, Usage{At: time.Unix(int64(10*i), 0), Goroutines: &g, Keys: &k})
		}
		return s
	}
	same := func(i int) float64 { return 1000 + 5*float64(i%3) }
	grows := func(i int) float64 { return 1000 + 5*float64(i) }
	for name, test := range map[string]struct {
		series []Usage
		want   string
	}{
		"flat":    {series(60, same, same), "Flat after the warm-up: goroutines, keys."},
		"grows":   {series(60, same, grows), "Not flat after the warm-up: keys grew from 1030 to 1270. Flat: goroutines."},
		"all":     {series(60, grows, grows), "Not flat after the warm-up: goroutines grew from 1030 to 1270, keys grew from 1030 to 1270."},
		"short":   {series(12, same, same), "The run is too short to say"},
		"unknown": {make([]Usage, 60), "too short"},
	} {
		if got := Flat(test.series); !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

func TestKeysAreCountedInTheCache(t *testing.T) {
	cache, metrics := caches.Server(t), httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer metrics.Close()
	address := strings.TrimPrefix(cache.URL, "redis://")
	for _, key := range []string{"a", "b"} {
		if _, err := caches.Ask(address, "SET", key, "1"); err != nil {
			t.Fatal(err)
		}
	}
	var u Usage
	for range 2 { // as if there were two primaries
		if err := u.ask(cache.URL); err != nil {
			t.Fatal(err)
		}
	}
	if u.Keys == nil || *u.Keys != 4 || u.CacheMemory == nil || *u.CacheMemory < 1e5 {
		t.Errorf("got %v keys, %v bytes, want 4 keys", u.Keys, u.CacheMemory)
	}
	for url, want := range map[string]string{"redis://nobody:wrong@" + address: address + " answered -WRONGPASS", "redis://nobody:wrong@127.0.0.1:1": "refused",
		"redis://nobody:wrong@" + address + "/1": "give a URL", "redis://nobody:wrong@a b": "give a URL"} {
		if _, err := ReadUsage(t.Context(), metrics.URL, []string{url}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "wrong") {
			t.Errorf("%s: got %v, want %s, without the password", url, err, want)
		}
	}
	if err := u.ask("rediss://" + address); err == nil || !strings.Contains(err.Error(), "redis://127.0.0.1:6379") {
		t.Errorf("TLS: got %v", err)
	}
}

func TestSpreadIsByNearestRank(t *testing.T) {
	var times []time.Duration
	for i := range 100 {
		times = append(times, time.Duration(100-i))
	}
	if got, want := spreadOf(times), (Spread{100, 50, 95, 99}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := spreadOf(times[:1]), (Spread{1, 100, 100, 100}); got != want {
		t.Errorf("one: got %v, want %v", got, want)
	}
}

// A report counts as acknowledged, refused or unanswered, and only once.
func TestEachReportHasOneOutcome(t *testing.T) {
	l, tally := newLedger(), newTally(10)
	var seqs []int64
	for range 4 {
		seqs = append(seqs, l.add(tally, nil))
	}
	now := time.Now()
	l.answer(seqs[0], "", now)
	l.answer(seqs[0], "", now)
	l.answer(seqs[1], "rate_limited", now)
	l.answer(99, "", now)
	tally.end()
	l.answer(seqs[2], "", now.Add(time.Hour))
	p := tally.phase()
	if p.Sent != 4 || p.Acknowledged != 2 || p.InTime != 1 || p.Refused["rate_limited"] != 1 || p.NoAnswer != 1 {
		t.Errorf("got %+v, want 4 sent: 2 acknowledged, one of them late, 1 refused, 1 without an answer", p)
	}
}

func TestMetricsAreParsed(t *testing.T) {
	got, err := parseMetrics(strings.NewReader("# HELP x y z\n# TYPE x counter\nx_total{code=\"rate limited\"} 3\ny 1.5e+06\nz_bucket{le=\"+Inf\"} 7\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{`x_total{code="rate limited"}`: 3, "y": 1.5e6, `z_bucket{le="+Inf"}`: 7}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, err := parseMetrics(strings.NewReader("x much\n")); err == nil {
		t.Error("a line without a number was accepted")
	}
}
