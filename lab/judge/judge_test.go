package judge_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"waggle/lab/judge"
	"waggle/lab/record"
	"waggle/lab/trace"
	"waggle/lab/trace/tracetest"
	"waggle/test/kit"
)

// A file is a file in memory.
type file struct{ bytes.Buffer }

func (*file) Close() error { return nil }

func judged(t *testing.T, rows []trace.Row, data []byte, o judge.Options) judge.Verdict {
	t.Helper()
	r, err := record.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	v, err := judge.Run(rows, r, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// simulate plays a made-up trace on a simulated server.
func simulate(t *testing.T, w simulation) ([]trace.Row, []byte) {
	t.Helper()
	cabs := 40
	if w.wait {
		cabs = 14 // so that some requests find nobody at first
	}
	rows := tracetest.Walk(w.random, cabs, 40)
	var out file
	if err := w.make(rows, 40, &out, false); err != nil {
		t.Fatal(err)
	}
	if w.fault != "" && !w.planted {
		t.Fatalf("the fault did not occur: %s", w.fault)
	}
	return rows, out.Bytes()
}

// This holds however many frames are in flight at the same time, and for however long.
func TestARightServerIsJudgedRight(t *testing.T) {
	base := kit.Seed(t)
	for _, mode := range []struct {
		wait    bool
		confirm int64
	}{{}, {wait: true}, {confirm: 2_000_000}, {true, 2_000_000}} {
		wait := mode.wait
		for _, pace := range []int64{2000, 20_000, 200_000, 0} {
			losing := pace == 0 // then with the default
			var matches, offers, choices, far, ambiguous, others int
			for part := range uint64(kit.Times(3, 200)) {
				rows, data := simulate(t, simulation{random: rand.New(rand.NewPCG(base, part)), wait: wait, confirm: mode.confirm, losing: losing, pace: pace})
				var seen []judge.Row
				v := judged(t, rows, data, judge.Options{Rows: func(r judge.Row) { seen = append(seen, r) }})
				if wrong := wrong(v); len(wrong) > 0 || v.Probed != v.Members || len(seen) != v.Requests {
					t.Fatalf("part %d, waiting %t, losing %t, steps of %d ms: wrong %q, %d rows:\n%s", part, wait, losing, pace/1000, wrong, len(seen), v.Table(time.UTC, 10))
				}
				for _, r := range seen {
					if r.Verdict == "nearest" && r.DistanceMeters > 1 {
						far++
					}
				}
				offers, choices = offers+v.Offers, choices+v.Choices
				if mode.confirm > 0 && (v.Accepted != v.Matched || v.Offers < v.Accepted+v.Declined+v.Expired) {
					t.Errorf("part %d: got\n%s", part, v.Table(time.UTC, 5))
				}
				matches, ambiguous, others = matches+v.Matched, ambiguous+v.Ambiguous, others+v.NoMatch+v.Waited
			}
			t.Logf("%d offers, waiting %t, losing %t, steps of %d ms: %d matched, %d not at once or not at all, %d far, %d ambiguous", offers, wait, losing, pace/1000, matches, others, far, ambiguous)
			if far < matches/20 || others == 0 {
				t.Errorf("the simulation is too easy")
			}
			if limit := judge.MaxAmbiguousShare * float64(choices); pace == 2000 && float64(ambiguous) > limit {
				t.Errorf("%d are ambiguous, more than %.0f", ambiguous, limit)
			}
		}
	}
}

// wrong lists what is wrong, except the share of ambiguous matches: there are too few for it.
func wrong(v judge.Verdict) []string {
	return slices.DeleteFunc(v.Wrong(), func(text string) bool { return strings.Contains(text, "ambiguous") })
}

// The verdict names each planted fault.
func TestFindsPlantedFaults(t *testing.T) {
	for _, tt := range []struct {
		fault   fault
		wait    bool
		confirm int64
		want    string // in the verdict
		finding string // the text of a finding
		only    bool   // the verdict has nothing else
	}{
		{fault: second, want: "1 not matched to the nearest", finding: "was available at"},
		{fault: second, wait: true, want: "1 not matched to the nearest", finding: "was available at"},
		{fault: stale, want: "1 not matched to the nearest", finding: "its report was too old"},
		{fault: unwilling, want: "1 not matched to the nearest", finding: "it had said available: false"},
		{fault: misplaced, want: "1 not matched to the nearest", finding: "shown where it had not reported to be"},
		{fault: miscounted, want: "1 not matched to the nearest", finding: "and its match said"},
		{fault: busy, want: "double matches", finding: "was in match"},
		{fault: missing, want: "1 missed", finding: "no match, and cab-"},
		{fault: forgetful, want: "1 cabs stuck in a match", finding: "could not be matched by a probe beside it"},
		{fault: late, want: "1 leaks", finding: "a position after the end of its match"},
		{fault: early, want: "1 leaks", finding: "a position without a match"},
		{fault: foreign, want: "1 leaks", finding: "a position that its cab had not reported"},
		{fault: tracked, want: "1 leaks", finding: "another place than the request's"},
		{fault: failing, want: "1 errors (internal 1)", finding: "internal"},
		{fault: silent, want: "1 errors (timeout 1), 1 requests without an outcome", finding: "timeout"},
		{fault: dropped, want: "1 errors (ended_lost 1)", finding: "ended_lost"},
		{fault: evicted, want: "1 errors (ended_left 1)", finding: "ended_left"},
		{fault: second, confirm: 2_000_000, want: "1 not matched to the nearest", finding: "was available at"},
		{fault: another, confirm: 2_000_000, want: "double matches", finding: "was in match"},
		{fault: placed, confirm: 2_000_000, want: "1 leaks", finding: "was shown a position with the offer of match"},
		{fault: again, confirm: 2_000_000, want: "1 cabs asked again", finding: "was asked again"},
		{fault: assumed, confirm: 2_000_000, want: "1 matches that no cab had accepted", finding: "its cab had not accepted match", only: true},
		{fault: unsaid, confirm: 2_000_000, want: "1 offers without an end", finding: "was not told what became of the offer", only: true},
		{fault: slow, want: ""},
		{fault: unfinished, want: "errors (unavailable", only: true},
	} {
		t.Run(string(tt.fault), func(t *testing.T) {
			rows, data := simulate(t, simulation{random: kit.Random(t, 1), fault: tt.fault, wait: tt.wait, confirm: tt.confirm})
			v := judged(t, rows, data, judge.Options{})
			got := strings.Join(wrong(v), ", ")
			if !strings.Contains(got, tt.want) || tt.want == "" && got != "" || tt.only && strings.Contains(got, ", ") {
				t.Errorf("got %q, want it to say %q", got, tt.want)
			}
			if table := v.Table(time.UTC, 10); !strings.Contains(table, tt.finding) {
				t.Errorf("no finding says %q:\n%s", tt.finding, table)
			}
		})
	}
}

// A matcher that shares lets its matchee follow it. Without share that is a leak.
func TestAPositionThatTheMatcherSharesIsNoLeak(t *testing.T) {
	for _, share := range []bool{true, false} {
		rows, data := simulate(t, simulation{random: kit.Random(t, 0), shared: true, share: share})
		if v := judged(t, rows, data, judge.Options{}); v.Matched == 0 || share != (v.Leaks == 0) {
			t.Errorf("share %t: got %d leaks in %d matches\n%s", share, v.Leaks, v.Matched, v.Table(time.UTC, 5))
		}
	}
}

// A record that is cut off is judged up to there.
func TestJudgesUpToTheCut(t *testing.T) {
	rows, data := simulate(t, simulation{random: kit.Random(t, 0), wait: true})
	lines := bytes.SplitAfter(data, []byte("\n"))
	for _, part := range []int{2, 3, 5, 10} {
		cut := bytes.Join(lines[:len(lines)/part], nil)
		v := judged(t, rows, cut[:len(cut)-3], judge.Options{})
		sum := v.Matched + v.NoMatch + v.Cancelled + v.Unanswered + v.Open
		if wrong := wrong(v); len(wrong) > 0 || v.Whole || !strings.Contains(v.Cut, "in the middle of line") || sum != v.Requests || v.Requests == 0 || v.Probed != 0 {
			t.Errorf("a part of %d: wrong %q, %d requests accounted for\n%s", part, wrong, sum, v.Table(time.UTC, 5))
		}
	}
	// Cut between two lines, it lacks only its last line. Here a passenger is about to ask.
	half := bytes.Join(lines[:len(lines)/2], nil)
	called := bytes.LastIndex(half, []byte(`"called"`))
	v := judged(t, rows, half[:called+bytes.IndexByte(half[called:], '\n')+1], judge.Options{})
	if v.Whole || v.Cut != "" || v.Open != 1 {
		t.Errorf("between two lines: whole %t, cut %q, %d open", v.Whole, v.Cut, v.Open)
	}
}

func TestARecordOfAnotherTraceIsRefused(t *testing.T) {
	rows, data := simulate(t, simulation{random: kit.Random(t, 0)})
	change := func(do func(*trace.Row)) []trace.Row {
		other := slices.Clone(rows)
		for i := range other {
			do(&other[i])
		}
		return other
	}
	text := string(data)
	for name, tt := range map[string]struct {
		rows       []trace.Row
		data, want string
	}{
		"other places":  {change(func(r *trace.Row) { r.Lat += 1e-5 }), text, "is cab cab-"},
		"other cabs":    {change(func(r *trace.Row) { r.Cab += "x" }), text, "and in the trace it is cab cab-"},
		"no pickups":    {change(func(r *trace.Row) { r.Occupied = false }), text, "is no passenger of the trace, which has 0 pickups"},
		"fewer rows":    {rows[:len(rows)/2], text, "the record is of another trace"},
		"another speed": {rows, strings.Replace(text, `"speed":60`, `"speed":30`, 1), " s before it is time"},
		"asked earlier": {rows, strings.Replace(text, `"ahead":`, `"ahead":9`, 1), "the record is of another trace"},
		"never started": {rows, strings.Replace(text, `"e":"started"`, `"e":"closed"`, 1), `a row is played before the line with "e":"started"`},
		"only its head": {rows, text[:strings.Index(text, "\n")+1], "line 1 is the last, and nothing was played yet"},
	} {
		r, err := record.NewReader(strings.NewReader(tt.data))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := judge.Run(tt.rows, r, judge.Options{}); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%s: got %v, want the line and %q", name, err, tt.want)
		}
	}
}

func TestAgainstListsEachNumberThatDiffers(t *testing.T) {
	rows, data := simulate(t, simulation{random: kit.Random(t, 0)})
	v := judged(t, rows, data, judge.Options{})
	printed, err := json.Marshal(v.Result)
	if err != nil {
		t.Fatal(err)
	}
	if differ, err := v.Against(printed); err != nil || differ != nil {
		t.Errorf("the same: got %q, %v", differ, err)
	}
	other := v.Result
	other.Matched++
	other.MatchMillisP50 = nil
	other.ErrorsByCode = map[string]int{"stale": 1}
	if printed, err = json.Marshal(other); err != nil {
		t.Fatal(err)
	}
	differ, err := v.Against(append([]byte(`{"dances":3,`), printed[1:]...))
	want := []string{"dances: the replay says 3, and", "errorsByCode: the replay says map[stale:1], the record map[]", "matchMillisP50: the replay says <nil>", "matched: the replay says"}
	if err != nil || len(differ) != len(want) {
		t.Fatalf("got %q, %v, want %d", differ, err, len(want))
	}
	for i := range want {
		if !strings.HasPrefix(differ[i], want[i]) {
			t.Errorf("got %q, want %q", differ[i], want[i])
		}
	}
	for _, text := range []string{"", "[]", "{}", `{"dances":3}`} {
		if _, err := v.Against([]byte(text)); err == nil {
			t.Errorf("%q is accepted as the output of a replay", text)
		}
	}
}

// A record is read once and not kept, so a record of four times the length needs hardly
// more memory, apart from the trace.
func TestMemoryDoesNotGrowWithTheRecord(t *testing.T) {
	peak := func(minutes int) (bytes uint64, lines int) {
		random := kit.Random(t, 0)
		rows := tracetest.Walk(random, 100, minutes)
		name := filepath.Join(t.TempDir(), "day.jsonl")
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		w := simulation{random: random}
		if err := w.make(rows, minutes, f, false); err != nil {
			t.Fatal(err)
		}
		w = simulation{}
		if f, err = os.Open(name); err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		runtime.GC()
		var before, now runtime.MemStats
		runtime.ReadMemStats(&before)
		reads := 0
		r, err := record.NewReader(readerFunc(func(b []byte) (int, error) {
			if reads++; reads%3 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&now)
				bytes = max(bytes, now.HeapAlloc-min(now.HeapAlloc, before.HeapAlloc))
			}
			return f.Read(b)
		}))
		if err != nil {
			t.Fatal(err)
		}
		v, err := judge.Run(rows, r, judge.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return bytes, v.Lines
	}
	short, lines := peak(100)
	long, more := peak(kit.Times(400, 1440))
	t.Logf("%d lines: %d KiB, %d lines: %d KiB", lines, short>>10, more, long>>10)
	// The window of the trace is kept: about 100 bytes a row. Each row has several lines.
	if limit := short + uint64(more-lines)*40; long > limit {
		t.Errorf("%d lines take %d bytes more than %d do, want at most %d", more, long-short, lines, limit-short)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
