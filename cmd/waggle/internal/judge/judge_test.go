package judge_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"waggle/cmd/waggle/internal/judge"
	"waggle/cmd/waggle/internal/record"
	"waggle/cmd/waggle/internal/trace"
	"waggle/cmd/waggle/internal/trace/tracetest"
	"waggle/internal/seed"
)

// A file is one in memory.
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

// made plays a made-up trace on a server with a fault, or none.
func made(t *testing.T, random *rand.Rand, f fault, wait bool) ([]trace.Row, []byte) {
	t.Helper()
	rows := tracetest.Walk(random, 40, 40)
	var out file
	w := world{random: random, fault: f, wait: wait}
	if err := w.make(rows, 40, &out, false); err != nil {
		t.Fatal(err)
	}
	if f != "" && !w.planted {
		t.Fatalf("nobody met the fault: %s", f)
	}
	return rows, out.Bytes()
}

func TestNothingIsWrongWithWhatIsRight(t *testing.T) {
	base, noMatches, waits := seed.New(t), 0, 0
	for part := range uint64(seed.Times(5, 200)) {
		for _, wait := range []bool{false, true} {
			rows, data := made(t, rand.New(rand.NewPCG(base, part)), "", wait)
			var seen []judge.Row
			v := judged(t, rows, data, judge.Options{Rows: func(r judge.Row) { seen = append(seen, r) }})
			far := 0
			for _, r := range seen {
				if r.Verdict == "nearest" && r.DistanceMeters > 1 {
					far++
				}
			}
			if wrong := v.Wrong(); wrong != nil || v.Probed != v.Members || len(seen) != v.Requests || far < 20 {
				t.Fatalf("part %d, waiting %t: wrong %q, %d rows, %d far:\n%s", part, wait, wrong, len(seen), far, v.Table(time.UTC, 10))
			}
			if wait {
				waits += v.Waited
			} else {
				noMatches += v.NoMatch
			}
		}
	}
	if noMatches == 0 || waits == 0 {
		t.Errorf("got %d no_match and %d that waited: the world is too easy", noMatches, waits)
	}
}

// Each planted fault is found, and said by its name.
func TestFindsPlantedFaults(t *testing.T) {
	for _, tt := range []struct {
		fault fault
		wait  bool
		// what the verdict says, and what its finding says
		want, finding string
	}{
		{fault: second, want: "1 not matched to the nearest", finding: "was available at"},
		{fault: second, wait: true, want: "1 not matched to the nearest", finding: "was available at"},
		{fault: stale, want: "1 not matched to the nearest", finding: "its report was too old"},
		{fault: unwilling, want: "1 not matched to the nearest", finding: "it had said available: false"},
		{fault: misplaced, want: "1 not matched to the nearest", finding: "shown where it had not reported to be"},
		{fault: miscounted, want: "1 not matched to the nearest", finding: "and it was told"},
		{fault: busy, want: "double matches", finding: "was in match"},
		{fault: missing, want: "1 missed", finding: "no match, and cab-"},
		{fault: forgetful, want: "1 cabs stuck in a match", finding: "could not be matched by a probe beside it"},
		{fault: late, want: "1 leaks", finding: "a position after the end of its match"},
		{fault: early, want: "1 leaks", finding: "a position without a match"},
		{fault: foreign, want: "1 leaks", finding: "a position that its cab had not reported"},
		{fault: tracked, want: "1 leaks", finding: "another place than the request's"},
		{fault: broken, want: "1 errors (internal 1)", finding: "internal"},
		{fault: deaf, want: "1 errors (timeout 1), 1 requests without an outcome", finding: "timeout"},
		{fault: dropped, want: "1 errors (ended_lost 1)", finding: "ended_lost"},
		{fault: unheard, want: ""},
	} {
		t.Run(string(tt.fault), func(t *testing.T) {
			rows, data := made(t, seed.Random(t, 1), tt.fault, tt.wait)
			v := judged(t, rows, data, judge.Options{})
			got := strings.Join(v.Wrong(), ", ")
			if !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("got %q, want it to say %q", got, tt.want)
			}
			if table := v.Table(time.UTC, 10); !strings.Contains(table, tt.finding) {
				t.Errorf("no finding says %q:\n%s", tt.finding, table)
			}
		})
	}
}
