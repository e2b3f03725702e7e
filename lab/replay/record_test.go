package replay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/lab/judge"
	"waggle/lab/record"
	"waggle/lab/replay"
	"waggle/lab/stats"
	"waggle/lab/trace"
)

// A file is a file in memory.
type file struct{ bytes.Buffer }

func (*file) Close() error { return nil }

// judged plays, and judges the record. The replay and the judge must count the same.
func judged(t *testing.T, ctx context.Context, c *server, change func(*replay.Config)) (stats.Result, judge.Verdict) {
	t.Helper()
	var f file
	var w *record.Writer
	r := play(t, ctx, c, func(config *replay.Config) {
		config.TTL = 180 * time.Second
		if change != nil {
			change(config)
		}
		w = record.NewWriter(&f, true, config.Header())
		config.Record = w
	})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	read, err := record.NewReader(bytes.NewReader(f.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	v, err := judge.Run(rows(), read, judge.Options{})
	if err != nil {
		t.Fatal(err)
	}
	printed, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	differ, err := v.Against(printed)
	if err != nil || len(differ) > 0 {
		t.Errorf("%v, the record differs in %q", err, differ)
	}
	if t.Failed() {
		t.Logf("%+v\n%s", r, v.Table(time.UTC, 5))
	}
	return r, v
}

func TestTheJudgeCountsWhatTheReplayCounts(t *testing.T) {
	inBubble(t, func(t *testing.T, c *server) {
		_, v := judged(t, t.Context(), c, nil)
		if wrong := v.Wrong(); wrong != nil || v.Matched != 4 || v.Probed != 2 || !v.Whole {
			t.Errorf("wrong: %q, and got\n%s", wrong, v.Table(time.UTC, 5))
		}
	})
	for name, tt := range map[string]struct {
		change func(*server)
		want   []string
	}{
		"refused":           {func(c *server) { c.refuse = "conflict" }, []string{"10 errors (conflict 10)", "4 requests without an outcome"}},
		"never answered":    {func(c *server) { c.silent = true }, []string{"10 errors (timeout 10)", "4 requests without an outcome"}},
		"stuck":             {func(c *server) { c.sticky = true }, []string{"2 cabs stuck in a match", "2 missed"}},
		"a closed socket":   {func(c *server) { c.cut = true }, nil},
		"a match that ends": {func(c *server) { c.lose = "m1" }, []string{"1 errors (ended_lost 1)"}},
		"crashes":           {func(c *server) { c.crash = true }, []string{"2 errors (unknown_frame 2)"}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, c *server) {
				tt.change(c)
				_, v := judged(t, t.Context(), c, nil)
				if diff := cmp.Diff(tt.want, v.Wrong()); diff != "" {
					t.Errorf("got +, want -\n%s", diff)
				}
				if name == "a closed socket" && v.ConnectionsLost != 2 {
					t.Errorf("connections lost: got %d, want 2", v.ConnectionsLost)
				}
			})
		})
	}
}

// A passenger who asks ahead gets a cab that is still on its way, or finds its cab busy.
func TestPassengersAskAheadOfTheirPickup(t *testing.T) {
	inBubble(t, func(t *testing.T, c *server) {
		r, v := judged(t, t.Context(), c, func(config *replay.Config) {
			config.Ahead, config.Window = 30*time.Second, trace.Cut(rows(), 0, 600, 30)
		})
		// At 30, 120, 170 and 190 s. Cab a rides until 180 s, and cab b until 240 s:
		// the third finds nobody, and the last has a come from a hundredth of a degree.
		if wrong := v.Wrong(); wrong != nil || r.Requests != 4 || r.AheadSeconds != 30 || r.AskedBefore != 0 || r.Matched != 3 || r.NoMatch != 1 {
			t.Errorf("wrong: %q, and got\n%s", wrong, v.Table(time.UTC, 5))
		}
		if far := r.DistanceMetersP95; far == nil || math.Abs(*far-0.01*metersPerDegree) > 1 {
			t.Errorf("got\n%s, want a cab that comes from a hundredth of a degree", v.Table(time.UTC, 5))
		}
	})
}

func TestTheRecordOfAnInterruptedReplayIsJudged(t *testing.T) {
	inBubble(t, func(t *testing.T, c *server) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5500*time.Millisecond, cancel) // 165 s of the trace: two rides
		_, v := judged(t, ctx, c, nil)
		if wrong := v.Wrong(); wrong != nil || !v.Interrupted || v.Matched != 2 || v.Probed != 0 || !v.Whole {
			t.Errorf("wrong: %q, and got\n%s", wrong, v.Table(time.UTC, 5))
		}
	})
	inBubble(t, func(t *testing.T, c *server) {
		c.silent = true
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		_, v := judged(t, ctx, c, nil)
		if wrong := v.Wrong(); wrong != nil || v.Cancelled != 1 {
			t.Errorf("while asking: wrong: %q, and got\n%s", wrong, v.Table(time.UTC, 5))
		}
	})
}
